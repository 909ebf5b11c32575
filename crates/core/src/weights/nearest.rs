//! How close a file that does not fit comes to a network.

use super::find::candidates;
use super::place::Search;
use super::{Layout, Slot};

/// Most differences to list.
const LISTED: usize = 6;

/// How close the tensors of a file come to a network.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nearness {
    /// Similarity from 0 to 1: tensors with the same name and shape count 1, those with the same name only
    /// count 1/2, divided by the number of tensors in either.
    pub share: f64,
    /// The differences in words, the most informative first.
    pub differs: Vec<String>,
}

impl Search<'_> {
    /// How close the file comes to a network, at its closest place. `None` if no tensor name belongs to
    /// the network.
    ///
    /// `slots` and `layout` are as for [`Checkpoint::find`](super::Checkpoint::find).
    pub fn nearness(&self, slots: &[Slot], layout: &Layout) -> Option<Nearness> {
        let leaves = self.index.leaves();
        let found = candidates(&self.index, slots, layout, |at| self.select.takes(at));
        let best = found.into_iter().max_by_key(|it| it.filled.len())?;
        let wanted = best.filled.len() + best.missing_count + best.misshapen.len();
        // A name alone counts half: names identify the family, shapes the width.
        let alike = best.filled.len() as f64 + best.misshapen.len() as f64 / 2.0;
        let share = alike / (wanted + best.unused.len()).max(1) as f64;

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
        let counted = |what: &str, names: &[String], count: usize| {
            let first = names
                .iter()
                .take(3)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            let more = if count > 3 { ", …" } else { "" };
            format!("{what} tensors ({count}): {first}{more}")
        };
        if best.missing_count > 0 {
            let names: Vec<String> = best
                .missing
                .iter()
                .map(|name| name.strip_prefix(at).unwrap_or(name).to_owned())
                .collect();
            differs.push(counted("missing", &names, best.missing_count));
        }
        if !best.unused.is_empty() {
            let names = best.unused.iter().take(LISTED).map(|&leaf| {
                let name = &leaves[leaf].name;
                name.strip_prefix(at).unwrap_or(name).to_owned()
            });
            let names: Vec<String> = names.collect();
            differs.push(counted("extra", &names, best.unused.len()));
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
