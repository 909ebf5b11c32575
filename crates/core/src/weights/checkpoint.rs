//! A weight file, recognized by its content.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Take};
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Bytes, DType, TensorData};
use burn_store::burn_pack::{Error as PackError, Tensor as PackTensor};
use burn_zoo_checkpoint::{Archive, Dict, Dtype as FileDtype, ErrorKind, Format, Tensor, Value};

use super::index::Leaf;
use super::{Select, burnpack};
use crate::Error;

/// Characters of a reason, of which a part comes from the file.
const MESSAGE: usize = 500;
/// Longest name from the file in a message, in characters.
const NAME: usize = 120;
/// Most elements of a tensor that is a setting and not a weight.
const SMALL: usize = 16;
/// Most names of other entries to keep.
const BESIDE: usize = 100;

/// The form of a weight file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// `torch.save` since PyTorch 1.6.
    PytorchZip,
    /// `torch.save` from 0.1.10 to 1.5.
    PytorchLegacy,
    /// `torch.save` before 0.1.10.
    PytorchTar,
    /// `torch.jit.save`.
    TorchScript,
    /// `torch.export.save`.
    TorchExport,
    /// safetensors.
    Safetensors,
    /// Several safetensors files and their index.
    SafetensorsIndex,
    /// Burn's own.
    Burnpack,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PytorchZip => "pytorch-zip",
            Self::PytorchLegacy => "pytorch-legacy",
            Self::PytorchTar => "pytorch-tar",
            Self::TorchScript => "torchscript",
            Self::TorchExport => "torch-export",
            Self::Safetensors => "safetensors",
            Self::SafetensorsIndex => "safetensors-index",
            Self::Burnpack => "burnpack",
        })
    }
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The keys from the root of the file to the tensor, joined by dots.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Number format, `F32` or the like.
    pub dtype: String,
}

/// A weight file: its tensors, read on demand, and its metadata.
#[derive(Clone)]
pub struct Checkpoint {
    name: String,
    container: Container,
    infos: Vec<TensorInfo>,
    /// Sorted by name.
    leaves: Vec<Leaf>,
    /// The tensors that `root` refers to; empty for a burnpack file.
    tensors: Arc<[Tensor]>,
    root: Arc<Value>,
    /// Metadata in the header of a safetensors file or of a burnpack file that this project wrote.
    metadata: Vec<(String, String)>,
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            container,
            infos,
            ..
        } = self;
        write!(
            f,
            "Checkpoint({name}, {container}, {} tensors)",
            infos.len()
        )
    }
}

