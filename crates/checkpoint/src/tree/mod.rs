//! Turns a pickle's objects into a tree of values and tensors.
//!
//! Objects can refer to each other in any way, so three limits bound the tree: its depth, how often
//! it shows one container, and its memory. Circular references are skipped.

mod ids;
mod module;
mod number;
mod numpy;
mod object;
mod tensor;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(crate) use ids::{Ids, Named, Reference, ZipStorages};
pub(crate) use number::numbers;

use crate::budget::Budget;
use crate::dtype::Dtype;
use crate::error::ErrorKind;
use crate::pickle::{Blob, Items as PickleItems, Node, Pickle, Slot};
use crate::storage::Storage;
use crate::tensor::Tensor;
use crate::value::{Dict, Items, List, Value, key_text};
use crate::view::View;

/// How often one container is shown, and one module, because layers are shared more often.
const PLACES: u32 = 8;
const MODULE_PLACES: u32 = 64;
/// The longest path of a tensor, in bytes.
const PATH: usize = 16 << 10;
/// The most items to visit, which takes about a second; more objects allow more.
const WORK: u64 = 10_000_000;
const WORK_OF_NODE: u64 = 50;
/// Memory of a tensor besides its path, in bytes.
const TENSOR: u64 = 384;

type Result<T> = std::result::Result<T, ErrorKind>;
/// Keys and values of an object.
type Pairs = Vec<(Slot, Slot)>;

/// The parameters and buffers of TorchScript classes.
pub(crate) type Classes = HashMap<Arc<str>, Arc<HashSet<Box<str>>>>;

/// Values and tensors of a file.
pub(crate) struct Tree {
    pub(crate) root: Value,
    pub(crate) tensors: Vec<Tensor>,
}

/// Whether tensors are weights, or plain attributes of a module.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Weights,
    Attribute,
}

struct Builder<'a> {
    pickle: Arc<Pickle>,
    ids: Ids,
    classes: Classes,
    file: Arc<str>,
    /// Length of the file in bytes.
    len: u64,
    budget: &'a mut Budget,
    role: Role,
    tensors: Vec<Tensor>,
    path: Vec<Arc<str>>,
    depth: usize,
    /// Containers above the current one.
    above: HashSet<u32>,
    places: HashMap<u32, u32>,
    runs: HashMap<u32, Items>,
    /// Caches of decoded bytes and of storages inside bytes, by their node in the arena.
    blobs: RefCell<HashMap<u32, Option<Blob>>>,
    nested: HashMap<u32, Option<Nested>>,
    /// Items visited so far, and the limit.
    work: Cell<u64>,
    most_work: u64,
}

/// A storage inside bytes, its number format and number of elements.
type Nested = (Arc<Storage>, Dtype, u64);

/// Builds the tree of a pickle in a file of `len` bytes.
pub(crate) fn build(
    pickle: Pickle,
    ids: Ids,
    classes: Classes,
    file: &Arc<str>,
    len: u64,
    budget: &mut Budget,
) -> Result<Tree> {
    let root = pickle.root;
    let most_work = WORK + WORK_OF_NODE * pickle.nodes.len() as u64;
    let mut builder = Builder {
        pickle: Arc::new(pickle),
        ids,
        classes,
        file: file.clone(),
        len,
        budget,
        role: Role::Weights,
        tensors: Vec::new(),
        path: Vec::new(),
        depth: 0,
        above: HashSet::new(),
        places: HashMap::new(),
        runs: HashMap::new(),
        blobs: RefCell::default(),
        nested: HashMap::new(),
        work: Cell::new(0),
        most_work,
    };
    let root = builder.value(root)?;
    Ok(Tree {
        root,
        tensors: builder.tensors,
    })
}

