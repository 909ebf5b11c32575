//! A file that was opened.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::source::Source;
use crate::tensor::Tensor;
use crate::value::Value;

/// A file that was opened: a tree of values, some of which are tensors. Tensors' values stay in
/// the file, which must not change before they are read. Cheap to clone.
#[derive(Clone)]
pub struct Archive(Arc<Contents>);

pub(crate) struct Contents {
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) len: u64,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) root: Value,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `torch.save` since PyTorch 1.6.
    PytorchZip,
    /// `torch.save` from 0.1.10 to 1.5; a bare pickle too.
    PytorchLegacy,
    /// `torch.save` before 0.1.10.
    PytorchTar,
    /// `torch.jit.save`.
    TorchScript,
    /// `torch.export.save`.
    TorchExport,
    /// safetensors.
    Safetensors,
    /// The index of safetensors files that hold a network together.
    SafetensorsIndex,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PytorchZip => "pytorch-zip",
            Self::PytorchLegacy => "pytorch-legacy",
            Self::PytorchTar => "pytorch-tar",
            Self::TorchScript => "torchscript",
            Self::TorchExport => "torch-export",
            Self::Safetensors => "safetensors",
            Self::SafetensorsIndex => "safetensors-index",
        })
    }
}

impl Archive {
    /// Opens a file by its content; its ending does not matter.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is something else than weights (a folder too), is damaged, or has
    /// weights that this crate does not read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let source = Source::open(path).map_err(|error| Error::new(&name, error.into()))?;
        Self::read(name, source, path.parent())
    }

    /// Opens a file in memory, called `name` in messages.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); the index of sharded files is unsupported.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(name.to_owned(), Source::memory(bytes), None)
    }

    fn read(name: String, _source: Source, _folder: Option<&Path>) -> Result<Self, Error> {
        let kind = ErrorKind::Unsupported("not yet".into());
        Err(Error::new(&name, kind))
    }

    /// Path of the file, or what it was called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The file's form.
    pub fn format(&self) -> Format {
        self.0.format
    }

    /// Bytes of the file, or of all shards.
    #[expect(clippy::len_without_is_empty, reason = "an empty file is no archive")]
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// Every tensor that keys lead to from the root, in the file's order, once for each place.
    pub fn tensors(&self) -> &[Tensor] {
        &self.0.tensors
    }

    /// Everything that the file says, tensors among it.
    pub fn root(&self) -> &Value {
        &self.0.root
    }

    /// The `__metadata__` of safetensors; empty for other formats.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Contents { name, format, tensors, .. } = &*self.0;
        write!(f, "Archive({name}, {format}, {} tensors)", tensors.len())
    }
}
