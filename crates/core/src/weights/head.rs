//! Finds the last layer of a network in a file, whatever its name.

use std::collections::{BTreeMap, HashSet};

use super::extra::{self, words};
use super::index::{Index, Leaf, first_key};

/// The last layer in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// One dense layer.
    Linear {
        /// Its name in the file, without `.weight`.
        name: String,
        weight: usize,
        /// `None` if it has no bias.
        bias: Option<usize>,
        classes: usize,
    },
    /// Layers that differ from the network's head.
    Other {
        /// Their names in the file.
        layers: Vec<String>,
    },
    /// No head.
    Missing,
}

/// A key and the tensors below it.
type Group<'a> = (&'a str, Vec<usize>);

/// Most tensors of a layer between a body and its head.
const BETWEEN: usize = 16;

/// The tensors at a network's place that are not in its body: the head, and unused ones.
pub(super) struct Rest {
    pub(super) head: Head,
    pub(super) unused: Vec<usize>,
}

/// Words in the names of last layers.
const WORDS: [&str; 14] = [
    "head",
    "heads",
    "fc",
    "linear",
    "classifier",
    "classif",
    "cls",
    "clf",
    "logits",
    "output",
    "out",
    "prediction",
    "predictions",
    "projection",
];

/// A place in a file, and what the head of a network there takes.
#[derive(Clone, Copy)]
pub(super) struct Place<'a, 'i> {
    pub(super) index: &'i Index<'a>,
    /// The keys before the network's own, each followed by a dot.
    pub(super) at: &'i str,
    /// Number of inputs of the head.
    pub(super) features: usize,
    /// Whether matrices are `[in, out]`.
    pub(super) transposed: bool,
    /// Key of the first layer's weight. A module that has it is another network.
    pub(super) first: &'i str,
}

