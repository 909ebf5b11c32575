//! NumPy arrays and scalars.

use std::sync::Arc;

use super::tensor::{Made, refused};
use super::{Builder, List, numbers, opaque};
use crate::dtype::Dtype;
use crate::pickle::{Blob, Coding, Node, Origin, Slot};
use crate::storage::{Order, Place, Storage};
use crate::value::{Items, Value};
use crate::view::View;

/// The longest array of strings to read.
const TEXTS: u64 = 1 << 20;

/// The element type of an array.
enum Element {
    Number(Dtype, Order),
    /// Strings of this many bytes each, in UTF-32 or Latin-1.
    Text(usize, Letters),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    Four(Order),
    One,
}

/// The bytes, element type, shape and axis order of an array.
struct Parts {
    bytes: Slot,
    dtype: Slot,
    shape: Slot,
    axes: Axes,
}

#[derive(Clone, Copy)]
enum Axes {
    RowMajor,
    /// Column-major: the first axis is contiguous.
    Fortran,
    /// Row-major, then transposed to this order of axes.
    Order(Slot),
}

impl Builder<'_> {
    /// The tensor from `name(arguments)` and a state, if it is an array.
    pub(super) fn array(&mut self, name: &str, arguments: &[Slot], state: Option<Slot>) -> Made {
        let Some(parts) = self.parts(name, arguments, state) else {
            return Made::Nothing;
        };
        // An array of objects, stored as a list.
        if self.pickle.items(parts.bytes).is_some() {
            return Made::Nothing;
        }
        let Some(element) = self.element(parts.dtype) else {
            return refused("an array of objects or records");
        };
        let Element::Number(dtype, order) = element else {
            return Made::Nothing;
        };
        let (Some(blob), Some(shape)) = (self.blob(parts.bytes), self.sizes(parts.shape)) else {
            return Made::Nothing;
        };
        let Some((shape, strides)) = self.layout(shape, parts.axes) else {
            return refused("an array with invalid axes");
        };
        let place = Place::Blob(blob);
        let storage = Arc::new(Storage { place, order });
        match View::new(storage, dtype, &shape, Some(&strides), 0, self.len) {
            Ok(view) => Made::View(view),
            Err(reason) => refused(reason),
        }
    }

    /// An array of strings or objects, as a list.
    pub(super) fn texts(
        &mut self,
        name: &str,
        arguments: &[Slot],
        state: Option<Slot>,
    ) -> Option<Value> {
        let parts = self.parts(name, arguments, state)?;
        let Element::Text(width, letters) = self.element(parts.dtype)? else {
            return None;
        };
        let blob = self.blob(parts.bytes)?;
        if blob.len() > TEXTS || width == 0 {
            return None;
        }
        self.budget.take(blob.len() * 16).ok()?;
        self.spend(blob.len() as usize);
        let bytes = blob.bytes().ok()?;
        let texts = bytes
            .chunks_exact(width)
            .map(|text| Value::Text(decode(text, letters).into()));
        Some(Value::List(List(Items::Values(texts.collect()))))
    }

    /// The items of an array of objects.
    pub(super) fn objects(
        &self,
        name: &str,
        arguments: &[Slot],
        state: Option<Slot>,
    ) -> Option<Slot> {
        let parts = self.parts(name, arguments, state)?;
        self.pickle.items(parts.bytes).map(|_| parts.bytes)
    }

    /// A scalar such as `numpy.float64(0.5)`.
    pub(super) fn numpy_scalar(&self, name: &str, arguments: &[Slot]) -> Option<Value> {
        let module = multiarray(name)?;
        let &[dtype, bytes, ..] = arguments else {
            return None;
        };
        if module != "scalar" {
            return None;
        }
        let blob = self.blob(bytes)?;
        self.spend((blob.len() / 8) as usize);
        match self.element(dtype)? {
            Element::Text(_, letters) => {
                Some(Value::Text(decode(&blob.bytes().ok()?, letters).into()))
            }
            Element::Number(dtype, order) => {
                let storage = Storage {
                    place: Place::Blob(blob),
                    order,
                };
                let view = View::new(Arc::new(storage), dtype, &[], None, 0, self.len).ok()?;
                Some(numbers(&view).unwrap_or_else(|| opaque("a number")))
            }
        }
    }

    fn parts(&self, name: &str, arguments: &[Slot], state: Option<Slot>) -> Option<Parts> {
        let item = |at: usize| arguments.get(at).copied().unwrap_or(Slot::None);
        match multiarray(name)? {
            // Version, shape, type, order and bytes; the first version of the format has no version field.
            "_reconstruct" => {
                let state = self.pickle.items(state?)?;
                let skip = usize::from(state.len() == 5);
                let item = |at| state.get(at + skip).unwrap_or(Slot::None);
                let is_fortran = item(2) == Slot::Bool(true) || item(2) == Slot::Int(1);
                Some(Parts {
                    shape: item(0),
                    dtype: item(1),
                    axes: if is_fortran {
                        Axes::Fortran
                    } else {
                        Axes::RowMajor
                    },
                    bytes: item(3),
                })
            }
            "_frombuffer" => {
                let axes = match self.pickle.text(item(3)).as_deref() {
                    Some("F") => Axes::Fortran,
                    Some("K") if item(4) != Slot::None => Axes::Order(item(4)),
                    _ => Axes::RowMajor,
                };
                Some(Parts {
                    bytes: item(0),
                    dtype: item(1),
                    shape: item(2),
                    axes,
                })
            }
            _ => None,
        }
    }

    /// Shape and strides with the axes in the given order.
    fn layout(&self, shape: Vec<u64>, axes: Axes) -> Option<(Vec<u64>, Vec<u64>)> {
        let mut strides = vec![1_u64; shape.len()];
        let is_fortran = matches!(axes, Axes::Fortran);
        for at in 1..shape.len() {
            // From the fastest axis to the slowest.
            let (to, from) = match is_fortran {
                true => (at, at - 1),
                false => (shape.len() - 1 - at, shape.len() - at),
            };
            strides[to] = strides[from].saturating_mul(shape[from]);
        }
        let Axes::Order(order) = axes else {
            return Some((shape, strides));
        };
        let order = self.sizes(order)?;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..shape.len() as u64) {
            return None;
        }
        let pick = |from: &[u64]| order.iter().map(|&axis| from[axis as usize]).collect();
        Some((pick(&shape), pick(&strides)))
    }

    /// `numpy.dtype('f4', …)` with a state whose second item is the byte order.
    fn element(&self, slot: Slot) -> Option<Element> {
        let Some(Node::Object(object)) = self.pickle.node(slot) else {
            return None;
        };
        let (name, arguments) = self.call(object)?;
        if !name.starts_with("numpy.") || !name.ends_with("dtype") {
            return None;
        }
        let code = self.pickle.text(*arguments.first()?)?;
        let state = object.state.and_then(|state| self.pickle.items(state));
        let item = |at: usize| state.and_then(|state| state.get(at)).unwrap_or(Slot::None);
        // A subarray type or a record with fields.
        if item(2) != Slot::None || item(3) != Slot::None {
            return None;
        }
        let order = self.pickle.text(item(1));
        let order = order.as_deref().or_else(|| code.get(..1));
        let order = match order {
            Some(">") => Order::Big,
            _ => Order::Little,
        };
        let code = code.trim_start_matches(['<', '>', '|', '=']);
        match code.split_at_checked(1)? {
            ("U", count) => {
                let count: usize = count.parse().ok()?;
                Some(Element::Text(count.checked_mul(4)?, Letters::Four(order)))
            }
            ("S", count) => Some(Element::Text(count.parse().ok()?, Letters::One)),
            _ => Some(Element::Number(Dtype::from_numpy(code)?, order)),
        }
    }

    /// Bytes, including the encodings of protocols without a bytes type.
    pub(super) fn blob(&self, slot: Slot) -> Option<Blob> {
        match self.pickle.node(slot)? {
            Node::Blob(blob) => Some((**blob).clone()),
            Node::Object(object) => {
                let (name, arguments) = self.call(object)?;
                let first = arguments.first().copied();
                match (&*name, first) {
                    ("_codecs.encode", Some(text)) => self.encoded(text),
                    ("builtins.bytes" | "builtins.bytearray", None) => {
                        Some(Blob::memory(&[], Origin::Bytes))
                    }
                    ("builtins.bytes" | "builtins.bytearray", Some(inner)) => {
                        match self.pickle.node(inner)? {
                            Node::Object(inner) if self.call(inner)?.0.starts_with("builtins.") => {
                                None
                            }
                            Node::Text(_) => self.encoded(inner),
                            Node::Blob(blob) if blob.origin == Origin::Text => {
                                Some((**blob).clone())
                            }
                            Node::Blob(blob) => Some((**blob).clone()),
                            _ => self.blob(inner),
                        }
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The Latin-1 bytes of a string, decoded once.
    fn encoded(&self, slot: Slot) -> Option<Blob> {
        let Slot::Node(index) = slot else {
            return None;
        };
        match self.pickle.node(slot)? {
            Node::Text(text) => {
                let mut blobs = self.blobs.borrow_mut();
                let blob = blobs.entry(index).or_insert_with(|| {
                    let coded = Blob {
                        coding: Coding::Utf8,
                        ..Blob::memory(text.as_bytes(), Origin::Bytes)
                    };
                    Some(Blob::memory(&coded.bytes().ok()?, Origin::Bytes))
                });
                blob.clone()
            }
            Node::Blob(blob) => Some((**blob).clone()),
            _ => None,
        }
    }
}

/// The name of a NumPy function without its module, which moved between versions.
fn multiarray(name: &str) -> Option<&str> {
    let (module, function) = name.rsplit_once('.')?;
    let is_it = matches!(
        module,
        "numpy.core.multiarray"
            | "numpy._core.multiarray"
            | "numpy.core.numeric"
            | "numpy._core.numeric"
    );
    is_it.then_some(function)
}

fn decode(text: &[u8], letters: Letters) -> String {
    let characters = match letters {
        Letters::One => text
            .iter()
            .map(|&byte| char::from(byte))
            .collect::<String>(),
        Letters::Four(order) => {
            let (words, _) = text.as_chunks::<4>();
            let codes = words.iter().map(|&word| match order {
                Order::Little => u32::from_le_bytes(word),
                Order::Big => u32::from_be_bytes(word),
            });
            codes
                .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
    };
    characters.trim_end_matches('\0').to_owned()
}
