//! How a network's tensors lie in a file: the reference's keys, and other code's names for them.

use super::KeyRow;

/// How a network's tensors lie in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rows that turn our paths into the reference's keys.
    pub keys: Vec<KeyRow>,
    /// Key of the first layer's weight.
    pub first: &'static str,
    /// What the second size of that weight is a multiple of: pixels where the layer is dense,
    /// else 1. The rest is the number of channels.
    pub pixels: usize,
    /// Keys of the layers with one output per class, without `.weight`; the main one first.
    pub heads: &'static [&'static str],
    /// Beginnings of the keys of auxiliary heads.
    pub aux: &'static [&'static str],
    /// Names that other code gives the same tensors.
    pub dialects: &'static [Dialect],
    /// What no key or shape tells, as names and values; written into files of ours.
    pub facts: Vec<(&'static str, String)>,
}

/// The names that other code gives to a network's tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Whose code it is.
    pub name: &'static str,
    /// Rows that turn the reference's keys into that code's.
    pub rows: &'static [KeyRow],
}

impl Layout {
    /// The layout of a network without auxiliary heads whose first layer is a convolution.
    pub fn new(keys: Vec<KeyRow>, first: &'static str, heads: &'static [&'static str]) -> Self {
        Self {
            keys,
            first,
            pixels: 1,
            heads,
            aux: &[],
            dialects: &[],
            facts: Vec::new(),
        }
    }

    /// Whether a reference key belongs to an auxiliary head.
    pub fn is_aux(&self, key: &str) -> bool {
        self.aux.iter().any(|start| key.starts_with(start))
    }

    /// The head that a reference key belongs to, as an index into [`Layout::heads`].
    pub fn head_of(&self, key: &str) -> Option<usize> {
        self.heads.iter().position(|head| {
            let rest = key.strip_prefix(head);
            matches!(rest, Some(".weight" | ".bias"))
        })
    }
}
