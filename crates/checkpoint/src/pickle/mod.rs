//! Python's pickles, protocols 0 to 5, read without calling or importing anything.
//!
//! The stack machine of Python's `pickletools` fills an arena of nodes that refer to each other
//! by index, so that shared and circular objects cost no more than their bytes, and nothing is
//! recursive. [`tree`](crate::tree) interprets the objects.

mod blob;
mod input;
mod machine;
mod memo;
mod stack;
mod text;

use std::sync::Arc;

pub(crate) use blob::{Blob, Coding, Origin};
pub(crate) use input::Input;
pub(crate) use machine::load;

/// The content of a pickle.
pub(crate) struct Pickle {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: Slot,
}

/// A value, or its index in the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Node(u32),
}

pub(crate) enum Node {
    Text(Arc<str>),
    Blob(Box<Blob>),
    /// `module.name` of a class or function.
    Global(Arc<str>),
    List(Items),
    Tuple(Items),
    Set(Items),
    Dict(Vec<(Slot, Slot)>),
    /// A persistent id, which the container resolves, such as a PyTorch storage.
    Persistent(Slot),
    Object(Box<Object>),
    /// An integer of more than 64 bits.
    Large,
}

/// The result of a call of a class or function, and what the pickle then puts into it.
pub(crate) struct Object {
    pub(crate) callable: Slot,
    /// A tuple, if there is one.
    pub(crate) arguments: Slot,
    pub(crate) state: Option<Slot>,
    pub(crate) items: Items,
    pub(crate) pairs: Vec<(Slot, Slot)>,
}

/// Runs of numbers, which take half the memory of other values.
pub(crate) enum Items {
    Slots(Vec<Slot>),
    Floats(Vec<f64>),
    Ints(Vec<i64>),
}

impl Items {
    pub(crate) const NONE: Self = Self::Slots(Vec::new());

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Slots(items) => items.len(),
            Self::Floats(items) => items.len(),
            Self::Ints(items) => items.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Slot> {
        match self {
            Self::Slots(items) => items.get(index).copied(),
            Self::Floats(items) => items.get(index).map(|&item| Slot::Float(item)),
            Self::Ints(items) => items.get(index).map(|&item| Slot::Int(item)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }

    pub(crate) fn push(&mut self, item: Slot) {
        match (&mut *self, item) {
            (Self::Floats(items), Slot::Float(item)) => return items.push(item),
            (Self::Ints(items), Slot::Int(item)) => return items.push(item),
            (Self::Slots(items), Slot::Float(item)) if items.is_empty() => {
                *self = Self::Floats(vec![item]);
                return;
            }
            (Self::Slots(items), Slot::Int(item)) if items.is_empty() => {
                *self = Self::Ints(vec![item]);
                return;
            }
            _ => {}
        }
        if !matches!(self, Self::Slots(_)) {
            *self = Self::Slots(self.iter().collect());
        }
        if let Self::Slots(items) = self {
            items.push(item);
        }
    }
}

impl Pickle {
    pub(crate) fn node(&self, slot: Slot) -> Option<&Node> {
        match slot {
            Slot::Node(index) => self.nodes.get(index as usize),
            _ => None,
        }
    }

    /// Text, or a Python 2 string.
    pub(crate) fn text(&self, slot: Slot) -> Option<Arc<str>> {
        match self.node(slot)? {
            Node::Text(text) => Some(text.clone()),
            Node::Blob(blob) => blob.text(),
            _ => None,
        }
    }

    pub(crate) fn int(&self, slot: Slot) -> Option<i64> {
        match slot {
            Slot::Int(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn global(&self, slot: Slot) -> Option<&Arc<str>> {
        match self.node(slot)? {
            Node::Global(name) => Some(name),
            _ => None,
        }
    }

    /// The items of a list, tuple or set.
    pub(crate) fn items(&self, slot: Slot) -> Option<&Items> {
        match self.node(slot)? {
            Node::List(items) | Node::Tuple(items) | Node::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a list, tuple or set; empty for anything else.
    pub(crate) fn each(&self, slot: Slot) -> impl Iterator<Item = Slot> + '_ {
        self.items(slot).into_iter().flat_map(Items::iter)
    }

    /// The pairs of a dictionary.
    pub(crate) fn dict(&self, slot: Slot) -> Option<&[(Slot, Slot)]> {
        match self.node(slot)? {
            Node::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }
}
