//! The content of a file as a tree.

use std::fmt;
use std::sync::Arc;

/// A value in a file. Cheap to clone. The tree is at most [`DEPTH`](Value::DEPTH) levels deep.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Python's `None`, JSON's `null`.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// A list, tuple or set.
    List(List),
    /// A dictionary or an object's fields, in the file's order.
    Dict(Dict),
    /// A tensor: its index in [`Archive::tensors`](crate::Archive::tensors).
    Tensor(usize),
    /// A skipped object: the name of its class, or the reason.
    Opaque(Arc<str>),
}

/// The items of a list, tuple or set.
#[derive(Clone, PartialEq)]
pub struct List(pub(crate) Items);

/// Long runs of numbers, at eight bytes each.
#[derive(Clone, PartialEq)]
pub(crate) enum Items {
    Values(Arc<[Value]>),
    Floats(Arc<[f64]>),
    Ints(Arc<[i64]>),
}

/// The pairs of a dictionary, or the fields of an object, in the file's order.
#[derive(Clone, PartialEq)]
pub struct Dict {
    pub(crate) class: Option<Arc<str>>,
    pub(crate) pairs: Arc<[(Value, Value)]>,
}

impl Value {
    /// The depth of the tree: everything below is [`Opaque`](Self::Opaque).
    pub const DEPTH: usize = 128;

    /// The value of a text key in a dictionary; the last one, if several have it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_dict()?.get(key)
    }

    /// The pairs of a dictionary.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The items of a list, tuple or set.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// Text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Any number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// True or false.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Index in [`Archive::tensors`](crate::Archive::tensors).
    pub fn as_tensor(&self) -> Option<usize> {
        match self {
            Self::Tensor(index) => Some(*index),
            _ => None,
        }
    }
}

impl List {
    /// Number of items.
    pub fn len(&self) -> usize {
        match &self.0 {
            Items::Values(items) => items.len(),
            Items::Floats(items) => items.len(),
            Items::Ints(items) => items.len(),
        }
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at an index.
    pub fn get(&self, index: usize) -> Option<Value> {
        match &self.0 {
            Items::Values(items) => items.get(index).cloned(),
            Items::Floats(items) => items.get(index).map(|&item| Value::Float(item)),
            Items::Ints(items) => items.get(index).map(|&item| Value::Int(item)),
        }
    }

    /// All items in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value> + '_ {
        (0..self.len()).map(|index| self.get(index).unwrap_or(Value::Null))
    }
}

impl Dict {
    /// The class of an object, `module.Name`. `None` for a plain dictionary.
    pub fn class(&self) -> Option<&str> {
        self.class.as_deref()
    }

    /// Keys (of any type) and values in the file's order.
    pub fn pairs(&self) -> &[(Value, Value)] {
        &self.pairs
    }

    /// Text keys with their values.
    pub fn items(&self) -> impl Iterator<Item = (&str, &Value)> {
        let pairs = self.pairs.iter();
        pairs.filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// The value of a text key; the last one, if several have it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let found = self
            .pairs
            .iter()
            .rev()
            .find(|(k, _)| k.as_str() == Some(key));
        found.map(|(_, value)| value)
    }
}

/// Number of list items that `Debug` shows.
const SHOWN: usize = 8;

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        list.entries(self.iter().take(SHOWN));
        if self.len() > SHOWN {
            list.finish_non_exhaustive()
        } else {
            list.finish()
        }
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(class) = self.class() {
            write!(f, "{class} ")?;
        }
        f.debug_map()
            .entries(self.pairs.iter().map(|(key, value)| (key, value)))
            .finish()
    }
}

/// A dictionary key as text in a path, as Python prints it.
pub(crate) fn key_text(key: &Value) -> Option<Arc<str>> {
    Some(match key {
        Value::Text(text) => text.clone(),
        other => plain(other)?.into(),
    })
}

fn plain(key: &Value) -> Option<String> {
    Some(match key {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => format!("'{text}'"),
        Value::List(list) if list.len() <= SHOWN => {
            let items: Option<Vec<_>> = list.iter().map(|item| plain(&item)).collect();
            match items?.as_slice() {
                [one] => format!("({one},)"),
                items => format!("({})", items.join(", ")),
            }
        }
        _ => return None,
    })
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self(Items::Values(items.into_iter().collect()))
    }
}

impl FromIterator<(Value, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(pairs: I) -> Self {
        Self {
            class: None,
            pairs: pairs.into_iter().collect(),
        }
    }
}
