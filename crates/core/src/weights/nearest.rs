//! How close a file that does not fit comes to a network.

use super::checkpoint::Checkpoint;
use super::find::candidates;
use super::index::Index;
use super::{Layout, Select, Slot};

/// Most differences to list.
const LISTED: usize = 6;

/// How close the tensors of a file come to a network.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nearness {
    /// The share of the network's tensors that the file has with the right shape, minus the number of
    /// extra tensors as a share of the network's.
    pub share: f64,
    /// The differences in words, the most informative first.
    pub differs: Vec<String>,
}

impl Checkpoint {
    /// How close the file comes to a network, at its closest place. `None` if no tensor name belongs to
    /// the network.
    ///
    /// `slots` and `layout` are as for [`Checkpoint::find`].
    pub fn nearness(&self, slots: &[Slot], layout: &Layout, select: &Select) -> Option<Nearness> {
        let leaves = self.selected(select).ok()?;
        let index = Index::new(&leaves);
        let found = candidates(&index, slots, layout, |at| select.takes(at));
        let best = found.into_iter().max_by_key(|it| it.filled.len())?;
        let wanted = best.filled.len() + best.missing.len() + best.misshapen.len();
        let share = (best.filled.len() as f64 - best.unused.len() as f64) / wanted.max(1) as f64;

        let mut differs = Vec::new();
        let at = best.at.as_str();
        for (name, found, expected) in best.misshapen.iter().take(LISTED) {
            let own = name.strip_prefix(at).unwrap_or(name);
            let first = own == layout.first;
            differs.push(match (&found[..], &expected[..]) {
                (&[_, _, 3, 3], &[_, _, 7, 7]) if first => {
                    let layer = own.trim_end_matches(".weight");
                    format!("a CIFAR stem: {layer} is 3x3, expected 7x7")
                }
                (&[_, _, a, b], &[_, _, c, d]) if [a, b] != [c, d] => {
                    format!("{own} is {a}x{b} ({found:?}), expected {c}x{d} ({expected:?})")
                }
                _ => format!("{own} is {found:?}, expected {expected:?}"),
            });
        }
        let counted = |what: &str, names: &[String]| {
            let first = names
                .iter()
                .take(3)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            let more = if names.len() > 3 { ", …" } else { "" };
            format!("{what} tensors ({}): {first}{more}", names.len())
        };
        if !best.missing.is_empty() {
            let names: Vec<String> = best
                .missing
                .iter()
                .map(|name| name.strip_prefix(at).unwrap_or(name).to_owned())
                .collect();
            differs.push(counted("missing", &names));
        }
        if !best.unused.is_empty() {
            let names = best.unused.iter().map(|&leaf| {
                let name = &leaves[leaf].name;
                name.strip_prefix(at).unwrap_or(name).to_owned()
            });
            differs.push(counted("extra", &names.collect::<Vec<_>>()));
        }
        match &best.head {
            super::head::Head::Missing => differs.push("no head".to_owned()),
            super::head::Head::Other { layers } => {
                differs.push(format!("a different head: {}", layers.join(", ")));
            }
            super::head::Head::Linear { .. } => {}
        }
        if !at.is_empty() {
            differs.push(format!("a prefix: {}", at.trim_end_matches('.')));
        }
        Some(Nearness { share, differs })
    }
}