impl Builder<'_> {
    fn value(&mut self, slot: Slot) -> Result<Value> {
        self.budget.take(2 * size_of::<Value>() as u64)?;
        if self.work.get() > self.most_work {
            let reason = "its objects refer to each other too often; save model.state_dict() alone";
            return Err(ErrorKind::Unsupported(reason.into()));
        }
        let index = match slot {
            Slot::None => return Ok(Value::Null),
            Slot::Bool(value) => return Ok(Value::Bool(value)),
            Slot::Int(number) => return Ok(Value::Int(number)),
            Slot::Float(number) => return Ok(Value::Float(number)),
            Slot::Node(index) => index,
        };
        let pickle = self.pickle.clone();
        match pickle.nodes.get(index as usize) {
            None => Ok(Value::Null),
            Some(Node::Text(text)) => Ok(Value::Text(text.clone())),
            Some(Node::Large) => Ok(opaque("a number of more than 64 bits")),
            Some(Node::Blob(blob)) => Ok(match blob.text() {
                Some(text) => Value::Text(text),
                None => self.opaque(format!("{} bytes", blob.len()))?,
            }),
            Some(Node::Global(name)) => Ok(match object::text_of_global(name) {
                Some(text) => Value::Text(text),
                None => Value::Opaque(name.clone()),
            }),
            Some(Node::Persistent(_)) => {
                let made = self.made(slot, 0);
                self.show(made)
            }
            Some(Node::List(items) | Node::Tuple(items) | Node::Set(items)) => {
                self.within(index, PLACES, |builder| builder.list(Some(index), items))
            }
            Some(Node::Dict(pairs)) => {
                self.within(index, PLACES, |builder| builder.dict(None, pairs))
            }
            Some(Node::Object(object)) => match self.made(slot, 0) {
                tensor::Made::Nothing => {
                    let most = if self.is_module(object) {
                        MODULE_PLACES
                    } else {
                        PLACES
                    };
                    self.within(index, most, |builder| builder.object(index, object))
                }
                made => self.show(made),
            },
        }
    }

    /// Counts visited items, because several objects may share them.
    fn spend(&self, items: usize) {
        self.work.set(self.work.get().saturating_add(items as u64));
    }

    /// Shows the content of a container within the limits of depth, repetition and cycles.
    fn within(
        &mut self,
        index: u32,
        most: u32,
        show: impl FnOnce(&mut Self) -> Result<Value>,
    ) -> Result<Value> {
        if self.depth >= Value::DEPTH {
            return Ok(opaque("nested too deeply"));
        }
        let places = self.places.entry(index).or_insert(0);
        *places += 1;
        if *places > most {
            return Ok(opaque("already shown in many places"));
        }
        if *places == 1 {
            self.budget.take(48)?;
        }
        if !self.above.insert(index) {
            return Ok(opaque("a circular reference"));
        }
        self.depth += 1;
        let shown = show(self);
        self.depth -= 1;
        self.above.remove(&index);
        shown
    }

    fn opaque(&mut self, text: String) -> Result<Value> {
        self.budget.take(text.len() as u64 + 32)?;
        Ok(Value::Opaque(text.into()))
    }

    /// `index` is the list's index in the arena, if it may be long.
    fn list(&mut self, index: Option<u32>, items: &PickleItems) -> Result<Value> {
        let run = index.and_then(|index| self.runs.get(&index).cloned());
        let run = match (run, items) {
            (Some(run), _) => Some(run),
            (None, PickleItems::Floats(run)) => {
                self.budget.take(8 * run.len() as u64)?;
                Some(Items::Floats(run.as_slice().into()))
            }
            (None, PickleItems::Ints(run)) => {
                self.budget.take(8 * run.len() as u64)?;
                Some(Items::Ints(run.as_slice().into()))
            }
            (None, PickleItems::Slots(_)) => None,
        };
        if let Some(run) = run {
            if let Some(index) = index {
                self.runs.insert(index, run.clone());
            }
            return Ok(Value::List(List(run)));
        }
        let mut values = Vec::new();
        for (at, item) in items.iter().enumerate() {
            values.push(match item {
                Slot::Node(_) => self.below(at.to_string().into(), item)?,
                number => self.value(number)?,
            });
        }
        Ok(Value::List(List(Items::Values(values.into()))))
    }

    fn dict(&mut self, class: Option<Arc<str>>, pairs: &[(Slot, Slot)]) -> Result<Value> {
        let mut values = Vec::new();
        for &(key, value) in pairs {
            let key = self.key(key, 0)?;
            let value = match value {
                Slot::Node(_) => {
                    let text = key_text(&key);
                    let text = text.unwrap_or_else(|| format!("<key {}>", values.len()).into());
                    self.below(text, value)?
                }
                number => self.value(number)?,
            };
            values.push((key, value));
        }
        self.budget.take(32)?;
        let pairs = values.into();
        Ok(Value::Dict(Dict { class, pairs }))
    }

    /// A value under a key.
    fn below(&mut self, key: Arc<str>, slot: Slot) -> Result<Value> {
        self.path.push(key);
        let value = self.value(slot);
        self.path.pop();
        value
    }

    /// A dictionary's key: numbers, text and tuples of them. Tensors in a key are not listed.
    fn key(&mut self, slot: Slot, depth: usize) -> Result<Value> {
        let pickle = self.pickle.clone();
        match pickle.node(slot) {
            Some(Node::Tuple(items)) if depth < 3 && items.len() <= 8 => {
                let items: Result<Vec<_>> =
                    items.iter().map(|item| self.key(item, depth + 1)).collect();
                self.budget.take(256)?;
                Ok(Value::List(List(Items::Values(items?.into()))))
            }
            Some(Node::Text(_) | Node::Blob(_) | Node::Global(_) | Node::Large) | None => {
                self.value(slot)
            }
            Some(Node::Object(object)) => match self.scalar(object) {
                Some(value) => Ok(value),
                None => Ok(opaque("an object")),
            },
            Some(_) => Ok(opaque("an object")),
        }
    }

    fn show(&mut self, made: tensor::Made) -> Result<Value> {
        match made {
            tensor::Made::View(view) => self.tensor(view),
            tensor::Made::Refused(reason) => self.opaque(reason),
            tensor::Made::Nothing => Ok(opaque("an object")),
        }
    }

    fn tensor(&mut self, view: View) -> Result<Value> {
        if self.role == Role::Attribute {
            self.spend((view.cost() / 8) as usize);
            return match numbers(&view) {
                Some(value) => {
                    self.budget.take(view.bytes * 8)?;
                    Ok(value)
                }
                None => self.opaque(format!(
                    "a tensor of shape {:?} that is not a weight",
                    view.shape
                )),
            };
        }
        let path: usize = self.path.iter().map(|key| key.len() + 1).sum();
        if path > PATH {
            return Ok(opaque("a tensor with a very long path"));
        }
        let size = path + self.path.len() * size_of::<Arc<str>>() + view.shape.len() * 16;
        self.budget.take(TENSOR + size as u64)?;
        self.tensors.push(Tensor::new(&self.file, &self.path, view));
        Ok(Value::Tensor(self.tensors.len() - 1))
    }
}

fn opaque(text: &str) -> Value {
    Value::Opaque(text.into())
}