impl Checkpoint {
    /// Opens a file; its extension does not matter. Values stay in the file until a network takes
    /// them, so it must not change before then.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if it cannot be opened, [`Error::Container`] if it is not a weight file or a
    /// broken one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let fail = |source| Error::Read {
            path: path.into(),
            source,
        };
        let metadata = std::fs::metadata(path).map_err(fail)?;
        if metadata.is_file() {
            let file = File::open(path).map_err(fail)?;
            let mut head = Vec::new();
            let mut start: Take<&File> = (&file).take(burnpack::MAGIC.len() as u64);
            start.read_to_end(&mut head).map_err(fail)?;
            if head == burnpack::MAGIC {
                let bytes = std::fs::read(path).map_err(fail)?;
                return Self::from_bytes(&path.display().to_string(), bytes);
            }
        } else if !metadata.is_dir() {
            // A pipe can be read only once.
            let bytes = std::fs::read(path).map_err(fail)?;
            return Self::from_bytes(&path.display().to_string(), bytes);
        }
        match Archive::open(path) {
            Ok(archive) => Self::of(archive),
            Err(error) => Err(match error.kind() {
                ErrorKind::Io(source) => {
                    fail(std::io::Error::new(source.kind(), source.to_string()))
                }
                _ => refused(&error),
            }),
        }
    }

    /// As [`Checkpoint::open`] for a file in memory, called `name` in messages.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if the bytes are not a weight file, or a damaged one.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.starts_with(&burnpack::MAGIC) {
            let opened = burnpack::open(bytes).map_err(|reason| broken(name, reason))?;
            return Ok(Self::burnpack(name, opened));
        }
        let archive = Archive::from_bytes(name, bytes).map_err(|error| refused(&error))?;
        Self::of(archive)
    }

    fn of(archive: Archive) -> Result<Self, Error> {
        let leaves = sorted(archive.tensors().iter().filter_map(leaf).collect());
        if leaves.is_empty() {
            let reason = "it holds no tensor; save model.state_dict()";
            return Err(broken(archive.name(), reason));
        }
        let container = match archive.format() {
            Format::PytorchZip => Container::PytorchZip,
            Format::PytorchLegacy => Container::PytorchLegacy,
            Format::PytorchTar => Container::PytorchTar,
            Format::TorchScript => Container::TorchScript,
            Format::TorchExport => Container::TorchExport,
            Format::SafetensorsIndex => Container::SafetensorsIndex,
            _ => Container::Safetensors,
        };
        let tensors = archive.tensors().iter();
        let mut infos: Vec<_> = tensors
            .map(|tensor| TensorInfo {
                name: tensor.path().join("."),
                shape: tensor.shape().to_vec(),
                dtype: tensor.dtype().to_string(),
            })
            .collect();
        infos.sort_by(|a, b| a.name.cmp(&b.name));
        let metadata = archive.metadata().iter();
        Ok(Self {
            name: archive.name().to_owned(),
            container,
            infos,
            leaves,
            metadata: metadata
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            root: Arc::new(archive.root().clone()),
            tensors: archive.tensors().into(),
        })
    }

    fn burnpack(name: &str, (tensors, metadata): (Vec<PackTensor>, Vec<(String, String)>)) -> Self {
        let tensors = tensors.into_iter().map(|tensor| Leaf {
            name: tensor.name.clone(),
            own: 0,
            tensor,
            unreadable: None,
        });
        let leaves = sorted(tensors.collect());
        let infos = leaves.iter().map(|leaf| TensorInfo {
            name: leaf.name.clone(),
            shape: leaf.shape().to_vec(),
            dtype: format!("{:?}", leaf.tensor.dtype),
        });
        Self {
            name: name.to_owned(),
            container: Container::Burnpack,
            infos: infos.collect(),
            leaves,
            tensors: Arc::new([]),
            root: Arc::new(Value::Null),
            metadata,
        }
    }

    /// Path of the file, or what it was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's form.
    pub fn container(&self) -> Container {
        self.container
    }

    /// All tensors of the file, sorted by name.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.infos
    }

    /// A metadata entry of the header by name: the `__metadata__` of safetensors, or burnpack's.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        let found = self.metadata.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The header's metadata as a tree, with JSON values parsed.
    pub(super) fn header(&self) -> Value {
        let pairs = self.metadata.iter().map(|(key, value)| {
            let json = serde_json::from_str(value).ok();
            let value = json.map_or_else(|| Value::Text(value.as_str().into()), tree);
            // This project's own files use a prefix.
            let key = key.strip_prefix("burn_zoo.").unwrap_or(key);
            (Value::Text(key.into()), value)
        });
        Value::Dict(pairs.collect())
    }

    /// The numbers of a small tensor of the tree.
    pub(super) fn numbers(&self, number: usize) -> Option<Vec<f64>> {
        let tensor = self.tensors.get(number)?;
        let small = tensor.shape().iter().product::<usize>() <= SMALL;
        let leaf = leaf(tensor).filter(|leaf| small && leaf.unreadable.is_none())?;
        let (_, dtype, shape, _, bytes) = leaf.tensor.into_parts().ok()?;
        let data = TensorData::from_bytes(bytes, shape, dtype).convert_dtype(DType::F64);
        data.try_into_vec().ok()
    }

    /// The file as a tree, without the values of tensors.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// The tensors under the names that the user selects, sorted.
    pub(super) fn selected(&self, select: &Select) -> Result<Vec<Leaf>, Error> {
        if select.rename.is_empty() && select.ignore.is_empty() {
            return Ok(self.leaves.clone());
        }
        let names = select.names();
        let leaves = self.leaves.iter().filter_map(|leaf| {
            let (name, own) = names.of(&leaf.name, leaf.own)?;
            Some(Leaf {
                name,
                own,
                ..leaf.clone()
            })
        });
        let leaves = sorted(leaves.collect());
        let double = leaves.windows(2).find(|pair| pair[0].name == pair[1].name);
        match double {
            Some(pair) => Err(self.broken(format!(
                "two tensors would be named {}; give them different names",
                pair[0].name
            ))),
            None => Ok(leaves),
        }
    }

    /// The class of the object that holds the tensors at a place, if a whole module was saved.
    pub(super) fn object_at(&self, at: &str) -> Option<String> {
        let keys = at.split('.').filter(|key| !key.is_empty());
        let mut value = Some(self.root());
        let mut class = None;
        for key in std::iter::once(None).chain(keys.map(Some)) {
            if let Some(key) = key {
                value = value.and_then(|value| value.get(key));
            }
            let dictionary = value.and_then(Value::as_dict);
            class = dictionary
                .and_then(Dict::class)
                .map(str::to_owned)
                .or(class);
        }
        match self.container {
            Container::TorchScript => class.or_else(|| Some("TorchScript".to_owned())),
            _ => class,
        }
    }

    /// Names of the other entries in the dictionaries around the one at `key`.
    pub(super) fn beside(&self, key: &str) -> Vec<String> {
        let mut names = Vec::new();
        let (mut value, mut at) = (self.root(), String::new());
        let mut keys = key.split('.').filter(|key| !key.is_empty()).peekable();
        while keys.peek().is_some() {
            // A key may contain dots: the longest existing key counts.
            let rest: Vec<&str> = keys.clone().collect();
            let step = (1..=rest.len()).rev().find_map(|count| {
                let key = rest[..count].join(".");
                value.get(&key).map(|below| (count, key, below))
            });
            let Some((count, own, below)) = step else {
                break;
            };
            let items = value.as_dict().into_iter().flat_map(Dict::items);
            for (other, _) in items {
                if *other != *own && names.len() < BESIDE {
                    names.push(format!("{at}{other}"));
                }
            }
            at = format!("{at}{own}.");
            value = below;
            keys.nth(count - 1);
        }
        names
    }

    pub(super) fn broken(&self, reason: impl fmt::Display) -> Error {
        broken(&self.name, reason)
    }
}

