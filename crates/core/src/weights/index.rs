//! The tensors of a file, indexed by the suffixes of their names.

use std::collections::HashMap;
use std::ops::Range;

use burn_store::burn_pack::Tensor as PackTensor;

/// A tensor that is not matched with a layer yet.
#[derive(Clone)]
pub(super) struct Leaf {
    /// The keys from the root of the file to the tensor, joined by dots.
    pub(super) name: String,
    /// Offset of the tensor's own key in `name`, after the keys of the dictionaries around it.
    pub(super) own: usize,
    /// Shape and values. Its own name is ignored.
    pub(super) tensor: PackTensor,
    /// The number format, if Burn does not support it.
    pub(super) unreadable: Option<String>,
}

impl Leaf {
    pub(super) fn shape(&self) -> &[usize] {
        self.tensor.shape.as_slice()
    }

    /// The keys of the dictionaries around it, each followed by a dot.
    pub(super) fn around(&self) -> &str {
        &self.name[..self.own]
    }
}

/// Most keys of a suffix. No network's names are deeper.
const ENDINGS: usize = 32;
/// Longer names have no suffixes: only a hostile file has such names.
pub(super) const LONGEST: usize = 1 << 10;

/// Tensors sorted by name, and the suffixes of names that begin at a key.
pub(super) struct Index<'a> {
    leaves: &'a [Leaf],
    by_name: HashMap<&'a str, usize>,
    by_ending: HashMap<&'a str, Vec<u32>>,
}

impl<'a> Index<'a> {
    /// Requires `leaves` sorted by name.
    pub(super) fn new(leaves: &'a [Leaf]) -> Self {
        let mut by_ending: HashMap<&str, Vec<u32>> = HashMap::new();
        for (number, leaf) in (0_u32..).zip(leaves) {
            for start in starts(&leaf.name) {
                by_ending
                    .entry(&leaf.name[start..])
                    .or_default()
                    .push(number);
            }
        }
        let by_name = leaves.iter().enumerate();
        let by_name = by_name.map(|(number, leaf)| (leaf.name.as_str(), number));
        Self {
            leaves,
            by_name: by_name.collect(),
            by_ending,
        }
    }

    pub(super) fn leaves(&self) -> &'a [Leaf] {
        self.leaves
    }

    /// The index of the tensor with exactly this name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The part before `key` in each name that ends in it: empty, or keys followed by a dot.
    pub(super) fn before(&self, key: &str) -> impl Iterator<Item = &'a str> {
        let found = self.by_ending.get(key).map_or(&[][..], Vec::as_slice);
        let length = key.len();
        found.iter().map(move |&number| {
            let name = &self.leaves[number as usize].name;
            &name[..name.len() - length]
        })
    }

    /// The indices of all tensors whose names begin with `at`.
    pub(super) fn below(&self, at: &str) -> Range<usize> {
        let first = self.leaves.partition_point(|leaf| leaf.name.as_str() < at);
        let count = self.leaves[first..].partition_point(|leaf| leaf.name.starts_with(at));
        first..first + count
    }
}

/// Offsets of the last keys in a name.
fn starts(name: &str) -> impl Iterator<Item = usize> {
    let short = if name.len() > LONGEST { "" } else { name };
    let after = short.rmatch_indices('.').map(|(at, _)| at + 1);
    after.take(ENDINGS).chain([0])
}

/// The first key of a name.
pub(super) fn first_key(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}
