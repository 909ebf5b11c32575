//! `torch.export.save`: raw weights with a JSON description, or in older files a state dict from
//! `torch.save` (schema: `torch/_export/serde/schema.py`, PyTorch 2.15).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::archive::{Format, Opened, saved};
use crate::dtype::Dtype;
use crate::error::{ErrorKind, one_line};
use crate::source::Source;
use crate::storage::{Order, Place, Storage};
use crate::tensor::Tensor;
use crate::tree::numbers;
use crate::value::{Dict, Value};
use crate::view::View;
use crate::zip::Zip;

/// The longest description, in bytes.
const DESCRIPTION: u64 = 32 << 20;
const WORD: u64 = 64;

#[derive(Deserialize)]
struct Payloads {
    // In the file's order, which serde_json's map keeps only with a feature.
    config: Pairs,
}

struct Pairs(Vec<(String, Payload)>);

#[derive(Deserialize)]
struct Payload {
    path_name: String,
    #[serde(default)]
    use_pickle: bool,
    tensor_meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    dtype: u64,
    sizes: Vec<Size>,
    strides: Vec<Size>,
    #[serde(default)]
    storage_offset: Option<Size>,
}

/// A number, plain or in a union: `{"as_int": 3}`, `{"as_expr": {"hint": {"as_int": 3}}}`.
struct Size(Option<u64>);

#[derive(Deserialize)]
struct Expression {
    hint: Option<Hint>,
}

