//! The directory of a zip archive, as `torch.save` writes it.

use std::io::BufReader;

use flate2::bufread::DeflateDecoder;

use super::{allowance, pickle, u16_at, u32_at, u64_at, words};
use crate::weights::source::Source;

/// Lengths of the fixed parts of records (PKWARE's APPNOTE 6.3.10, section 4.3).
const END: u64 = 22;
const LOCATOR: u64 = 20;
const END_64: u64 = 56;
/// The longest comment behind the end.
const COMMENT: u64 = u16::MAX as u64;
const CENTRAL: usize = 46;
const LOCAL: u64 = 30;

/// A directory's share of the file; `resnet152` has 0.1 MB of it.
const DIRECTORY: u64 = 1 << 20;
/// What a compressed pickle may unpack to.
const PICKLE: u64 = 8 << 20;

struct Entry {
    start: u64,
    packed: u64,
    size: u64,
    deflated: bool,
}

/// The archive is a directory at its end whose entries lie before it, and one pickle.
pub(super) fn check(source: &Source) -> Result<(), String> {
    let len = source.len();
    let broken = || "its zip directory is broken".to_owned();
    let (offset, size, count) = directory(source).ok_or_else(broken)?;
    if size > DIRECTORY + len / 32 || count.saturating_mul(CENTRAL as u64) > size {
        return Err(broken());
    }
    let bytes = source.bytes(offset, size).map_err(words)?;
    let mut rest = &bytes[..];
    let mut pickles = Vec::new();
    let mut unpacked = 0_u64;
    for _ in 0..count {
        let (entry, name, after) = entry(source, rest, offset).ok_or_else(broken)?;
        let entry = entry?;
        rest = after;
        if entry.deflated {
            unpacked = unpacked.saturating_add(entry.size);
        } else if entry.packed != entry.size {
            return Err(broken());
        }
        if name == b"data.pkl" || name.ends_with(b"/data.pkl") {
            pickles.push(entry);
        }
    }
    if !rest.is_empty() {
        return Err(broken());
    }
    // A deflated archive of weights is a tenth smaller than they are; zeros shrink 1,000-fold.
    if unpacked > len.saturating_mul(4) + (1 << 20) {
        return Err(format!("it would unpack to {unpacked} bytes"));
    }
    let [entry] = &pickles[..] else {
        return Err(format!("it has {} files data.pkl, not one", pickles.len()));
    };
    let packed = source.stream(entry.start, entry.start + entry.packed);
    let allowed = allowance(len);
    if !entry.deflated {
        pickle::scan(&mut { packed }, allowed)?;
    } else if entry.size > PICKLE + len / 4 {
        return Err(format!("its data.pkl would unpack to {} bytes", entry.size));
    } else {
        pickle::scan(&mut BufReader::new(DeflateDecoder::new(packed)), allowed)?;
    }
    Ok(())
}

/// Offset, size and number of entries of the directory.
fn directory(source: &Source) -> Option<(u64, u64, u64)> {
    let len = source.len();
    let tail = len.min(END + COMMENT);
    let bytes = source.bytes(len - tail, tail).ok()?;
    // The only one, so that the reader can take no other.
    let mut ends = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, window)| window == b"PK\x05\x06");
    let (Some((at, _)), None) = (ends.next(), ends.next()) else {
        return None;
    };
    let record = &bytes[at..];
    if END + u16_at(record, 20)? != record.len() as u64 {
        return None;
    }
    let end = len - record.len() as u64;
    let one_disk = u16_at(record, 4)? == 0 && u16_at(record, 6)? == 0;
    let small = (
        u32_at(record, 16)?,
        u32_at(record, 12)?,
        u16_at(record, 10)?,
    );
    if !one_disk || u16_at(record, 8)? != small.2 {
        return None;
    }
    let locator = end.checked_sub(LOCATOR).map(|at| source.bytes(at, LOCATOR));
    let locator = locator.and_then(Result::ok);
    let Some(locator) = locator.filter(|bytes| bytes.starts_with(b"PK\x06\x07")) else {
        return (small.0 + small.1 == end).then_some(small);
    };
    let at = u64_at(&locator, 8)?;
    if at.checked_add(END_64)? != end - LOCATOR {
        return None;
    }
    let record = source.bytes(at, END_64).ok()?;
    let size_of_rest = u64_at(&record, 4)?;
    let large = (
        u64_at(&record, 48)?,
        u64_at(&record, 40)?,
        u64_at(&record, 32)?,
    );
    let agrees = |small: u64, large: u64, most: u64| small == large || small == most;
    let consistent = record.starts_with(b"PK\x06\x06")
        && size_of_rest == END_64 - 12
        && u64_at(&record, 24)? == large.2
        && agrees(small.0, large.0, u32::MAX.into())
        && agrees(small.1, large.1, u32::MAX.into())
        && agrees(small.2, large.2, u16::MAX.into())
        && large.0.checked_add(large.1)? == at;
    consistent.then_some(large)
}

/// The first entry of a directory, its name, and what follows it. `end` is where data ends.
#[expect(clippy::type_complexity, reason = "used once, twenty lines above")]
fn entry<'a>(
    source: &Source,
    directory: &'a [u8],
    end: u64,
) -> Option<(Result<Entry, String>, &'a [u8], &'a [u8])> {
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
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0)?, u16_at(extra, 2)? as usize);
        let field = extra.get(4..4 + length)?;
        if id == 1 {
            let mut at = 0;
            for value in [&mut size, &mut packed, &mut local] {
                if *value == u64::from(u32::MAX) {
                    *value = u64_at(field, at)?;
                    at += 8;
                }
            }
        }
        extra = &extra[4 + length..];
    }

    let deflated = match (u16_at(header, 8)? & 1, u16_at(header, 10)?) {
        (0, 0) => false,
        (0, 8) => true,
        _ => {
            let reason = "an entry is encrypted or packed in an unusual way".to_owned();
            return Some((Err(reason), name, after));
        }
    };
    let header = source.bytes(local, LOCAL).ok()?;
    if !header.starts_with(b"PK\x03\x04") {
        return None;
    }
    let start = local + LOCAL + u16_at(&header, 26)? + u16_at(&header, 28)?;
    if start.checked_add(packed)? > end {
        return None;
    }
    let entry = Entry {
        start,
        packed,
        size,
        deflated,
    };
    Some((Ok(entry), name, after))
}
