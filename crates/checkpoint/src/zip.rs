//! The directory of a zip archive (PKWARE's APPNOTE 6.3.10).
//!
//! Offsets in a directory are relative to the beginning of the archive, which may differ from the
//! beginning of the file. The offset between the two is computed from the end of the directory,
//! never guessed from signatures.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::bufread::DeflateDecoder;

use crate::error::ErrorKind;
use crate::source::Source;

// Lengths of the fixed parts of records.
const END: u64 = 22;
const LOCATOR: u64 = 20;
const END_64: u64 = 56;
const CENTRAL: usize = 46;
const LOCAL: u64 = 30;

/// Bytes at the end of a file that are searched for the end record: it, a comment and some slack.
const TAIL: u64 = END + (u16::MAX as u64) + 1024;

/// An archive's entries by name. If several share a name, the last one counts.
pub(crate) struct Zip {
    pub(crate) source: Source,
    /// In the order of the directory.
    pub(crate) entries: Vec<Entry>,
    by_name: HashMap<Box<str>, usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Box<str>,
    /// Offset of its local header in the file.
    header: u64,
    /// Compressed and uncompressed size in bytes.
    pub(crate) packed: u64,
    pub(crate) size: u64,
    method: Method,
    start: OnceLock<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Stored,
    Deflated,
    Encrypted,
    Other(u16),
}

impl Zip {
    /// `None` if there is no complete directory.
    pub(crate) fn open(source: &Source) -> Result<Option<Self>, ErrorKind> {
        let tail = source.len().min(TAIL);
        let offset = source.len() - tail;
        let bytes = source.bytes(offset, tail)?;
        let mut ends: Vec<_> = bytes
            .windows(4)
            .enumerate()
            .filter_map(|(at, window)| (window == b"PK\x05\x06").then_some(at))
            .filter(|&at| bytes.len() - at >= END as usize)
            .collect();
        // Prefer an end record whose comment ends with the file, then the last one.
        let is_exact = |at: usize| {
            let comment = u16_at(&bytes, at + 20).map(|len| len as usize + END as usize);
            comment == Some(bytes.len() - at)
        };
        ends.sort_by_key(|&at| (!is_exact(at), usize::MAX - at));
        // A hostile file may have thousands.
        for at in ends.into_iter().take(16) {
            let found = directory(source, &bytes[at..], offset + at as u64)?;
            if let Some(entries) = found {
                return Ok(Some(Self::new(source, entries)));
            }
        }
        Ok(None)
    }

    fn new(source: &Source, entries: Vec<Entry>) -> Self {
        let names = entries.iter().enumerate();
        let by_name = names
            .map(|(index, entry)| (entry.name.clone(), index))
            .collect();
        Self {
            source: source.clone(),
            entries,
            by_name,
        }
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(*self.by_name.get(name)?)
    }

    /// The content of a small entry, at most `most` bytes uncompressed.
    pub(crate) fn read(&self, entry: &Entry, most: u64) -> Result<Vec<u8>, ErrorKind> {
        if entry.size > most {
            let reason = format!(
                "its entry {} would unpack to {} bytes",
                entry.name, entry.size
            );
            return Err(ErrorKind::Unsupported(reason));
        }
        entry.read(&self.source, 0, entry.size)
    }

    /// A small entry by name.
    pub(crate) fn read_named(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ErrorKind> {
        let entry = self.entry(name);
        entry.map(|entry| self.read(entry, most)).transpose()
    }
}

impl Entry {
    pub(crate) fn is_stored(&self) -> bool {
        self.method == Method::Stored
    }

    /// Offset of its data. Reads its local header once.
    pub(crate) fn start(&self, source: &Source) -> Result<u64, ErrorKind> {
        if let Some(&start) = self.start.get() {
            return Ok(start);
        }
        let broken =
            || ErrorKind::damaged(format!("{} is not where the zip directory says", self.name));
        let header = source.bytes(self.header, LOCAL).map_err(|_| broken())?;
        let (name, extra) = (u16_at(&header, 26), u16_at(&header, 28));
        let (true, Some(name), Some(extra)) = (header.starts_with(b"PK\x03\x04"), name, extra)
        else {
            return Err(broken());
        };
        let start = self.header + LOCAL + name + extra;
        let end = start.checked_add(self.packed);
        if end.is_none_or(|end| end > source.len()) {
            return Err(broken());
        }
        Ok(*self.start.get_or_init(|| start))
    }