impl<'a> Place<'a, '_> {
    /// Separates a head from other tensors. `rest` are the tensors below the place that are not in the
    /// body, `body` the outermost keys of the body, `usual` the reference's name of the head.
    pub(super) fn among(self, rest: &[usize], body: &[&str], usual: &str) -> Rest {
        let leaves = self.index.leaves();
        let first = |leaf: usize| first_key(&leaves[leaf].name[self.at.len()..]);
        let (inner, outer): (Vec<usize>, Vec<usize>) =
            rest.iter().partition(|&&leaf| body.contains(&first(leaf)));
        // The reference's own name takes precedence over any other.
        let own = format!("{}{usual}.", self.at);
        let (named, others): (Vec<usize>, Vec<usize>) = outer.iter().partition(|&&leaf| {
            let rest = leaves[leaf].name.strip_prefix(&own);
            rest.is_some_and(|rest| !rest.contains('.'))
        });
        // The file may have several heads on one body. The network has only one.
        let more_heads = |leaf: &usize| {
            let key = first(*leaf);
            let is_own = |other: &&usize| first(**other) == key && is_matrix(&leaves[**other]);
            is_called_head(key) && others.iter().any(|other| is_own(&other))
        };
        if let Some(head) = self.linear(&named) {
            if !others.is_empty() && others.len() <= BETWEEN && others.iter().all(more_heads) {
                return Rest {
                    head: Head::Other {
                        layers: layers(self.index, &outer),
                    },
                    unused: inner,
                };
            }
            let unused = [inner, others].concat();
            return Rest { head, unused };
        }
        if let Some(head) = self.linear(&outer) {
            let unused = inner;
            return Rest { head, unused };
        }
        // Several layers, or one of the wrong size, are a head if their names say so, if they hold a
        // matrix, or if their size is the head's number of inputs.
        let of_a_head: HashSet<&str> = outer
            .iter()
            .filter(|&&leaf| is_matrix(&leaves[leaf]) || self.takes(&leaves[leaf]))
            .map(|&leaf| first(leaf))
            .collect();
        let (heads, unused): (Vec<usize>, Vec<usize>) = outer
            .iter()
            .partition(|&&leaf| is_called_head(first(leaf)) || of_a_head.contains(first(leaf)));
        if !heads.iter().any(|&leaf| is_matrix(&leaves[leaf])) {
            let unused = [inner, outer].concat();
            return Rest {
                head: Head::Missing,
                unused,
            };
        }
        Rest {
            head: Head::Other {
                layers: layers(self.index, &heads),
            },
            unused: [inner, unused].concat(),
        }
    }

    /// A head next to the body, as in `{backbone, head}`: in the nearest dictionary or prefix around the
    /// place that has one.
    pub(super) fn beside(self) -> Head {
        let mut around = self.at;
        while let Some(trimmed) = around.strip_suffix('.') {
            let own = trimmed.rfind('.').map_or(0, |dot| dot + 1);
            let outer = &around[..own];
            let numbered = trimmed[own..].parse::<u32>().is_ok();
            let groups = self.siblings(outer, around);
            let (heads, others): (Vec<_>, Vec<_>) = groups.iter().partition(|(key, _)| {
                is_called_head(key) || numbered && key.parse::<u32>().is_ok()
            });
            if let Some(head) = self.one_of(&heads, &others) {
                return head;
            }
            around = outer;
        }
        Head::Missing
    }

    /// A layer outside of the network with `outputs` inputs: it follows the network, whose outputs are
    /// then not classes.
    pub(super) fn behind(self, outputs: usize) -> Option<String> {
        let leaves = self.index.leaves();
        let mut around = self.at;
        while let Some(trimmed) = around.strip_suffix('.') {
            let own = trimmed.rfind('.').map_or(0, |dot| dot + 1);
            let outer = &around[..own];
            let numbered = trimmed[own..].parse::<u32>().is_ok();
            for (key, group) in self.siblings(outer, around) {
                let may_follow = is_called_head(key) || numbered && key.parse::<u32>().is_ok();
                let axis = usize::from(!self.transposed);
                let takes = |leaf: &&usize| {
                    let leaf = &leaves[**leaf];
                    is_matrix(leaf) && leaf.shape()[axis] == outputs
                };
                if let (true, Some(&leaf)) = (may_follow, group.iter().find(takes)) {
                    return layers(self.index, &[leaf]).pop();
                }
            }
            around = outer;
        }
        None
    }

    /// The head among groups of tensors. The names of `others` do not suggest a head.
    fn one_of(self, heads: &[&Group<'_>], others: &[&Group<'_>]) -> Option<Head> {
        let leaves = self.index.leaves();
        let has_matrix = |group: &Group<'_>| group.1.iter().any(|&leaf| is_matrix(&leaves[leaf]));
        // A norm or an embedding between the body and the head changes the head's input.
        let is_between = |group: &Group<'_>| {
            group.1.len() <= BETWEEN && group.1.iter().any(|&leaf| self.takes(&leaves[leaf]))
        };
        let others: Vec<_> = others.iter().filter(|group| is_between(group)).collect();
        let heads: Vec<_> = heads
            .iter()
            .filter(|group| {
                has_matrix(group) || is_between(group) || self.linear(&group.1).is_some()
            })
            .collect();
        if let ([], [group]) = (&others[..], &heads[..])
            && let Some(head) = self.linear(&group.1)
        {
            return Some(head);
        }
        let tensors = others
            .iter()
            .chain(&heads)
            .flat_map(|group| group.1.iter().copied());
        let tensors: Vec<usize> = tensors.collect();
        heads
            .iter()
            .any(|group| has_matrix(group))
            .then(|| Head::Other {
                layers: layers(self.index, &tensors),
            })
    }

    /// The tensors below `outer` but not below `inner`, grouped by their next key, without other networks
    /// and without tensors that are not weights.
    fn siblings(self, outer: &str, inner: &str) -> Vec<Group<'a>> {
        let leaves = self.index.leaves();
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for leaf in self.index.below(outer) {
            let name = &leaves[leaf].name;
            let key = &name[outer.len()..];
            let none = extra::passed_over(name)
                || extra::is_helper(key)
                || extra::is_statistic(key, leaves[leaf].shape())
                || extra::is_trainings(key);
            if !name.starts_with(inner) && !none {
                groups.entry(first_key(key)).or_default().push(leaf);
            }
        }
        let ending = format!(".{}", self.first);
        groups.retain(|_, group| {
            !group
                .iter()
                .any(|&leaf| leaves[leaf].name.ends_with(&ending))
        });
        groups.into_iter().collect()
    }

    /// Whether a tensor's last size is the head's number of inputs.
    fn takes(self, leaf: &Leaf) -> bool {
        leaf.shape().last() == Some(&self.features)
    }

    /// The dense layer that these tensors form, if they are exactly one.
    fn linear(self, tensors: &[usize]) -> Option<Head> {
        let Self {
            features,
            transposed,
            ..
        } = self;
        let leaves = self.index.leaves();
        let (weight, bias) = match *tensors {
            [weight] => (weight, None),
            [a, b] if leaves[a].name.ends_with("weight") => (a, Some(b)),
            [a, b] => (b, Some(a)),
            _ => return None,
        };
        let name = leaves[weight].name.strip_suffix(".weight")?;
        let classes = match *leaves[weight].shape() {
            [inputs, classes] if transposed && inputs == features => classes,
            [classes, inputs] if !transposed && inputs == features => classes,
            // A 1x1 convolution is equivalent.
            [classes, inputs, 1, 1] if !transposed && inputs == features => classes,
            _ => return None,
        };
        let fits = |bias: usize| {
            leaves[bias].name.strip_suffix(".bias") == Some(name)
                && leaves[bias].shape() == [classes]
        };
        (classes > 0 && bias.is_none_or(fits)).then(|| Head::Linear {
            name: name.to_owned(),
            weight,
            bias,
            classes,
        })
    }
}

/// The names of the layers of these tensors, without duplicates.
fn layers(index: &Index<'_>, tensors: &[usize]) -> Vec<String> {
    let names = tensors.iter().map(|&leaf| {
        let name = &index.leaves()[leaf].name;
        name.rsplit_once('.')
            .map_or(name.as_str(), |(layer, _)| layer)
            .to_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.dedup();
    names
}

fn is_matrix(leaf: &Leaf) -> bool {
    leaf.shape().len() == 2
}

fn is_called_head(key: &str) -> bool {
    words(key).any(|word| {
        WORDS.contains(&word.as_str())
            || word
                .strip_prefix("fc")
                .is_some_and(|n| n.parse::<u32>().is_ok())
    })
}
