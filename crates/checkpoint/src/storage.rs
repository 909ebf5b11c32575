//! Storages: runs of numbers in a file that tensors are views of.

use std::sync::Arc;

use crate::error::ErrorKind;
use crate::pickle::{Blob, Origin};
use crate::source::Source;
use crate::zip::Entry;

/// The location and byte order of the numbers.
pub(crate) struct Storage {
    pub(crate) place: Place,
    pub(crate) order: Order,
}

#[derive(Clone)]
pub(crate) enum Place {
    /// `len` bytes at `offset`.
    File {
        source: Source,
        offset: u64,
        len: u64,
    },
    /// An entry of a zip archive.
    Zip { source: Source, entry: Entry },
    /// Bytes inside a pickle.
    Blob(Blob),
    /// A range of another storage, in bytes.
    Part {
        whole: Arc<Storage>,
        offset: u64,
        len: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Storage {
    /// A storage without bytes.
    pub(crate) fn empty() -> Self {
        let place = Place::Blob(Blob::memory(&[], Origin::Bytes));
        Self {
            place,
            order: Order::Little,
        }
    }

    /// Its length in bytes. `None` if only decoding reveals it.
    pub(crate) fn len(&self) -> Option<u64> {
        match &self.place {
            Place::File { len, .. } | Place::Part { len, .. } => Some(*len),
            Place::Zip { entry, .. } => Some(entry.size),
            Place::Blob(blob) => blob.is_plain().then(|| blob.len()),
        }
    }

    /// The most bytes that its tensors may have in a file of `len` bytes. Deflate shrinks weights
    /// by a tenth, but zeros by a factor of a thousand.
    pub(crate) fn most(&self, len: u64) -> u64 {
        match &self.place {
            Place::Zip { entry, .. } if !entry.is_stored() => len.saturating_mul(4) + (1 << 20),
            _ => len,
        }
    }

    /// Bytes that must be decompressed to read any part.
    pub(crate) fn cost(&self) -> u64 {
        match &self.place {
            Place::Zip { entry, .. } if !entry.is_stored() => entry.size,
            Place::Blob(blob) => blob.len(),
            Place::Part { whole, .. } => whole.cost(),
            _ => 0,
        }
    }

    pub(crate) fn read(&self, from: u64, len: u64) -> Result<Vec<u8>, ErrorKind> {
        let short = || ErrorKind::damaged("some of its values are missing");
        let end = from.checked_add(len).ok_or_else(short)?;
        if self.len().is_some_and(|all| end > all) {
            return Err(short());
        }
        match &self.place {
            Place::File { source, offset, .. } => Ok(source.bytes(offset + from, len)?),
            Place::Zip { source, entry } => entry.read(source, from, len),
            Place::Part { whole, offset, .. } => whole.read(offset + from, len),
            Place::Blob(blob) => {
                let mut bytes = blob.bytes()?;
                if end > bytes.len() as u64 {
                    return Err(short());
                }
                bytes.truncate(end as usize);
                bytes.drain(..from as usize);
                Ok(bytes)
            }
        }
    }

    /// Whether both are the same bytes of the same file.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        match (&self.place, &other.place) {
            (
                Place::File { source, offset, .. },
                Place::File {
                    source: other,
                    offset: at,
                    ..
                },
            ) => source.is_same(*offset, other, *at),
            _ => false,
        }
    }
}
