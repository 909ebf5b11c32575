//! A weight file, recognised by its content.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use burn::tensor::{Bytes, DType};
use burn_store::burn_pack::{self, Tensor as PackTensor};
use burn_store::{bridge, pytorch_reader};
use pytorch_reader::{FileFormat, PytorchReader};
use safetensors::SafeTensors;

use crate::Error;

/// Where training scripts put the weights inside a file, in timm's order of preference.
const WRAPPERS: [&str; 4] = ["state_dict_ema.", "model_ema.", "state_dict.", "model."];
/// What wrappers of modules put before each key: `DataParallel`, `torch.compile`.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];

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
    /// Opens a file; its ending does not matter.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if it cannot be opened, [`Error::Container`] if it is no weight file or a
    /// broken one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| Error::Read {
            path: path.into(),
            source,
        })?;
        if is_pytorch(&bytes) {
            drop(bytes);
            return Self::pytorch(name, path);
        }
        Self::from_bytes(&name, bytes)
    }

    /// As [`Checkpoint::open`] for a file in memory, called `name` in messages.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if these are no weights or broken ones.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let name = name.to_owned();
        if is_pytorch(&bytes) {
            // The reader takes files only; on Unix an open file outlives its name.
            let fail = |source| Error::Write {
                path: std::env::temp_dir(),
                source,
            };
            let mut file = tempfile::NamedTempFile::new().map_err(fail)?;
            file.write_all(&bytes)
                .and_then(|()| file.flush())
                .map_err(fail)?;
            return Self::pytorch(name, file.path());
        }
        if bytes.get(8) == Some(&b'{') {
            return Self::safetensors(name, &bytes);
        }
        if bytes.starts_with(&burn_pack_magic()) {
            return Self::burnpack(name, bytes);
        }
        Err(Error::Container {
            name,
            reason: "it is neither a PyTorch (zip, legacy, tar), safetensors nor burnpack file"
                .into(),
        })
    }

    fn pytorch(name: String, path: &Path) -> Result<Self, Error> {
        let fail = |reason: String| Error::Container {
            name: name.clone(),
            reason: format!("not a whole PyTorch file ({reason}); fetch it again"),
        };
        // A panic in the reader on a hostile file must not take the program down.
        let reader = std::panic::catch_unwind(|| PytorchReader::new(path))
            .map_err(|_| fail("the reader gave up on it".into()))?
            .map_err(|error| fail(error.to_string()))?;
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
        Self::new(name, container, tensors)
    }

    fn safetensors(name: String, bytes: &[u8]) -> Result<Self, Error> {
        let fail = |reason: String| Error::Container {
            name: name.clone(),
            reason: format!("not a whole safetensors file ({reason}); fetch it again"),
        };
        let file = SafeTensors::deserialize(bytes).map_err(|error| fail(error.to_string()))?;
        let mut tensors = Vec::new();
        for (key, view) in file.tensors() {
            let dtype = match view.dtype() {
                safetensors::Dtype::F64 => DType::F64,
                safetensors::Dtype::F32 => DType::F32,
                safetensors::Dtype::F16 => DType::F16,
                safetensors::Dtype::BF16 => DType::BF16,
                safetensors::Dtype::I64 => DType::I64,
                safetensors::Dtype::I32 => DType::I32,
                safetensors::Dtype::U8 => DType::U8,
                other => return Err(fail(format!("tensor {key} has type {other:?}"))),
            };
            let bytes = Bytes::from_bytes_vec(view.data().to_vec());
            tensors.push(PackTensor::new(
                key,
                dtype,
                view.shape().to_vec(),
                None,
                bytes,
            ));
        }
        Self::new(name, Container::Safetensors, tensors)
    }

    fn burnpack(name: String, bytes: Vec<u8>) -> Result<Self, Error> {
        let tensors = burn_pack::Reader::from_bytes(Bytes::from_bytes_vec(bytes))
            .and_then(burn_pack::Reader::into_tensors)
            .map_err(|error| Error::Container {
                name: name.clone(),
                reason: error.to_string(),
            })?;
        Self::new(name, Container::Burnpack, tensors)
    }

    /// Sorts, and strips the wrappers and prefixes that training scripts leave.
    pub(super) fn new(
        name: String,
        container: Container,
        tensors: Vec<PackTensor>,
    ) -> Result<Self, Error> {
        let mut tensors = tensors;
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let infos = tensors
            .iter()
            .map(|tensor| TensorInfo {
                name: tensor.name.clone(),
                shape: tensor.shape.to_vec(),
                dtype: format!("{:?}", tensor.dtype),
            })
            .collect();
        if let Some(wrapper) = WRAPPERS
            .iter()
            .find(|w| tensors.iter().any(|tensor| tensor.name.starts_with(**w)))
        {
            tensors.retain_mut(|tensor| strip(tensor, wrapper));
        }
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
        Error::Container {
            name: self.name.clone(),
            reason: reason.to_string(),
        }
    }
}

fn strip(tensor: &mut PackTensor, prefix: &str) -> bool {
    let rest = tensor.name.strip_prefix(prefix).map(str::to_owned);
    rest.map(|rest| tensor.name = rest).is_some()
}

/// Zip, pickle protocol 2 or later, or a tar archive, by their first bytes.
fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
        || (bytes.first() == Some(&0x80) && bytes.get(8) != Some(&b'{'))
        || bytes.get(257..262) == Some(b"ustar")
}

fn burn_pack_magic() -> [u8; 4] {
    burn_pack::MAGIC_NUMBER.to_le_bytes()
}
