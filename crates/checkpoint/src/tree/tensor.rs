//! Tensor objects.

use std::sync::Arc;

use super::{Builder, Named, Reference};
use crate::dtype::Dtype;
use crate::pickle::{Items, Node, Object, Slot};
use crate::storage::{Place, Storage};
use crate::view::View;

/// The most nested tensors, such as a parameter of a tensor subclass.
const NESTING: usize = 8;

/// The result of building an object.
pub(super) enum Made {
    /// Not a tensor.
    Nothing,
    View(View),
    /// A skipped tensor, with the reason.
    Refused(String),
}

impl Made {
    fn from(view: Result<View, &'static str>) -> Self {
        match view {
            Ok(view) => Self::View(view),
            Err(reason) => refused(reason),
        }
    }
}

impl Builder<'_> {
    /// Builds the tensor of an object.
    pub(super) fn made(&mut self, slot: Slot, nesting: usize) -> Made {
        let pickle = self.pickle.clone();
        match pickle.node(slot) {
            Some(Node::Persistent(id)) => match self.resolve(*id) {
                Ok((Named::View(view), _)) => Made::View(view),
                Ok((Named::Storage(storage, dtype), elements)) => {
                    Made::from(View::new(storage, dtype, &[elements], None, 0, self.len))
                }
                Err(reason) => Made::Refused(reason),
            },
            Some(Node::Object(object)) if nesting < NESTING => self.made_of(object, nesting),
            _ => Made::Nothing,
        }
    }

    fn made_of(&mut self, object: &Object, nesting: usize) -> Made {
        let pickle = self.pickle.clone();
        let Some((name, arguments)) = self.call(object) else {
            return Made::Nothing;
        };
        let item = |at: usize| arguments.get(at).copied().unwrap_or(Slot::None);
        let Some(function) = name.strip_prefix("torch.") else {
            return self.array(&name, &arguments, object.state);
        };
        match function.rsplit('.').next().unwrap_or(function) {
            "_rebuild_tensor" | "_rebuild_tensor_v2" => self.view(&arguments, None, item(6)),
            "_rebuild_tensor_v3" => {
                let dtype = pickle.global(item(6));
                let dtype = dtype.and_then(|name| Dtype::from_torch(name.strip_prefix("torch.")?));
                match dtype {
                    Some(dtype) => self.view(&arguments, Some(dtype), item(7)),
                    None => refused("a tensor of an unknown dtype"),
                }
            }
            "_rebuild_parameter"
            | "_rebuild_parameter_with_state"
            | "Parameter"
            | "Variable"
            | "Buffer" => self.tensor_or(item(0), nesting, "a parameter without a tensor"),
            "_rebuild_from_type" | "_rebuild_from_type_v2" => {
                let inner = Object {
                    callable: item(0),
                    arguments: item(2),
                    state: None,
                    items: Items::NONE,
                    pairs: Vec::new(),
                };
                match self.made_of(&inner, nesting + 1) {
                    Made::Nothing => refused("a tensor of an unknown class"),
                    made => made,
                }
            }
            "_rebuild_device_tensor_from_numpy"
            | "_rebuild_xla_tensor"
            | "_rebuild_device_tensor_from_cpu_tensor" => {
                self.tensor_or(item(0), nesting, "a tensor without values")
            }
            "_load_from_bytes" => self.nested_storage(item(0)),
            "_rebuild_qtensor" => refused("a quantized tensor"),
            "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => refused("a sparse tensor"),
            "_rebuild_meta_tensor_no_storage" => refused("a meta tensor, which has no values"),
            other if other.starts_with("_rebuild") => {
                Made::Refused(format!("a tensor built by {other}, which is not supported"))
            }
            _ => Made::Nothing,
        }
    }

    fn tensor_or(&mut self, slot: Slot, nesting: usize, reason: &str) -> Made {
        match self.made(slot, nesting + 1) {
            Made::Nothing => refused(reason),
            made => made,
        }
    }

    /// Storage, offset, sizes and strides: the arguments of `torch._utils._rebuild_tensor`.
    fn view(&mut self, arguments: &[Slot], dtype: Option<Dtype>, metadata: Slot) -> Made {
        let pickle = self.pickle.clone();
        let [storage, offset, shape, strides, ..] = *arguments else {
            return refused("a tensor without sizes");
        };
        let storage = match pickle.node(storage) {
            Some(Node::Persistent(id)) => self.resolve(*id),
            Some(Node::Object(_)) => match self.made(storage, 1) {
                Made::View(view) => {
                    let elements = view.shape.iter().map(|&size| size as u64).product();
                    Ok((Named::Storage(view.storage, view.dtype), elements))
                }
                Made::Refused(reason) => Err(reason),
                Made::Nothing => Err("a tensor without storage".into()),
            },
            _ => Err("a tensor without storage".into()),
        };
        let (storage, own) = match storage {
            Ok((Named::Storage(storage, own), _)) => (storage, own),
            Ok((Named::View(_), _)) => return refused("a view of a view"),
            Err(reason) => return Made::Refused(reason),
        };
        let offset = pickle
            .int(offset)
            .and_then(|offset| u64::try_from(offset).ok());
        let (shape, strides) = (self.sizes(shape), self.sizes(strides));
        let (Some(offset), Some(shape), Some(strides)) = (offset, shape, strides) else {
            return refused("a tensor with an invalid shape");
        };
        let flags = pickle.dict(metadata).unwrap_or_default();
        let is_lazy = flags.iter().any(|(_, flag)| *flag == Slot::Bool(true));
        let problem = is_lazy.then_some("its conjugate or negative bit is set");
        let dtype = dtype.unwrap_or(own);
        let view = View::new(storage, dtype, &shape, Some(&strides), offset, self.len);
        Made::from(view.map(|view| view.with_problem(problem)))
    }

    /// A tuple of sizes or a `torch.Size`.
    pub(super) fn sizes(&self, slot: Slot) -> Option<Vec<u64>> {
        let slot = match self.pickle.node(slot)? {
            Node::Object(object) => *self.call(object)?.1.first()?,
            _ => slot,
        };
        let items = self.pickle.items(slot)?;
        if items.len() > 64 {
            return None;
        }
        let sizes = items
            .iter()
            .map(|item| u64::try_from(self.pickle.int(item)?).ok());
        sizes.collect()
    }

    /// Resolves a persistent id; also returns a storage's number of elements.
    fn resolve(&mut self, id: Slot) -> Result<(Named, u64), String> {
        let reference = Reference::read(&self.pickle, id);
        let (key, dtype, elements, part) = match reference {
            Some(Reference::Storage { location, .. }) if &*location == "meta" => {
                return Err("a meta tensor, which has no values".into());
            }
            Some(Reference::Storage {
                dtype,
                key,
                elements,
                part,
                ..
            }) => (key, Some(dtype), elements, part),
            Some(Reference::Key(key)) => (key, None, 0, None),
            Some(Reference::Class(_) | Reference::ClassName(_)) => return Err("a class".into()),
            None => return Err("an object outside the pickle".into()),
        };
        let missing = || {
            format!(
                "a tensor whose storage {} is not in the file",
                shortened(&key)
            )
        };
        let (storage, own) = match self.ids.get(&key) {
            Some(Named::Storage(storage, own)) => (storage, own),
            // An empty storage has no bytes in the file.
            None if elements == 0 => (Arc::new(Storage::empty()), Dtype::U8),
            Some(named) => return Ok((named, 0)),
            None => return Err(missing()),
        };
        let Some(dtype) = dtype else {
            let len = storage.len().unwrap_or(0);
            return Ok((
                Named::Storage(storage, own),
                len * 8 / own.bits().max(1) as u64,
            ));
        };
        let Some((_, from, elements)) = part else {
            return Ok((Named::Storage(storage, dtype), elements));
        };
        let (Some(offset), Some(len)) = (dtype.bytes(from), dtype.bytes(elements)) else {
            return Err(missing());
        };
        let order = storage.order;
        let whole = storage;
        let is_inside = whole.len().zip(offset.checked_add(len));
        if is_inside.is_none_or(|(all, end)| end > all) {
            return Err("a tensor whose values are outside its storage".into());
        }
        let place = Place::Part { whole, offset, len };
        let part = Storage { place, order };
        Ok((Named::Storage(Arc::new(part), dtype), elements))
    }

    /// A storage inside a plain pickle: the bytes of a legacy file.
    fn nested_storage(&mut self, bytes: Slot) -> Made {
        let Slot::Node(index) = bytes else {
            return refused("a storage without bytes");
        };
        if !self.nested.contains_key(&index) {
            let blob = self.blob(bytes);
            let nested = blob.and_then(|blob| crate::torch::nested_storage(&blob));
            let nested = nested.map(|(storage, dtype, len)| (Arc::new(storage), dtype, len));
            self.nested.insert(index, nested);
        }
        match self.nested.get(&index).cloned().flatten() {
            Some((storage, dtype, elements)) => {
                Made::from(View::new(storage, dtype, &[elements], None, 0, self.len))
            }
            None => refused("a storage that cannot be read"),
        }
    }
}

pub(super) fn refused(reason: &str) -> Made {
    Made::Refused(reason.to_owned())
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
