//! Sequential reading of a pickle's bytes.

use crate::error::ErrorKind;
use crate::source::Source;

const BUFFER: u64 = 64 << 10;

/// Reads a range of a source sequentially and tracks its position.
pub(crate) struct Input {
    pub(crate) source: Source,
    buffer: Vec<u8>,
    at: usize,
    /// Offset in the source where the buffer ends.
    next: u64,
    end: u64,
}

/// A line of text without its line break.
pub(super) struct Line {
    pub(super) start: u64,
    pub(super) len: u64,
    /// `None` if it is longer than the caller asked for.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Input {
    pub(crate) fn new(source: &Source, start: u64, end: u64) -> Self {
        Self {
            source: source.clone(),
            buffer: Vec::new(),
            at: 0,
            next: start,
            end: end.min(source.len()),
        }
    }

    /// Offset in the source of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.next - (self.buffer.len() - self.at) as u64
    }

    /// Bytes left.
    pub(crate) fn left(&self) -> u64 {
        self.end.saturating_sub(self.position())
    }

    fn refill(&mut self) -> Result<(), ErrorKind> {
        let len = self.end.saturating_sub(self.next).min(BUFFER);
        if len == 0 {
            return Err(cut());
        }
        self.buffer.resize(len as usize, 0);
        self.source.fill(&mut self.buffer, self.next)?;
        self.next += len;
        self.at = 0;
        Ok(())
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ErrorKind> {
        if self.at == self.buffer.len() {
            self.refill()?;
        }
        let byte = self.buffer[self.at];
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ErrorKind> {
        let mut array = [0; N];
        if let Some(bytes) = self.buffer.get(self.at..self.at + N) {
            array.copy_from_slice(bytes);
            self.at += N;
        } else {
            for byte in &mut array {
                *byte = self.byte()?;
            }
        }
        Ok(array)
    }

    /// The next bytes. Checks that they exist before it allocates.
    pub(crate) fn take(&mut self, len: u64) -> Result<Vec<u8>, ErrorKind> {
        if len > self.left() {
            return Err(cut());
        }
        let len = usize::try_from(len).map_err(|_| cut())?;
        if let Some(bytes) = self.buffer.get(self.at..self.at + len) {
            self.at += len;
            return Ok(bytes.to_vec());
        }
        let bytes = self.source.bytes(self.position(), len as u64)?;
        self.skip(len as u64)?;
        Ok(bytes)
    }

    pub(crate) fn skip(&mut self, len: u64) -> Result<(), ErrorKind> {
        if len > self.left() {
            return Err(cut());
        }
        let buffered = (self.buffer.len() - self.at) as u64;
        if len <= buffered {
            self.at += len as usize;
        } else {
            self.next += len - buffered;
            self.buffer.clear();
            self.at = 0;
        }
        Ok(())
    }

    /// The next line, with its bytes if there are at most `most`.
    pub(super) fn line(&mut self, most: usize) -> Result<Line, ErrorKind> {
        let start = self.position();
        let mut bytes = Some(Vec::new());
        loop {
            if self.at == self.buffer.len() {
                self.refill()?;
            }
            let rest = &self.buffer[self.at..];
            let end = rest.iter().position(|&byte| byte == b'\n');
            let part = &rest[..end.unwrap_or(rest.len())];
            bytes = bytes.filter(|bytes| bytes.len() + part.len() <= most);
            if let Some(bytes) = &mut bytes {
                bytes.extend(part);
            }
            self.at += part.len();
            if end.is_some() {
                let len = self.position() - start;
                self.at += 1;
                return Ok(Line { start, len, bytes });
            }
        }
    }
}

fn cut() -> ErrorKind {
    ErrorKind::cut_off("a pickle ends too early")
}
