//! Where a weight file's bytes are: on the disk, or in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a file, read where and when they are needed and never twice.
#[derive(Clone)]
pub(super) enum Source {
    /// An open file and its length.
    File(Arc<Mutex<File>>, u64),
    /// All of it.
    Memory(Arc<Vec<u8>>),
}

impl Source {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
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
        Ok(Self::Memory(Arc::new(bytes)))
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::File(_, len) => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Fills `buffer` from `offset` with as much as there is.
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

    /// `len` bytes at `offset`; nothing is allocated for bytes that are not there.
    pub(super) fn bytes(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(len).filter(|&end| end <= self.len());
        let (Some(_), Ok(size)) = (end, usize::try_from(len)) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if let Self::Memory(bytes) = self {
            let from = offset as usize;
            return Ok(bytes[from..from + size].to_vec());
        }
        let mut buffer = vec![0; size];
        let mut filled = 0;
        while filled < size {
            match self.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(buffer)
    }

    /// The first bytes, at most `len`.
    pub(super) fn head(&self, len: u64) -> io::Result<Vec<u8>> {
        self.bytes(0, len.min(self.len()))
    }

    /// The bytes from `offset` to `end` as a stream.
    pub(super) fn stream(&self, offset: u64, end: u64) -> impl BufRead {
        let stream = Stream {
            source: self.clone(),
            offset,
        };
        BufReader::new(stream.take(end.saturating_sub(offset)))
    }
}

struct Stream {
    source: Source,
    offset: u64,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
