//! An open file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::source::Source;
use crate::tensor::Tensor;
use crate::tree::Tree;
use crate::value::Value;
use crate::zip::Zip;
use crate::{index, safetensors, torch, what};

/// Number of first bytes that distinguish the containers.
const HEAD: u64 = 512;

/// An open file: a tree of values, some of which are tensors. Tensor values stay in the file,
/// which must not change before they are read. Cheap to clone.
#[derive(Clone)]
pub struct Archive(Arc<Contents>);

struct Contents {
    name: Arc<str>,
    len: u64,
    opened: Opened,
}

/// What a container holds.
pub(crate) struct Opened {
    pub(crate) format: Format,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) root: Value,
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Opened {
    /// A tree from a pickle.
    pub(crate) fn pytorch(tree: Tree) -> Self {
        Self {
            format: Format::PytorchLegacy,
            tensors: tree.tensors,
            root: tree.root,
            metadata: BTreeMap::new(),
        }
    }
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
    /// The index of sharded safetensors files.
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
    /// Opens a file; its content determines the format, not its extension.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`] distinguishes a file that cannot be read, is not a weight file
    /// (for example a folder), is damaged, or has weights in an unsupported format.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        if path.is_dir() {
            return Err(Error::new(&name, what::folder(path)));
        }
        let source = Source::open(path).map_err(|error| Error::new(&name, error.into()))?;
        Self::read(&name, &source, path.parent())
    }

    /// One of the files that an index names. It may not be an index itself, which could recurse forever.
    pub(crate) fn open_shard(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let source = Source::open(path).map_err(|error| Error::new(&name, error.into()))?;
        Self::read(&name, &source, None)
    }

    /// Opens a file in memory, called `name` in messages.
    ///
    /// # Errors
    ///
    /// Same as [`open`](Self::open); the index of sharded files is unsupported.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(name, &Source::memory(bytes), None)
    }

    fn read(name: &str, source: &Source, folder: Option<&Path>) -> Result<Self, Error> {
        let name: Arc<str> = name.into();
        let opened = container(&name, source);
        let opened = match opened {
            Ok(Some(opened)) => Ok((opened, source.len())),
            Ok(None) => match index::shards(source) {
                Some(index) => index::open(index, folder),
                None => Err(what::named(source)),
            },
            Err(kind) => Err(kind),
        };
        let (opened, len) = opened.map_err(|kind| Error::new(&name, kind))?;
        Ok(Self(Arc::new(Contents { name, len, opened })))
    }

    /// Path of the file, or the name that the caller gave.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The file's form.
    pub fn format(&self) -> Format {
        self.0.opened.format
    }

    /// Size of the file, or of all shards, in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty file is no archive")]
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// Every tensor that is reachable from the root by keys, in the file's order, once per place.
    pub fn tensors(&self) -> &[Tensor] {
        &self.0.opened.tensors
    }

    /// The complete tree of values, including tensors.
    pub fn root(&self) -> &Value {
        &self.0.opened.root
    }

    /// The `__metadata__` of safetensors; empty for other formats.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.opened.metadata
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (format, tensors) = (self.format(), self.tensors().len());
        write!(f, "Archive({}, {format}, {tensors} tensors)", self.name())
    }
}

/// Reads a container by its content. `None` if it is not a weight file.
fn container(name: &Arc<str>, source: &Source) -> Result<Option<Opened>, ErrorKind> {
    let head = source.head(HEAD)?;
    if torch::is_legacy(&head) {
        return torch::legacy(name, source).map(Some);
    }
    if torch::is_tar(&head) {
        return torch::tar(name, source).map(Some);
    }
    if safetensors::is_safetensors(&head, source.len()) {
        return safetensors::open(name, source).map(Some);
    }
    let starts_as_zip = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
    // Data may precede a zip archive, but not data of another known format.
    if starts_as_zip || !what::is_known(&head) {
        if let Some(zip) = Zip::open(source)? {
            return in_zip(name, zip, source.len()).map(Some);
        }
        if starts_as_zip {
            return Err(what::without_directory(source));
        }
    }
    if what::is_known(&head) || source.len() == 0 {
        return Ok(None);
    }
    match &head[..] {
        [0x80, 2..=5, ..] => torch::bare(name, source).map(Some),
        // Pickle protocols 0 and 1 have no header.
        [b'(' | b'}' | b']' | b'c' | b'd' | b'l', ..] if ends_as_pickle(source)? => {
            Ok(torch::bare(name, source).ok())
        }
        _ => Ok(None),
    }
}

/// A `torch.save` file inside another file. `None` if it is something else.
pub(crate) fn saved(name: &Arc<str>, source: &Source) -> Result<Option<Opened>, ErrorKind> {
    if torch::is_legacy(&source.head(HEAD)?) {
        return torch::legacy(name, source).map(Some);
    }
    let Some(zip) = Zip::open(source)? else {
        return Ok(None);
    };
    let folder = torch::find(&zip);
    folder
        .map(|folder| torch::zip(name, zip, &folder, source.len()))
        .transpose()
}

fn ends_as_pickle(source: &Source) -> Result<bool, ErrorKind> {
    Ok(source.bytes(source.len() - 1, 1)? == b".")
}

fn in_zip(name: &Arc<str>, zip: Zip, len: u64) -> Result<Opened, ErrorKind> {
    if let Some(folder) = torch::is_export(&zip) {
        return torch::export(name, zip, &folder, len);
    }
    match torch::find(&zip) {
        Some(folder) => torch::zip(name, zip, &folder, len),
        None => Err(what::zip(&zip)),
    }
}
