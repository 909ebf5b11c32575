//! A network found in a file: its place, its naming scheme, and the other entries.

use super::checkpoint::{Checkpoint, shortened};
use super::choose::{Choice, choose, shown};
use super::find::{Candidate, candidates};
use super::head::Head;
use super::index::{Index, Leaf, first_key};
use super::state::{self, StateDict};
use super::{Layout, Select, Slot};
use crate::Error;

/// Most names of each kind in an error before "and n more".
const LISTED: usize = 5;
/// Most places in an error.
const DESCRIBED: usize = 3;

/// A network found in a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// Its tensors under the reference's keys.
    pub weights: StateDict,
    /// Where it was found.
    pub place: Place,
}

/// Where in a file a network was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Keys of the dictionary that holds the weights, joined by dots; empty at the top level.
    pub key: String,
    /// The prefix of each key there, with its dot; may be empty.
    pub prefix: String,
    /// The naming scheme of the tensors: `reference`, `burn`, `numbered`, or a [`Dialect`](super::Dialect)'s.
    pub naming: &'static str,
    /// The last layer.
    pub head: FoundHead,
    /// Number of image channels that the first layer takes.
    pub channels: usize,
    /// Outputs of each auxiliary head's last layer; empty if the file has no auxiliary heads.
    pub aux_classes: Vec<usize>,
    /// The other entries of the file.
    pub others: Vec<String>,
    /// Notes for the user about how the weights were read.
    pub notes: Vec<String>,
}

/// The last layer of a network in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundHead {
    /// One dense layer, as in the network.
    Linear {
        /// Its name in the file, without `.weight`.
        name: String,
        /// Its number of outputs.
        classes: usize,
    },
    /// Layers that differ from the network's head, such as an MLP.
    Other {
        /// Their names in the file.
        layers: Vec<String>,
    },
    /// No head.
    Missing,
}

