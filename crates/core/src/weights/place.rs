//! A network found in a file: its place, its naming scheme, and the other entries.

use std::collections::HashSet;

use super::checkpoint::{Checkpoint, shortened};
use super::choose::{Choice, choose, shown};
use super::extra;
use super::find::{Candidate, candidates};
use super::head::Head;
use super::index::{Index, Leaf, first_key};
use super::state::{self, StateDict};
use super::{Layout, Select, Slot};
use crate::Error;

/// Most names of each kind in an error before "and n more".
const LISTED: usize = 5;
/// Most other entries that are listed.
const BESIDE: usize = 100;
/// Places described in an error.
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

/// An index of a file's tensors, in which networks are searched for.
pub struct Search<'a> {
    pub(super) file: &'a Checkpoint,
    pub(super) select: &'a Select,
    pub(super) index: Index<'a>,
}

impl std::fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Search({:?})", self.file)
    }
}

impl Search<'_> {
    /// As [`Checkpoint::find`].
    ///
    /// # Errors
    ///
    /// Those of [`Checkpoint::find`].
    pub fn find(&self, model: &str, slots: &[Slot], layout: &Layout) -> Result<Found, Error> {
        let Self {
            file,
            select,
            index,
        } = self;
        let found = candidates(index, slots, layout, |at| select.takes(at));
        let (taken, note) = match choose(index, slots, &found) {
            Choice::Taken(taken, note) => (taken, note),
            Choice::Tie(places) => {
                return Err(Error::Ambiguous {
                    name: file.name().to_owned(),
                    model: model.to_owned(),
                    places,
                });
            }
            Choice::Nothing => {
                return Err(Error::Weights {
                    name: file.name().to_owned(),
                    model: model.to_owned(),
                    mismatch: nearness(index, &found, select),
                });
            }
        };
        Ok(Found {
            weights: file.taken(index, slots, layout, &taken)?,
            place: file.place(index, slots, layout, &taken, note),
        })
    }
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
        self.search(select, |search| search.find(model, slots, layout))?
    }

    /// Calls `look` with an index of the file's tensors, so that many networks can be searched for at the
    /// cost of one index.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if two tensors would have the same name.
    pub fn search<T>(
        &self,
        select: &Select,
        look: impl FnOnce(&Search<'_>) -> T,
    ) -> Result<T, Error> {
        let leaves = self.selected(select)?;
        Ok(look(&Search {
            file: self,
            select,
            index: Index::new(&leaves),
        }))
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
        let (modules, beside) = strays(index, layout, taken);
        let statistics: Vec<&str> = taken
            .statistics
            .iter()
            .chain(&beside)
            .map(|&leaf| leaves[leaf].name.as_str())
            .collect();
        if !statistics.is_empty() {
            notes.push(format!(
                "{} among the weights {} ignored; the preprocessing keeps its own mean and standard deviation",
                statistics.join(", "),
                if statistics.len() == 1 { "is" } else { "are" },
            ));
        }
        if !modules.is_empty() {
            let shown: Vec<_> = modules
                .iter()
                .take(LISTED)
                .map(|name| shortened(name))
                .collect();
            let more = if modules.len() > LISTED { ", …" } else { "" };
            notes.push(format!(
                "the file has other modules next to the network, which are not run: {}{more}",
                shown.join(", ")
            ));
        }
        if let Some(class) = self.object_at(&taken.at) {
            notes.push(format!(
                "the file holds an object ({}): its weights are loaded, but strides, activations and \
                 other code are taken from this architecture",
                shortened(&class)
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
        let took: HashSet<usize> = taken.taken().collect();
        for (number, leaf) in index.leaves().iter().enumerate() {
            let of_head = match &taken.head {
                Head::Other { layers } => layers.iter().any(|layer| {
                    let own = leaf.name.strip_prefix(layer.as_str());
                    own.is_some_and(|own| own.starts_with('.'))
                }),
                _ => false,
            };
            if others.len() >= BESIDE {
                break;
            }
            if took.contains(&number) || of_head || extra::passed_over(&leaf.name) {
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

/// What is next to a network in its dictionary: modules that may change its input or use its output, by
/// their outermost keys, and statistics of pixels.
fn strays<'a>(index: &Index<'a>, layout: &Layout, taken: &Candidate) -> (Vec<&'a str>, Vec<usize>) {
    let leaves = index.leaves();
    let own = taken.filled.iter().map(|&(_, leaf)| leaves[leaf].own).min();
    let own = own.unwrap_or_default();
    if taken.at.is_empty() || own > taken.at.len() {
        return (Vec::new(), Vec::new());
    }
    let took: HashSet<usize> = taken.taken().collect();
    let heads = match &taken.head {
        Head::Other { layers } => layers.as_slice(),
        _ => &[],
    };
    let of_a_head = |name: &str| {
        let mut layers = heads.iter();
        layers.any(|layer| {
            name.strip_prefix(layer.as_str())
                .is_some_and(|own| own.starts_with('.'))
        })
    };
    let (mut modules, mut statistics): (Vec<&str>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut networks: HashSet<&str> = HashSet::new();
    let ending = format!(".{}", layout.first);
    for number in index.below(&taken.at[..own]) {
        let leaf = &leaves[number];
        let key = &leaf.name[own..];
        let beside = leaf.own == own && !leaf.name.starts_with(&taken.at);
        if !beside || took.contains(&number) || of_a_head(&leaf.name) {
            continue;
        }
        let module = first_key(key);
        if leaf.name.ends_with(&ending) {
            networks.insert(module);
        }
        if extra::is_statistic(key, leaf.shape()) {
            statistics.push(number);
        } else if !extra::passed_over(key)
            && !extra::is_helper(key)
            && modules.last() != Some(&module)
        {
            modules.push(module);
        }
    }
    modules.retain(|module| !networks.contains(module));
    (modules, statistics)
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
            missing_count: it.missing_count,
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
    /// Number of all missing names, of which only the first are listed.
    pub(super) missing_count: usize,
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
        ("missing", differs.missing, differs.missing_count),
        ("unused", differs.unused, differs.unused.len()),
        ("with the wrong shape", &misshapen, misshapen.len()),
    ];
    let parts = parts.iter().filter(|(_, _, count)| *count > 0);
    parts.map(summary).collect::<Vec<_>>().join("; ")
}

fn summary((kind, list, count): &(&str, &[String], usize)) -> String {
    let shown = list
        .iter()
        .take(LISTED)
        .map(|item| shortened(item))
        .collect::<Vec<_>>()
        .join(", ");
    let more = match count.saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{count} {kind} ({shown}{more})")
}
