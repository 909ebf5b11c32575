//! Bytes in a pickle. Long runs stay in the file.

use std::sync::Arc;

use super::text;
use crate::error::ErrorKind;
use crate::source::Source;

/// Bytes or a string of Python 2.
#[derive(Clone)]
pub(crate) struct Blob {
    pub(crate) place: Place,
    pub(crate) coding: Coding,
    pub(crate) origin: Origin,
}

#[derive(Clone)]
pub(crate) enum Place {
    Memory(Arc<[u8]>),
    File {
        source: Source,
        offset: u64,
        len: u64,
    },
}

/// The encoding of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As they are.
    Raw,
    /// Each byte is one UTF-8 character, because protocols 0 to 2 have no bytes type.
    Utf8,
    /// The same in the text of protocol 0: `\u0100`.
    UnicodeEscape,
    /// A quoted Python string: `'\x00'`.
    Quoted,
}

/// Whether Python 3 reads it as bytes or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Bytes,
    /// Ambiguous: Python 2 had one type for both.
    String,
    Text,
}

/// The longest Python 2 string that is read as text, in bytes.
const TEXT: usize = 64 << 10;

impl Blob {
    pub(crate) fn memory(bytes: &[u8], origin: Origin) -> Self {
        Self {
            place: Place::Memory(bytes.into()),
            coding: Coding::Raw,
            origin,
        }
    }

    /// Length in the file, in bytes.
    pub(crate) fn len(&self) -> u64 {
        match &self.place {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::File { len, .. } => *len,
        }
    }

    /// Whether the file stores the bytes without encoding.
    pub(crate) fn is_plain(&self) -> bool {
        self.coding == Coding::Raw
    }

    /// All bytes. Allocates the length in the file, and the same again to decode.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, ErrorKind> {
        let bytes = match &self.place {
            Place::Memory(bytes) => bytes.to_vec(),
            Place::File {
                source,
                offset,
                len,
            } => source.bytes(*offset, *len)?,
        };
        let decoded = match self.coding {
            Coding::Raw => Some(bytes),
            Coding::Utf8 => text::latin1(&bytes),
            Coding::UnicodeEscape => text::unescape_unicode(&bytes)
                .as_deref()
                .and_then(|text| text::latin1(text.as_bytes())),
            Coding::Quoted => text::unquote(&bytes),
        };
        decoded.ok_or_else(|| ErrorKind::damaged("its pickle has badly encoded bytes"))
    }

    /// A source that has its bytes, and their range in it.
    pub(crate) fn range(&self) -> Option<(Source, u64, u64)> {
        if self.coding != Coding::Raw {
            let bytes = self.bytes().ok()?;
            let len = bytes.len() as u64;
            return Some((Source::memory(bytes), 0, len));
        }
        Some(match &self.place {
            Place::Memory(bytes) => (Source::memory(bytes.to_vec()), 0, bytes.len() as u64),
            Place::File {
                source,
                offset,
                len,
            } => (source.clone(), *offset, offset + len),
        })
    }

    /// The bytes as text, if Python 2 may have meant text and they are short.
    pub(crate) fn text(&self) -> Option<Arc<str>> {
        match (&self.place, self.origin) {
            (Place::Memory(bytes), Origin::String) if bytes.len() <= TEXT => {
                std::str::from_utf8(bytes).ok().map(Into::into)
            }
            _ => None,
        }
    }
}