#[derive(Deserialize)]
struct Hint {
    as_int: Option<u64>,
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Size, E> {
                Ok(Size(Some(number)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Size, A::Error> {
                let mut number = None;
                while let Some(key) = map.next_key::<String>()? {
                    match &*key {
                        "as_int" => number = map.next_value()?,
                        "as_expr" => {
                            let expression: Option<Expression> = map.next_value()?;
                            number = expression.and_then(|e| e.hint).and_then(|hint| hint.as_int);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Size(number))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// The top folder of a `torch.export` archive, as a prefix of entry names.
pub(crate) fn is_export(zip: &Zip) -> Option<String> {
    let names = || zip.entries.iter().map(|entry| &*entry.name);
    let marks = [
        "archive_format",
        "serialized_exported_program.json",
        "serialized_state_dict.pt",
        "serialized_state_dict.json",
    ];
    let marked = names().find_map(|name| {
        let mark = marks.iter().find_map(|mark| name.strip_suffix(mark));
        mark.filter(|folder| folder.is_empty() || folder.ends_with('/'))
    });
    let weights =
        || names().find_map(|name| name.split_once("data/weights/").map(|(folder, _)| folder));
    marked.or_else(weights).map(str::to_owned)
}

pub(crate) fn export(
    name: &Arc<str>,
    zip: Zip,
    folder: &str,
    len: u64,
) -> Result<Opened, ErrorKind> {
    let old = ["serialized_state_dict.pt", "serialized_state_dict.json"];
    for entry in old {
        if let Some(source) = nested(&zip, &format!("{folder}{entry}"), len)? {
            return state_dict(name, &source);
        }
    }
    let weights = format!("{folder}data/weights/");
    let named = |end: &str| {
        let mut names = zip.entries.iter().map(|entry| &entry.name);
        names
            .find(|name| name.starts_with(&weights) && name.ends_with(end))
            .cloned()
    };
    if let Some(config) = named("weights_config.json") {
        let mut found = Found::new(name, &zip, folder, len)?;
        found.read(&config, &weights, Kind::Weights)?;
        let constants = format!("{folder}data/constants/");
        let config = zip.entries.iter().map(|entry| &entry.name);
        let config = config
            .into_iter()
            .find(|name| name.starts_with(&constants) && name.ends_with("constants_config.json"));
        if let Some(config) = config.cloned() {
            found.read(&config, &constants, Kind::Constants)?;
        }
        return Ok(found.opened());
    }
    if let Some(entry) = named(".pt")
        && let Some(source) = nested(&zip, &entry, len)?
    {
        return state_dict(name, &source);
    }
    Err(ErrorKind::Unsupported(
        "a torch.export archive without weights; save model.state_dict() alone".into(),
    ))
}

/// An entry as a file of its own.
fn nested(zip: &Zip, name: &str, len: u64) -> Result<Option<Source>, ErrorKind> {
    let Some(entry) = zip.entry(name) else {
        return Ok(None);
    };
    if entry.is_stored() {
        let start = entry.start(&zip.source)?;
        return Ok(zip.source.part(start, entry.size));
    }
    let most = len.saturating_mul(4) + (1 << 20);
    zip.read(entry, most)
        .map(|bytes| Some(Source::memory(bytes)))
}

fn state_dict(name: &Arc<str>, source: &Source) -> Result<Opened, ErrorKind> {
    let opened = saved(name, source)?;
    let opened =
        opened.ok_or_else(|| ErrorKind::damaged("its state dict is not a PyTorch file"))?;
    Ok(Opened {
        format: Format::TorchExport,
        ..opened
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Weights,
    /// Buffers that are not in the state dict, and constants.
    Constants,
}

struct Found<'a> {
    file: &'a Arc<str>,
    zip: &'a Zip,
    len: u64,
    order: Order,
    storages: HashMap<String, Arc<Storage>>,
    tensors: Vec<Tensor>,
    pairs: Vec<(Value, Value)>,
}

impl<'a> Found<'a> {
    fn new(file: &'a Arc<str>, zip: &'a Zip, folder: &str, len: u64) -> Result<Self, ErrorKind> {
        let order = zip.read_named(&format!("{folder}byteorder"), WORD)?;
        let order = match order.as_deref() {
            Some(b"big") => Order::Big,
            _ => Order::Little,
        };
        Ok(Self {
            file,
            zip,
            len,
            order,
            storages: HashMap::new(),
            tensors: Vec::new(),
            pairs: Vec::new(),
        })
    }

    fn opened(self) -> Opened {
        let pairs = self.pairs.into();
        Opened {
            format: Format::TorchExport,
            tensors: self.tensors,
            root: Value::Dict(Dict { class: None, pairs }),
            metadata: BTreeMap::new(),
        }
    }

    /// Adds the tensors of a description, whose files are in `folder`.
    fn read(&mut self, config: &str, folder: &str, kind: Kind) -> Result<(), ErrorKind> {
        let bytes = self
            .zip
            .read_named(config, DESCRIPTION.min(self.len * 4 + (1 << 20)))?;
        let payloads: Payloads = serde_json::from_slice(&bytes.unwrap_or_default())
            .map_err(|error| ErrorKind::damaged(format!("{config}: {error}")))?;
        for (key, payload) in payloads.config.0 {
            let path: Arc<str> = key.into();
            let view = self.view(folder, &payload);
            let value = match (view, kind) {
                (Ok(view), Kind::Weights) => {
                    self.tensors
                        .push(Tensor::new(self.file, std::slice::from_ref(&path), view));
                    Value::Tensor(self.tensors.len() - 1)
                }
                (Ok(view), Kind::Constants) => {
                    numbers(&view).unwrap_or_else(|| Value::Opaque("a constant".into()))
                }
                (Err(reason), _) => Value::Opaque(reason.into()),
            };
            self.pairs.push((Value::Text(path), value));
        }
        Ok(())
    }

    fn view(&mut self, folder: &str, payload: &Payload) -> Result<View, String> {
        let name = format!("{folder}{}", payload.path_name);
        if payload.use_pickle {
            return self.pickled(&name);
        }
        let meta = payload.tensor_meta.as_ref().ok_or("an object")?;
        let dtype = Dtype::from_export(meta.dtype).ok_or("a tensor of an unknown dtype")?;
        let numbers = |sizes: &[Size]| sizes.iter().map(|size| size.0).collect::<Option<Vec<_>>>();
        let (shape, strides) = (numbers(&meta.sizes), numbers(&meta.strides));
        let offset = meta.storage_offset.as_ref().map_or(Some(0), |size| size.0);
        let (Some(shape), Some(strides), Some(offset)) = (shape, strides, offset) else {
            return Err("a tensor without fixed sizes".into());
        };
        let storage = self.storage(&name)?;
        let view = View::new(storage, dtype, &shape, Some(&strides), offset, self.len);
        view.map_err(str::to_owned)
    }

    fn storage(&mut self, name: &str) -> Result<Arc<Storage>, String> {
        if let Some(storage) = self.storages.get(name) {
            return Ok(storage.clone());
        }
        let entry = self.zip.entry(name);
        let entry =
            entry.ok_or_else(|| format!("a tensor whose file {} is missing", one_line(name)))?;
        let storage = Arc::new(Storage {
            place: Place::Zip {
                source: self.zip.source.clone(),
                entry: entry.clone(),
            },
            order: self.order,
        });
        self.storages.insert(name.to_owned(), storage.clone());
        Ok(storage)
    }

    /// A tensor saved with `torch.save`.
    fn pickled(&self, name: &str) -> Result<View, String> {
        let reason = || "an object".to_owned();
        let source = nested(self.zip, name, self.len)
            .ok()
            .flatten()
            .ok_or_else(reason)?;
        let opened = saved(self.file, &source)
            .ok()
            .flatten()
            .ok_or_else(reason)?;
        match (&opened.root, opened.tensors.as_slice()) {
            (Value::Tensor(0), [tensor]) => Ok(tensor.view().clone()),
            _ => Err(reason()),
        }
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from names to weights")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
