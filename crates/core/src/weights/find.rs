//! Finds the weights of a network in a file.
//!
//! A file is a tree, and any place in it may be the root of the network: a dictionary, or a common
//! prefix of keys. Each place is compared with the network under each naming. The only fixed lists
//! are the layer names of other projects.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::extra;
use super::head::{self, Head};
use super::index::{Index, first_key};
use super::naming::{Naming, namings, numbered};
use super::{Layout, Slot};

/// Most places to compare in full under one naming; those with the most matching names come first.
const PLACES: usize = 16;
/// Missing names that are kept for a message.
const LISTED: usize = 8;

/// A place of a file, compared with a network.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The keys before the network's own, each followed by a dot.
    pub(super) at: String,
    /// Whose names the tensors have.
    pub(super) naming: &'static str,
    /// Whether matrices are `[in, out]`.
    pub(super) transposed: bool,
    /// Slots and the tensors that fill them, without the main head.
    pub(super) filled: Vec<(usize, usize)>,
    /// The first missing names, and the number of all missing ones.
    pub(super) missing: Vec<String>,
    pub(super) missing_count: usize,
    /// Tensors with the wrong shape: name, shape found, shape expected.
    pub(super) misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// Tensors at this place that the network does not have.
    pub(super) unused: Vec<usize>,
    /// The last layer.
    pub(super) head: Head,
    /// Pixel statistics among the weights, which no network here has.
    pub(super) statistics: Vec<usize>,
}

impl Candidate {
    /// Whether everything but the head fits.
    pub(super) fn fits(&self) -> bool {
        self.missing_count == 0 && self.misshapen.is_empty() && self.unused.is_empty()
    }

    /// Whether the head fits too.
    pub(super) fn has_head(&self) -> bool {
        matches!(self.head, Head::Linear { .. })
    }

    /// The amount of difference, to sort candidates.
    pub(super) fn faults(&self) -> usize {
        self.missing_count + self.misshapen.len() + self.unused.len()
    }

    /// Every tensor that the network takes from the file.
    pub(super) fn taken(&self) -> impl Iterator<Item = usize> {
        let head = match self.head {
            Head::Linear { weight, bias, .. } => [Some(weight), bias],
            _ => [None; 2],
        };
        let filled = self.filled.iter().map(|&(_, leaf)| leaf);
        filled.chain(head.into_iter().flatten())
    }
}

/// Every place that may be the network's root, the best first; places that fit come before all
/// others. `takes` returns whether the user allows a place.
pub(super) fn candidates(
    index: &Index<'_>,
    slots: &[Slot],
    layout: &Layout,
    takes: impl Fn(&str) -> bool,
) -> Vec<Candidate> {
    let wanted = Wanted {
        index,
        slots,
        layout,
    };
    let mut found: Vec<Candidate> = Vec::new();
    for naming in namings(slots, layout) {
        for at in wanted.places(&naming, &takes) {
            found.push(wanted.compare(at, &naming));
        }
    }
    for (at, naming) in numbered(index, slots, layout) {
        if takes(at) {
            found.push(wanted.compare(at, &naming));
        }
    }
    found.sort_by_key(|it| {
        let near = Reverse(it.filled.len());
        (!it.fits(), !it.has_head(), near, it.at.len(), it.faults())
    });
    let mut known = Vec::new();
    found.retain(|it| {
        let new = !known.contains(&it.at);
        if new {
            known.push(it.at.clone());
        }
        new
    });
    found
}

struct Wanted<'a, 'i> {
    index: &'i Index<'a>,
    slots: &'i [Slot],
    layout: &'i Layout,
}

