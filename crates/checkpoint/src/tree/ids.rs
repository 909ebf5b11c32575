//! Persistent ids: a pickle's references to the container's storages.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dtype::Dtype;
use crate::pickle::{Node, Pickle, Slot};
use crate::storage::{Order, Place, Storage};
use crate::view::View;
use crate::zip::Zip;

/// Storages and tensors outside a pickle.
pub(crate) enum Ids {
    /// Entries of a zip archive.
    Zip(ZipStorages),
    /// Storages that the file lists by key.
    Table(HashMap<Arc<str>, Named>),
}

/// Entries `data/0` and so on.
pub(crate) struct ZipStorages {
    pub(crate) zip: Arc<Zip>,
    /// Prefixes of a key in the name of its entry, the usual one first.
    pub(crate) folders: Vec<String>,
    pub(crate) order: Order,
    pub(crate) found: HashMap<Arc<str>, Option<Arc<Storage>>>,
}

/// What a key refers to.
#[derive(Clone)]
pub(crate) enum Named {
    Storage(Arc<Storage>, Dtype),
    View(View),
}

/// A persistent id as PyTorch writes it.
pub(crate) enum Reference {
    Storage {
        dtype: Dtype,
        key: Arc<str>,
        /// Device it was on: `cpu`, `cuda:0`, `meta`.
        location: Arc<str>,
        /// Number of elements.
        elements: u64,
        /// A view of it: key, offset and number of elements.
        part: Option<(Arc<str>, u64, u64)>,
    },
    /// A class of a module, saved with its source text.
    Class(Slot),
    /// The same by class name, in protocol 0.
    ClassName(Arc<str>),
    /// A key of PyTorch before 0.1.10.
    Key(Arc<str>),
}

impl Ids {
    /// The storage of a key, with `elements` numbers of `dtype`.
    pub(crate) fn get(&mut self, key: &Arc<str>) -> Option<Named> {
        match self {
            Self::Table(named) => named.get(key).cloned(),
            Self::Zip(zip) => {
                let storage = zip.storage(key)?;
                Some(Named::Storage(storage, Dtype::U8))
            }
        }
    }
}

impl ZipStorages {
    fn storage(&mut self, key: &Arc<str>) -> Option<Arc<Storage>> {
        if let Some(found) = self.found.get(key) {
            return found.clone();
        }
        let names = self.folders.iter().map(|folder| format!("{folder}{key}"));
        let entry = names
            .into_iter()
            .find_map(|name| self.zip.entry(&name).cloned());
        let storage = entry.map(|entry| {
            Arc::new(Storage {
                place: Place::Zip {
                    source: self.zip.source.clone(),
                    entry,
                },
                order: self.order,
            })
        });
        self.found.insert(key.clone(), storage.clone());
        storage
    }
}

impl Reference {
    /// Reads a persistent id.
    pub(crate) fn read(pickle: &Pickle, id: Slot) -> Option<Self> {
        if let Some(text) = pickle.text(id) {
            return Self::from_text(&text).or(Some(Self::Key(text)));
        }
        if let Slot::Int(number) = id {
            return Some(Self::Key(number.to_string().into()));
        }
        let items = pickle.items(id)?;
        let item = |at| items.get(at).unwrap_or(Slot::None);
        // Before 0.1.10, a module's class came first.
        if pickle.global(item(0)).is_some() {
            return Some(Self::Class(item(0)));
        }
        match &*pickle.text(item(0))? {
            "module" => Some(Self::Class(item(1))),
            "storage" => {
                let number = |slot| u64::try_from(pickle.int(slot)?).ok();
                let part = pickle.items(item(5)).and_then(|part| {
                    let item = |at| part.get(at).unwrap_or(Slot::None);
                    Some((key(pickle, item(0))?, number(item(1))?, number(item(2))?))
                });
                Some(Self::Storage {
                    dtype: dtype(pickle, item(1))?,
                    key: key(pickle, item(2))?,
                    location: pickle.text(item(3)).unwrap_or_default(),
                    elements: number(item(4))?,
                    part,
                })
            }
            _ => None,
        }
    }

    /// The printed tuple that protocol 0 has:
    /// `('storage', <class 'torch.FloatStorage'>, '0', 'cpu', 432)`.
    fn from_text(text: &str) -> Option<Self> {
        if let Some(class) = text.strip_prefix("('module', <class '") {
            return Some(Self::ClassName(class.split_once("'>")?.0.into()));
        }
        let inner = text.strip_prefix("('storage', ")?.strip_suffix(')')?;
        let (class, rest) = inner.split_once(">, ")?;
        let class = class.trim_end_matches('\'').rsplit('.').next()?;
        let fields: Vec<_> = rest
            .split(", ")
            .map(|field| field.trim_matches('\''))
            .collect();
        Some(Self::Storage {
            dtype: Dtype::from_storage(class)?,
            key: (*fields.first()?).into(),
            location: (*fields.get(1)?).into(),
            elements: fields.get(2)?.parse().ok()?,
            part: None,
        })
    }
}

fn key(pickle: &Pickle, slot: Slot) -> Option<Arc<str>> {
    match slot {
        Slot::Int(number) => Some(number.to_string().into()),
        other => pickle.text(other),
    }
}

/// The number format of `torch.FloatStorage`, `torch.cuda.FloatStorage`,
/// `torch.storage._UntypedStorage`, or of a dtype itself.
fn dtype(pickle: &Pickle, class: Slot) -> Option<Dtype> {
    let name = match pickle.node(class)? {
        Node::Global(name) => name,
        _ => return None,
    };
    let last = name.rsplit('.').next()?.trim_start_matches('_');
    Dtype::from_storage(last).or_else(|| Dtype::from_torch(last))
}
