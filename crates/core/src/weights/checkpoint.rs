//! A weight file, recognised by its content.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Bytes, DType};
use burn_store::burn_pack::{self, Error as PackError, Tensor as PackTensor};
use burn_store::{bridge, pytorch_reader};
use pytorch_reader::{FileFormat, PytorchReader};
use safetensors::tensor::Metadata;

use super::guard;
use super::source::Source;
use crate::Error;

/// First bytes that tell the containers apart.
const HEAD: u64 = 262;
/// Bytes of the length before a safetensors header.
const SAFETENSORS_LEN: u64 = 8;
/// What a header may take whatever the file's length; that of `resnet152` takes 0.1 MB.
const HEADER: u64 = 1 << 20;
/// Characters of a reason, of which a part comes from the file.
const MESSAGE: usize = 300;

/// Where training scripts put the weights inside a file, in timm's order of preference.
const WRAPPERS: [&str; 4] = ["state_dict_ema.", "model_ema.", "state_dict.", "model."];
/// What wrappers of modules put before each key: `DataParallel`, `torch.compile`.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];

/// How many models PyTorch's `AveragedModel` is the average of, beside their weights.
const AVERAGED: &str = "n_averaged";

/// The form of a weight file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `torch.save` since PyTorch 1.6.
    PytorchZip,
    /// `torch.save` from 0.1.10 to 1.5.
    PytorchLegacy,
    /// `torch.save` before 0.1.10.
    PytorchTar,
    /// safetensors.
    Safetensors,
    /// Burn's own.
    Burnpack,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PytorchZip => "pytorch-zip",
            Self::PytorchLegacy => "pytorch-legacy",
            Self::PytorchTar => "pytorch-tar",
            Self::Safetensors => "safetensors",
            Self::Burnpack => "burnpack",
        })
    }
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The file's own key.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Number format, `F32` or the like.
    pub dtype: String,
}