impl<'a> Wanted<'a, '_> {
    /// The places that have most of the names, among those that the user allows.
    fn places(&self, naming: &Naming, takes: &impl Fn(&str) -> bool) -> Vec<&'a str> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for key in &naming.keys {
            for at in self.index.before(key) {
                if at.is_empty() || at.ends_with('.') {
                    *counts.entry(at).or_default() += 1;
                }
            }
        }
        counts.retain(|at, _| takes(at));
        let mut places: Vec<(&str, usize)> = counts.into_iter().collect();
        places.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let most = places.first().map_or(0, |place| place.1);
        places.retain(|place| 2 * place.1 > most);
        places.truncate(PLACES);
        places.into_iter().map(|(at, _)| at).collect()
    }

    fn compare(&self, at: &str, naming: &Naming) -> Candidate {
        let Self {
            index,
            slots,
            layout,
        } = *self;
        let leaves = index.leaves();
        let below = index.below(at);
        let mut is_free = vec![true; below.len()];
        let find = |key: &str| index.find(&format!("{at}{key}"));
        let has_aux = slots
            .iter()
            .zip(&naming.keys)
            .any(|(slot, key)| layout.is_aux(&slot.key) && find(key).is_some());

        let (mut filled, mut missing, mut misshapen) = (Vec::new(), Vec::new(), Vec::new());
        let mut missing_count = 0;
        let mut body = Vec::new();
        for (number, (slot, key)) in slots.iter().zip(&naming.keys).enumerate() {
            let head = layout.head_of(&slot.key);
            if head == Some(0) || (layout.is_aux(&slot.key) && !has_aux) {
                continue;
            }
            let first = first_key(key);
            if !body.contains(&first) {
                body.push(first);
            }
            let found = find(key);
            let unreadable = found.and_then(|leaf| leaves[leaf].unreadable.as_deref());
            let (Some(leaf), None) = (found, unreadable) else {
                missing_count += 1;
                if missing.len() < LISTED {
                    missing.push(match unreadable {
                        Some(dtype) => format!("{at}{key} as numbers, not {dtype}"),
                        None => format!("{at}{key}"),
                    });
                }
                if let Some(leaf) = found {
                    is_free[leaf - below.start] = false;
                }
                continue;
            };
            is_free[leaf - below.start] = false;
            let shape = turned(leaves[leaf].shape(), naming.transposed);
            if self.has_shape(slot, head.is_some(), &shape) {
                filled.push((number, leaf));
            } else {
                misshapen.push((leaves[leaf].name.clone(), shape, slot.shape.clone()));
            }
        }

        let around = filled.iter().map(|&(_, leaf)| leaves[leaf].own).min();
        let own = around.unwrap_or_default();
        let (mut rest, mut statistics) = (Vec::new(), Vec::new());
        for leaf in below.clone().filter(|leaf| is_free[leaf - below.start]) {
            let it = &leaves[leaf];
            // Entries of other dictionaries do not belong to the network.
            let elsewhere = own <= at.len() && it.own != own;
            // An empty tensor cannot be a weight.
            let is_empty = it.shape().contains(&0);
            if elsewhere
                || is_empty
                || extra::passed_over(&it.name)
                || extra::is_helper(&it.name[at.len()..])
            {
                continue;
            }
            if extra::is_statistic(&it.name[at.len()..], it.shape()) {
                statistics.push(leaf);
            } else {
                rest.push(leaf);
            }
        }
        let usual = layout.heads.first().copied().unwrap_or_default();
        let features = slots
            .iter()
            .find(|slot| slot.key.strip_prefix(usual) == Some(".weight"));
        let features = features
            .and_then(|slot| slot.shape.get(1))
            .copied()
            .unwrap_or_default();
        let usual_key = slots
            .iter()
            .zip(&naming.keys)
            .find(|(slot, _)| slot.key.strip_prefix(usual) == Some(".weight"))
            .and_then(|(_, key)| key.strip_suffix(".weight"));
        let place = head::Place {
            index,
            at,
            features,
            transposed: naming.transposed,
            first: self.layout.first,
        };
        let found = place.among(&rest, &body, usual_key.unwrap_or(usual));
        let head = match found.head {
            Head::Missing => place.beside(),
            // If another layer takes the network's outputs, they are not classes.
            Head::Linear {
                ref name, classes, ..
            } => match place.behind(classes) {
                Some(outer) => Head::Other {
                    layers: vec![name.clone(), outer],
                },
                None => found.head,
            },
            head => head,
        };
        Candidate {
            at: at.to_owned(),
            naming: naming.name,
            transposed: naming.transposed,
            filled,
            missing,
            missing_count,
            misshapen,
            unused: found.unused,
            head,
            statistics,
        }
    }

    /// Whether a shape equals that of a slot, except for the numbers of channels and classes.
    fn has_shape(&self, slot: &Slot, is_head: bool, shape: &[usize]) -> bool {
        if shape.len() != slot.shape.len() {
            return false;
        }
        let any_channels = slot.key == self.layout.first;
        shape
            .iter()
            .zip(&slot.shape)
            .enumerate()
            .all(|(axis, (found, expected))| {
                found == expected
                    || (is_head && axis == 0 && *found > 0)
                    || (any_channels && axis == 1 && *found > 0 && found % self.layout.pixels == 0)
            })
    }
}

/// A matrix in PyTorch's order.
fn turned(shape: &[usize], transposed: bool) -> Vec<usize> {
    let mut shape = shape.to_vec();
    if transposed && shape.len() == 2 {
        shape.reverse();
    }
    shape
}
