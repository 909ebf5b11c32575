//! A file that is being fetched.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::Cache;
use crate::Error;

/// `FILE.part`, and `FILE.part.origin` that records its origin. The hub's parts are named after the
/// checksum of the complete file and need no such record.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    origin: Option<PathBuf>,
}

/// Where the beginning of a part came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The address.
    pub(super) url: String,
    /// The server's word for this very version, an `ETag` or a date.
    pub(super) validator: Option<String>,
}

impl Part {
    pub(super) fn of(cache: &Cache, file: &str) -> Self {
        Self {
            path: cache.part_path(file),
            origin: Some(cache.origin_path(file)),
        }
    }

    /// A part whose name identifies its origin.
    pub(super) fn named(path: PathBuf) -> Self {
        Self { path, origin: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes at hand.
    pub(super) fn len(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |meta| meta.len())
    }

    pub(super) fn origin(&self) -> Option<Origin> {
        let text = std::fs::read_to_string(self.origin.as_ref()?).ok()?;
        let (url, validator) = text.split_once('\n')?;
        Some(Origin {
            url: url.to_owned(),
            validator: Some(validator.trim_end().to_owned()).filter(|text| !text.is_empty()),
        })
    }

    /// Begins anew. The old bytes go before the new origin is written: bytes never stand beside
    /// an origin that is not theirs.
    pub(super) fn begin(&self, origin: &Origin) -> Result<File, Error> {
        let file = File::create(&self.path).map_err(|source| self.fail(source))?;
        if let Some(path) = &self.origin {
            let validator = origin.validator.as_deref().unwrap_or_default();
            let text = format!("{}\n{validator}\n", origin.url);
            std::fs::write(path, text).map_err(|source| self.fail(source))?;
        }
        Ok(file)
    }

    /// Goes on at the end.
    pub(super) fn append(&self) -> Result<File, Error> {
        let file = File::options().append(true).open(&self.path);
        file.map_err(|source| self.fail(source))
    }

    /// Forgets all bytes.
    pub(super) fn discard(&self) -> Result<(), Error> {
        for path in [Some(&self.path), self.origin.as_ref()]
            .into_iter()
            .flatten()
        {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.fail(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the whole file its name.
    pub(super) fn finish(&self, path: &Path) -> Result<(), Error> {
        std::fs::rename(&self.path, path).map_err(|source| self.fail(source))?;
        // Of no use any more, and harmless: the next part replaces it.
        if let Some(origin) = &self.origin {
            let _ = std::fs::remove_file(origin);
        }
        // The new name is lasting once its folder is written; not every system can do that.
        if let Some(folder) = path.parent()
            && let Ok(folder) = File::open(folder)
        {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    pub(super) fn fail(&self, source: io::Error) -> Error {
        Error::Cache {
            path: self.path.clone(),
            source,
        }
    }
}
