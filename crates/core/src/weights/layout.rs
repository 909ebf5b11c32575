//! How a file stores a network's tensors: the reference's keys, and the names of other projects.

use super::KeyRow;

/// How a file stores a network's tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rows that turn our paths into the reference's keys.
    pub keys: Vec<KeyRow>,
    /// Key of the first layer's weight.
    pub first: &'static str,
    /// The second dimension of that weight is this times the number of channels: the number of pixels
    /// for a dense layer, else 1.
    pub pixels: usize,
    /// Keys of the layers with one output per class, without `.weight`; the main one first.
    pub heads: &'static [&'static str],
    /// Prefixes of the keys of auxiliary heads.
    pub aux: &'static [&'static str],
    /// Names of the same tensors in other projects.
    pub dialects: &'static [Dialect],
    /// Facts that no key or shape reveals, as names and values, which the files that we write record.
    pub facts: Vec<(&'static str, String)>,
}

/// The tensor names of another project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Name of the project.
    pub name: &'static str,
    /// Rows that turn the reference's keys into the project's.
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