impl Checkpoint {
    /// Finds the weights of a network in the file: in any dictionary, with any prefix, under any known
    /// naming scheme. Everything else in the file is ignored.
    ///
    /// `slots` and `layout` are those of the network `model` with any number of classes and
    /// channels, and with its auxiliary heads, which the file need not have. The head may be
    /// missing or different: see [`Place::head`].
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] if nothing fits, with the closest places; [`Error::Ambiguous`] if
    /// several places fit equally well; [`Error::Container`] if values cannot be read.
    pub fn find(
        &self,
        model: &str,
        slots: &[Slot],
        layout: &Layout,
        select: &Select,
    ) -> Result<Found, Error> {
        let leaves = self.selected(select)?;
        let index = Index::new(&leaves);
        let found = candidates(&index, slots, layout, |at| select.takes(at));
        let (taken, note) = match choose(&index, slots, &found) {
            Choice::Taken(taken, note) => (taken, note),
            Choice::Tie(places) => {
                return Err(Error::Ambiguous {
                    name: self.name().to_owned(),
                    model: model.to_owned(),
                    places,
                });
            }
            Choice::Nothing => {
                return Err(Error::Weights {
                    name: self.name().to_owned(),
                    model: model.to_owned(),
                    mismatch: nearness(&index, &found, select),
                });
            }
        };
        Ok(Found {
            weights: self.taken(&index, slots, layout, &taken)?,
            place: self.place(&index, slots, layout, &taken, note),
        })
    }

    /// The tensors at a place under the reference's keys.
    fn taken(
        &self,
        index: &Index<'_>,
        slots: &[Slot],
        layout: &Layout,
        taken: &Candidate,
    ) -> Result<StateDict, Error> {
        let file = self.name();
        let leaves = index.leaves();
        let named = |leaf: usize, key: &str| {
            let mut tensor = leaves[leaf].tensor.clone();
            key.clone_into(&mut tensor.name);
            match tensor.shape.len() {
                2 if taken.transposed => state::transposed(file, &tensor),
                _ => Ok(tensor),
            }
        };
        let mut tensors = Vec::with_capacity(slots.len());
        for &(slot, leaf) in &taken.filled {
            tensors.push(named(leaf, &slots[slot].key)?);
        }
        if let Head::Linear {
            weight,
            bias,
            classes,
            ..
        } = taken.head
        {
            let usual = layout.heads.first().copied().unwrap_or_default();
            let mut matrix = named(weight, &format!("{usual}.weight"))?;
            if let [classes, inputs, 1, 1] = *matrix.shape.as_slice() {
                matrix = state::reshaped(file, &matrix, vec![classes, inputs])?;
            }
            tensors.push(matrix);
            let key = format!("{usual}.bias");
            tensors.push(match bias {
                Some(bias) => named(bias, &key)?,
                // The bias of a layer without one is zero.
                None => state::zeros(&key, classes),
            });
        }
        Ok(StateDict {
            file: file.to_owned(),
            tensors,
        })
    }

    fn place(
        &self,
        index: &Index<'_>,
        slots: &[Slot],
        layout: &Layout,
        taken: &Candidate,
        note: Option<String>,
    ) -> Place {
        let leaves = index.leaves();
        let (key, prefix) = split(leaves, taken);
        let of = |leaf: usize, axis: usize| leaves[leaf].shape().get(axis).copied().unwrap_or(0);
        let first = taken
            .filled
            .iter()
            .find(|(slot, _)| slots[*slot].key == layout.first);
        let axis = match first {
            Some(&(_, leaf)) if taken.transposed && leaves[leaf].shape().len() == 2 => 0,
            _ => 1,
        };
        let aux_classes = taken.filled.iter().filter(|(slot, _)| {
            let key = &slots[*slot].key;
            layout.head_of(key).is_some() && key.ends_with(".weight")
        });
        let classes_axis = usize::from(taken.transposed);
        let mut notes: Vec<String> = note.into_iter().collect();
        if !taken.statistics.is_empty() {
            let names: Vec<&str> = taken
                .statistics
                .iter()
                .map(|&leaf| leaves[leaf].name.as_str())
                .collect();
            notes.push(format!(
                "{} among the weights {} ignored; the preprocessing keeps its own mean and standard deviation",
                names.join(", "),
                if names.len() == 1 { "is" } else { "are" },
            ));
        }
        Place {
            others: self.others(index, taken, &key),
            key,
            prefix,
            naming: taken.naming,
            head: match &taken.head {
                Head::Linear { name, classes, .. } => FoundHead::Linear {
                    name: name.clone(),
                    classes: *classes,
                },
                Head::Other { layers } => FoundHead::Other {
                    layers: layers.clone(),
                },
                Head::Missing => FoundHead::Missing,
            },
            channels: first.map_or(0, |&(_, leaf)| of(leaf, axis) / layout.pixels),
            aux_classes: aux_classes
                .map(|&(_, leaf)| of(leaf, classes_axis))
                .collect(),
            notes,
        }
    }

    /// The other entries of the dictionaries around the weights, and unused tensors.
    fn others(&self, index: &Index<'_>, taken: &Candidate, key: &str) -> Vec<String> {
        let mut others = self.beside(key);
        let took: std::collections::HashSet<usize> = taken.taken().collect();
        for (number, leaf) in index.leaves().iter().enumerate() {
            if took.contains(&number) || super::head::passed_over(&leaf.name) {
                continue;
            }
            let name = match leaf.name.strip_prefix(&taken.at) {
                Some(_) => leaf.name.clone(),
                None => {
                    let around = leaf.around();
                    format!("{around}{}", first_key(&leaf.name[around.len()..]))
                }
            };
            let known = others.iter().any(|other| {
                name.strip_prefix(other.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            if !known {
                others.push(name);
            }
        }
        others
    }
}

/// Splits a place into the keys of its dictionary and the prefix in it.
fn split(leaves: &[Leaf], taken: &Candidate) -> (String, String) {
    let own = taken.filled.iter().map(|&(_, leaf)| leaves[leaf].own).min();
    let own = own.unwrap_or_default().min(taken.at.len());
    let (key, prefix) = taken.at.split_at(own);
    (key.trim_end_matches('.').to_owned(), prefix.to_owned())
}

/// The reason why nothing fits: the closest places and their differences.
fn nearness(index: &Index<'_>, found: &[Candidate], select: &Select) -> String {
    let leaves = index.leaves();
    if found.is_empty() {
        let names = leaves.iter().take(LISTED).map(|leaf| shortened(&leaf.name));
        let names = names.collect::<Vec<_>>().join(", ");
        let what = match (&select.key, &select.prefix) {
            (None, None) => "none of its tensors belongs to this network".to_owned(),
            (key, prefix) => format!(
                "there is no tensor of this network {}",
                [("at the key ", key), ("behind the prefix ", prefix)]
                    .iter()
                    .filter_map(|(what, value)| value
                        .as_ref()
                        .map(|value| format!("{what}{value}")))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        return format!("{what} (it holds {} tensors: {names}, …)", leaves.len());
    }
    let most = found[0].filled.len();
    let near = found.iter().filter(|it| 2 * it.filled.len() >= most);
    let described = near.take(DESCRIBED).map(|it| {
        let unused: Vec<String> = it
            .unused
            .iter()
            .map(|&leaf| leaves[leaf].name.clone())
            .collect();
        let differs = mismatch(&Mismatch {
            missing: &it.missing,
            unused: &unused,
            misshapen: &it.misshapen,
        });
        match (found.len(), it.at.is_empty()) {
            (1, true) => differs,
            _ => format!("at {}: {differs}", shortened(&shown(&it.at))),
        }
    });
    described.collect::<Vec<_>>().join("; or ")
}

/// Differences between tensors and a network.
pub(super) struct Mismatch<'a> {
    pub(super) missing: &'a [String],
    pub(super) unused: &'a [String],
    /// Name, shape found, shape expected.
    pub(super) misshapen: &'a [(String, Vec<usize>, Vec<usize>)],
}

/// The differences in one line.
pub(super) fn mismatch(differs: &Mismatch<'_>) -> String {
    let misshapen: Vec<String> = differs
        .misshapen
        .iter()
        .map(|(name, found, expected)| {
            format!("{} is {found:?}, expected {expected:?}", shortened(name))
        })
        .collect();
    let parts = [
        ("missing", differs.missing),
        ("unused", differs.unused),
        ("with the wrong shape", &misshapen),
    ];
    let parts = parts.iter().filter(|(_, list)| !list.is_empty());
    parts.map(summary).collect::<Vec<_>>().join("; ")
}

fn summary((kind, list): &(&str, &[String])) -> String {
    let shown = list
        .iter()
        .take(LISTED)
        .map(|item| shortened(item))
        .collect::<Vec<_>>()
        .join(", ");
    let more = match list.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {kind} ({shown}{more})", list.len())
}
