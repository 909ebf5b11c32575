//! Where a file's bytes are: on the disk, or in memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a file, read where and when they are needed.
#[derive(Clone)]
pub(crate) enum Source {
    /// An open file and its length.
    File(Arc<Mutex<File>>, u64),
    /// All of it.
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
            return Ok(Self::File(Arc::new(Mutex::new(file)), metadata.len()));
        }
        // A pipe has no length and is read once.
        let mut bytes = Vec::new();
        { file }.read_to_end(&mut bytes)?;
        Ok(Self::memory(bytes))
    }

    pub(crate) fn memory(bytes: Vec<u8>) -> Self {
        Self::Memory(Arc::new(bytes))
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::File(_, len) => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether both are the same opened file.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(a, _), Self::File(b, _)) => Arc::ptr_eq(a, b),
            (Self::Memory(a), Self::Memory(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Fills `buffer` from `offset` with as much as one call gives.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::File(file, _) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(offset))?;
                file.read(buffer)
            }
            Self::Memory(bytes) => {
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

    /// `len` bytes at `offset`; nothing is allocated for bytes that are not there.
    pub(crate) fn bytes(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(len).filter(|&end| end <= self.len());
        let (Some(_), Ok(size)) = (end, usize::try_from(len)) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if let Self::Memory(bytes) = self {
            let from = offset as usize;
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

    /// The bytes from `offset` to `end` as a stream without a buffer.
    pub(crate) fn stream(&self, offset: u64, end: u64) -> Stream {
        Stream {
            source: self.clone(),
            offset,
            end: end.min(self.len()),
        }
    }
}

/// A part of a source.
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