/// The tensors of a weight file, read when needed.
#[derive(Clone)]
pub struct Checkpoint {
    name: String,
    container: Container,
    /// Whether keys are our paths and matrices lie in Burn's layout.
    pub(super) is_ours: bool,
    infos: Vec<TensorInfo>,
    pub(super) tensors: Vec<PackTensor>,
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
    /// Opens a file; its ending does not matter. Values stay in it until [`load`](super::load)
    /// asks for them, so the file must not change before.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if it cannot be opened, [`Error::Container`] if it is no weight file or a
    /// broken one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let fail = |source| Error::Read {
            path: path.into(),
            source,
        };
        let source = Source::open(path).map_err(fail)?;
        Self::recognise(name, &source, Some(path))
    }

    /// As [`Checkpoint::open`] for a file in memory, called `name` in messages.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if these are no weights or broken ones.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let source = Source::Memory(Arc::new(bytes));
        Self::recognise(name.to_owned(), &source, None)
    }

    /// Goes by the first bytes. `path` is where the bytes are if they are in a file.
    fn recognise(name: String, source: &Source, path: Option<&Path>) -> Result<Self, Error> {
        let head = source.head(HEAD).map_err(|error| broken(&name, error))?;
        if is_pytorch(&head) {
            return Self::pytorch(name, source, path);
        }
        if head.get(8) == Some(&b'{') {
            return Self::safetensors(name, source);
        }
        if head.starts_with(&burn_pack::MAGIC_NUMBER.to_le_bytes()) {
            return Self::burnpack(name, source);
        }
        let reason = "it is neither a PyTorch (zip, legacy, tar), safetensors nor burnpack file";
        Err(broken(&name, reason))
    }

    fn pytorch(name: String, source: &Source, path: Option<&Path>) -> Result<Self, Error> {
        let fail = |reason: String| {
            let reason = shortened(&reason);
            broken(
                &name,
                format!(
                    "not a whole PyTorch file of tensors ({reason}); fetch it again, or save \
                     model.state_dict() if it was saved as a whole model"
                ),
            )
        };
        guard::check(source).map_err(fail)?;
        let read = |path: &Path| {
            // No panic of the reader is known that passes the guard; an unknown one on a hostile
            // file must not take the program down.
            std::panic::catch_unwind(|| PytorchReader::new(path))
                .map_err(|_| fail("the reader gave up on it".into()))?
                .map_err(|error| fail(error.to_string()))
        };
        let reader = match (source, path) {
            (Source::File(..), Some(path)) => read(path)?,
            (Source::File(..), None) => return Err(fail("it has no path".into())),
            (Source::Memory(bytes), _) => {
                // The reader takes files only; on Unix an open file outlives its name.
                let fail = |source| Error::Write {
                    path: std::env::temp_dir(),
                    source,
                };
                let mut file = tempfile::NamedTempFile::new().map_err(fail)?;
                file.write_all(bytes)
                    .and_then(|()| file.flush())
                    .map_err(fail)?;
                read(file.path())?
            }
        };
        let container = match reader.metadata().format_type {
            FileFormat::Zip => Container::PytorchZip,
            FileFormat::Tar => Container::PytorchTar,
            FileFormat::Legacy | FileFormat::Pickle => Container::PytorchLegacy,
        };
        let tensors = reader
            .into_tensors()
            .into_values()
            .map(bridge::from_pytorch)
            .collect();
        Self::new(name, container, tensors, source.len())
    }

    fn safetensors(name: String, source: &Source) -> Result<Self, Error> {
        let fail = |reason: String| {
            let reason = shortened(&reason);
            broken(
                &name,
                format!("not a whole safetensors file ({reason}); fetch it again"),
            )
        };
        let header_len = source.bytes(0, SAFETENSORS_LEN).ok();
        let header_len = header_len.and_then(|bytes| bytes.try_into().ok());
        let header_len = u64::from_le_bytes(header_len.unwrap_or_default());
        // A byte of JSON becomes up to 24 in memory.
        if header_len > HEADER + source.len() / 64 {
            return Err(fail(format!("a header of {header_len} bytes")));
        }
        let header = source.bytes(SAFETENSORS_LEN, header_len);
        let header = header.map_err(|_| fail("InvalidHeaderLength".into()))?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| fail(error.to_string()))?;
        let start = SAFETENSORS_LEN + header_len;
        if start.checked_add(metadata.data_len() as u64) != Some(source.len()) {
            return Err(fail("MetadataIncompleteBuffer".into()));
        }
        let mut tensors = Vec::new();
        for (key, info) in metadata.tensors() {
            let dtype = match info.dtype {
                safetensors::Dtype::F64 => DType::F64,
                safetensors::Dtype::F32 => DType::F32,
                safetensors::Dtype::F16 => DType::F16,
                safetensors::Dtype::BF16 => DType::BF16,
                safetensors::Dtype::I64 => DType::I64,
                safetensors::Dtype::I32 => DType::I32,
                safetensors::Dtype::U8 => DType::U8,
                other => {
                    let reason = format!(
                        "tensor {key} has type {other:?}, which no network here has; leave it out when \
                         the file is saved"
                    );
                    return Err(broken(&name, shortened(&reason)));
                }
            };
            let (from, to) = info.data_offsets;
            let (offset, len) = (start + from as u64, to - from);
            let source = source.clone();
            tensors.push(PackTensor::deferred(
                key,
                dtype,
                info.shape.clone(),
                None,
                len,
                move || {
                    let bytes = source.bytes(offset, len as u64);
                    let bytes = bytes.map_err(|error| PackError::IoError(error.to_string()))?;
                    Ok(Bytes::from_bytes_vec(bytes))
                },
            ));
        }
        Self::new(name, Container::Safetensors, tensors, source.len())
    }

    fn burnpack(name: String, source: &Source) -> Result<Self, Error> {
        let len = source.len();
        let head = source.head(HEAD).map_err(|error| broken(&name, error))?;
        // burn-pack takes 100 MiB of metadata, in which a byte may become three sizes.
        let metadata = head.get(6..10).and_then(|bytes| bytes.try_into().ok());
        let metadata = u64::from(u32::from_le_bytes(metadata.unwrap_or_default()));
        if metadata > HEADER + len / 64 {
            let reason = format!("not a whole burnpack file ({metadata} bytes of metadata)");
            return Err(broken(&name, reason));
        }
        let bytes = source.bytes(0, len).map_err(|error| broken(&name, error))?;
        let tensors = burn_pack::Reader::from_bytes(Bytes::from_bytes_vec(bytes))
            .and_then(burn_pack::Reader::into_tensors)
            .map_err(|error| broken(&name, shortened(&error.to_string())))?;
        // Their lengths are not checked by burn-pack, and our networks have none.
        if let Some(tensor) = tensors.iter().find(|t| matches!(t.dtype, DType::QFloat(_))) {
            return Err(broken(&name, format!("{} is quantised", tensor.name)));
        }
        Self::new(name, Container::Burnpack, tensors, len)
    }

    /// Sorts, and strips the wrappers and prefixes that training scripts leave. The file has
    /// `len` bytes.
    pub(super) fn new(
        name: String,
        container: Container,
        tensors: Vec<PackTensor>,
        len: u64,
    ) -> Result<Self, Error> {
        let mut tensors = tensors;
        // A tensor may repeat its values (stride 0) up to 10 GiB, or have sizes without values.
        let too_large = |tensor: &&PackTensor| {
            let largest = tensor.shape.iter().max().copied().unwrap_or(0);
            tensor.byte_len().max(largest) as u64 > len
        };
        if let Some(tensor) = tensors.iter().find(too_large) {
            let reason = format!("tensor {} is larger than the file", tensor.name);
            return Err(broken(&name, shortened(&reason)));
        }
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let infos = tensors
            .iter()
            .map(|tensor| TensorInfo {
                name: tensor.name.clone(),
                shape: tensor.shape.to_vec(),
                dtype: format!("{:?}", tensor.dtype),
            })
            .collect();
        // One may lie in another: PyTorch Lightning has the model in its state.
        while let Some(wrapper) = WRAPPERS
            .iter()
            .find(|w| tensors.iter().any(|tensor| tensor.name.starts_with(**w)))
        {
            tensors.retain_mut(|tensor| strip(tensor, wrapper));
        }
        tensors.retain(|tensor| tensor.name != AVERAGED);
        while let Some(prefix) = PREFIXES.iter().find(|prefix| {
            !tensors.is_empty()
                && tensors
                    .iter()
                    .all(|tensor| tensor.name.starts_with(**prefix))
        }) {
            for tensor in &mut tensors {
                strip(tensor, prefix);
            }
        }
        if tensors.is_empty() {
            return Err(Error::Container {
                name,
                reason: "it holds no tensor".into(),
            });
        }
        Ok(Self {
            name,
            container,
            is_ours: container == Container::Burnpack,
            infos,
            tensors,
        })
    }

    /// Path of the file, or what it was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's form.
    pub fn container(&self) -> Container {
        self.container
    }

    /// All tensors of the file under its own keys, sorted.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.infos
    }

    /// Shape of one weight, by the key it has without wrappers and prefixes.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.packed()
            .iter()
            .find(|tensor| tensor.name == key)
            .map(|tensor| tensor.shape.as_slice())
    }

    /// Keys without wrappers and prefixes, with shapes.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.packed()
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice()))
    }

    pub(super) fn packed(&self) -> &[PackTensor] {
        &self.tensors
    }

    pub(super) fn broken(&self, reason: impl fmt::Display) -> Error {
        broken(&self.name, shortened(&reason.to_string()))
    }
}

fn broken(name: &str, reason: impl fmt::Display) -> Error {
    Error::Container {
        name: name.to_owned(),
        reason: reason.to_string(),
    }
}

/// What a file says of itself may be long; a message is a line.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn strip(tensor: &mut PackTensor, prefix: &str) -> bool {
    let rest = tensor.name.strip_prefix(prefix).map(str::to_owned);
    rest.map(|rest| tensor.name = rest).is_some()
}

/// Zip, pickle protocol 2 or later, or a tar archive, by their first bytes.
fn is_pytorch(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
        || (head.first() == Some(&0x80) && head.get(8) != Some(&b'{'))
        || guard::is_tar(head)
}