    /// `len` uncompressed bytes from `from`.
    pub(crate) fn read(&self, source: &Source, from: u64, len: u64) -> Result<Vec<u8>, ErrorKind> {
        let broken = |what: &str| ErrorKind::damaged(format!("its entry {} {what}", self.name));
        if from.checked_add(len).is_none_or(|end| end > self.size) {
            return Err(broken("is too short"));
        }
        match self.method {
            Method::Stored => Ok(source.bytes(self.start(source)? + from, len)?),
            Method::Deflated => {
                let start = self.start(source)?;
                let packed = source.stream(start, start + self.packed);
                let mut stream = DeflateDecoder::new(std::io::BufReader::new(packed));
                let skipped = std::io::copy(&mut (&mut stream).take(from), &mut std::io::sink());
                let mut bytes = Vec::new();
                let read = stream.take(len).read_to_end(&mut bytes);
                match (skipped, read) {
                    (Ok(_), Ok(_)) if bytes.len() as u64 == len => Ok(bytes),
                    _ => Err(broken("cannot be decompressed")),
                }
            }
            Method::Encrypted => Err(ErrorKind::Unsupported(format!(
                "its entry {} is encrypted; save it without a password",
                self.name
            ))),
            Method::Other(method) => Err(ErrorKind::Unsupported(format!(
                "its entry {} uses an unsupported compression (zip method {method}); repack it without compression",
                self.name
            ))),
        }
    }
}

/// The entries that belong to the end record `end` at `at`. `None` if they are missing.
fn directory(source: &Source, end: &[u8], at: u64) -> Result<Option<Vec<Entry>>, ErrorKind> {
    for (offset, size, count, stop) in sizes(source, end, at)? {
        // The directory ends where the end records begin, wherever the archive begins.
        let Some(real) = stop.checked_sub(size) else {
            continue;
        };
        for start in [real, offset] {
            let shift = start.wrapping_sub(offset);
            let fits = start.checked_add(size).is_some_and(|end| end <= stop);
            // Each entry takes at least 46 bytes.
            if !fits || count > size / CENTRAL as u64 {
                continue;
            }
            let bytes = source.bytes(start, size)?;
            if let Some(entries) = entries(&bytes, count, shift) {
                return Ok(Some(entries));
            }
        }
    }
    Ok(None)
}

/// Offset, size, number of entries and end of the directory, as each end record gives them: zip64
/// first.
fn sizes(source: &Source, end: &[u8], at: u64) -> Result<Vec<(u64, u64, u64, u64)>, ErrorKind> {
    let mut found = Vec::new();
    let locator = at.checked_sub(LOCATOR);
    let locator = locator.map(|at| source.bytes(at, LOCATOR)).transpose()?;
    if let Some(locator) = locator.filter(|bytes| bytes.starts_with(b"PK\x06\x07")) {
        let said = u64_at(&locator, 8).unwrap_or(u64::MAX);
        let usual = (at - LOCATOR).checked_sub(END_64);
        for place in [usual, Some(said)].into_iter().flatten() {
            let Ok(record) = source.bytes(place, END_64) else {
                continue;
            };
            if record.starts_with(b"PK\x06\x06") {
                let number = |at| u64_at(&record, at).unwrap_or(0);
                found.push((number(48), number(40), number(32), place));
            }
        }
    }
    let (offset, size) = (u32_at(end, 16), u32_at(end, 12));
    if let (Some(offset), Some(size), Some(count)) = (offset, size, u16_at(end, 10)) {
        found.push((offset, size, count, at));
    }
    Ok(found)
}

fn entries(directory: &[u8], count: u64, shift: u64) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut rest = directory;
    for _ in 0..count {
        let (entry, after) = entry(rest, shift)?;
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

/// The first entry of a directory, and what follows it.
fn entry(directory: &[u8], shift: u64) -> Option<(Entry, &[u8])> {
    let header = directory.get(..CENTRAL)?;
    if !header.starts_with(b"PK\x01\x02") {
        return None;
    }
    let name_end = CENTRAL + u16_at(header, 28)? as usize;
    let extra_end = name_end + u16_at(header, 30)? as usize;
    let after = directory.get(extra_end + u16_at(header, 32)? as usize..)?;
    let name = directory.get(CENTRAL..name_end)?;
    let mut extra = directory.get(name_end..extra_end)?;

    let mut size = u32_at(header, 24)?;
    let mut packed = u32_at(header, 20)?;
    let mut local = u32_at(header, 42)?;
    // A field may be broken or padding: then skip the rest.
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let Some(field) = extra.get(4..4 + length as usize) else {
            break;
        };
        if id == 1 {
            let mut at = 0;
            for value in [&mut size, &mut packed, &mut local] {
                if *value == u64::from(u32::MAX) {
                    *value = u64_at(field, at)?;
                    at += 8;
                }
            }
        }
        extra = &extra[4 + length as usize..];
    }
    let method = match (u16_at(header, 8)? & 1, u16_at(header, 10)? as u16) {
        (0, 0) => Method::Stored,
        (0, 8) => Method::Deflated,
        (0, other) => Method::Other(other),
        _ => Method::Encrypted,
    };
    if method == Method::Stored && packed != size {
        return None;
    }
    let entry = Entry {
        name: String::from_utf8_lossy(name).into(),
        header: local.wrapping_add(shift),
        packed,
        size,
        method,
        start: OnceLock::new(),
    };
    Some((entry, after))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?).into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?).into())
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
