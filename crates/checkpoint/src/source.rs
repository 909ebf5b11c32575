//! The bytes of a file, on disk or in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a file or a range of it, read on demand.
#[derive(Clone)]
pub(crate) struct Source {
    kind: Kind,
    start: u64,
    len: u64,
}

#[derive(Clone)]
enum Kind {
    File(Arc<Mutex<File>>),
    Memory(Arc<Vec<u8>>),
}

impl Source {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if metadata.is_file() {
            return Ok(Self {
                kind: Kind::File(Arc::new(Mutex::new(file))),
                start: 0,
                len: metadata.len(),
            });
        }
        // A pipe has no length and can be read only once.
        let mut bytes = Vec::new();
        { file }.read_to_end(&mut bytes)?;
        Ok(Self::memory(bytes))
    }

    pub(crate) fn memory(bytes: Vec<u8>) -> Self {
        Self {
            len: bytes.len() as u64,
            kind: Kind::Memory(Arc::new(bytes)),
            start: 0,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// `len` bytes at `offset` as a source of their own. `None` if the file does not have them all.
    pub(crate) fn part(&self, offset: u64, len: u64) -> Option<Self> {
        let end = offset.checked_add(len)?;
        (end <= self.len).then(|| Self {
            kind: self.kind.clone(),
            start: self.start + offset,
            len,
        })
    }

    /// Whether the bytes at an offset are the same as those of another at its offset.
    pub(crate) fn is_same(&self, offset: u64, other: &Self, other_offset: u64) -> bool {
        let is_same = match (&self.kind, &other.kind) {
            (Kind::File(a), Kind::File(b)) => Arc::ptr_eq(a, b),
            (Kind::Memory(a), Kind::Memory(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        is_same && self.start + offset == other.start + other_offset
    }

    /// Fills `buffer` from `offset` with one read call.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let most = buffer.len().min(left.try_into().unwrap_or(usize::MAX));
        let buffer = &mut buffer[..most];
        let offset = self.start + offset.min(self.len);
        match &self.kind {
            Kind::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(offset))?;
                file.read(buffer)
            }
            Kind::Memory(bytes) => {
                let from = bytes.len().min(offset.try_into().unwrap_or(usize::MAX));
                (&bytes[from..]).read(buffer)
            }
        }
    }

    /// Fills all of `buffer` from `offset`.
    pub(crate) fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// `len` bytes at `offset`. Checks that they exist before it allocates.
    pub(crate) fn bytes(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(len).filter(|&end| end <= self.len());
        let (Some(_), Ok(size)) = (end, usize::try_from(len)) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if let Kind::Memory(bytes) = &self.kind {
            let from = (self.start + offset) as usize;
            return Ok(bytes[from..from + size].to_vec());
        }
        let mut buffer = vec![0; size];
        self.fill(&mut buffer, offset)?;
        Ok(buffer)
    }

    /// The first bytes, at most `len`.
    pub(crate) fn head(&self, len: u64) -> io::Result<Vec<u8>> {
        self.bytes(0, len.min(self.len()))
    }

    /// The bytes from `offset` to `end` as an unbuffered stream.
    pub(crate) fn stream(&self, offset: u64, end: u64) -> Stream {
        Stream {
            source: self.clone(),
            offset,
            end: end.min(self.len()),
        }
    }
}

/// A range of a source.
pub(crate) struct Stream {
    source: Source,
    offset: u64,
    end: u64,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.offset);
        let most = buffer.len().min(left.try_into().unwrap_or(usize::MAX));
        let read = self.source.read_at(&mut buffer[..most], self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