pub(super) fn broken(name: &str, reason: impl fmt::Display) -> Error {
    Error::Container {
        name: name.to_owned(),
        reason: cut(&reason.to_string(), MESSAGE).into_owned(),
    }
}

/// Shortens a name from the file, because a message is one line.
pub(super) fn shortened(name: &str) -> Cow<'_, str> {
    cut(name, NAME)
}

fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn refused(error: &burn_zoo_checkpoint::Error) -> Error {
    broken(error.name(), error.reason())
}

fn sorted(mut leaves: Vec<Leaf>) -> Vec<Leaf> {
    leaves.sort_by(|a, b| a.name.cmp(&b.name));
    leaves
}

/// A tensor whose values are read on demand. `None` if its length overflows.
fn leaf(tensor: &Tensor) -> Option<Leaf> {
    let known = match tensor.dtype() {
        FileDtype::F64 => Some(DType::F64),
        FileDtype::F32 => Some(DType::F32),
        FileDtype::F16 => Some(DType::F16),
        FileDtype::Bf16 => Some(DType::BF16),
        FileDtype::I64 => Some(DType::I64),
        FileDtype::I32 => Some(DType::I32),
        FileDtype::I16 => Some(DType::I16),
        FileDtype::I8 => Some(DType::I8),
        FileDtype::U8 => Some(DType::U8),
        _ => None,
    };
    let unreadable = known.is_none().then(|| tensor.dtype().to_string());
    let name = tensor.path().join(".");
    let own = tensor.path().last().map_or(0, |key| name.len() - key.len());
    let values = tensor.clone();
    let read = move || {
        let bytes = values.read();
        let bytes = bytes.map_err(|error| PackError::IoError(error.to_string()))?;
        Ok(Bytes::from_bytes_vec(bytes))
    };
    let length = usize::try_from(tensor.byte_len()).ok()?;
    let (dtype, shape) = (known.unwrap_or(DType::U8), tensor.shape().to_vec());
    let tensor = PackTensor::deferred(name.clone(), dtype, shape, None, length, read);
    Some(Leaf {
        name,
        own,
        tensor,
        unreadable,
    })
}

/// JSON as a tree.
fn tree(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text.into()),
        Json::Array(items) => Value::List(items.into_iter().map(tree).collect()),
        Json::Object(pairs) => {
            let pairs = pairs.into_iter();
            let pairs = pairs.map(|(key, value)| (Value::Text(key.into()), tree(value)));
            Value::Dict(pairs.collect())
        }
    }
}
