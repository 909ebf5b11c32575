//! The archive of PyTorch before 0.1.10: four files in a tar archive.

use std::io::{self, BufRead, Read as _};

use super::{allowance, pickle, words};
use crate::weights::source::Source;

const BLOCK: u64 = 512;
/// The longest extended header that we look into.
const EXTENDED: u64 = 64 << 10;

/// Entries are plain files, folders and small extended headers, each inside the archive.
pub(super) fn check(source: &Source) -> Result<(), String> {
    let len = source.len();
    let broken = || "its tar archive is broken".to_owned();
    let mut at = 0;
    let mut left = allowance(len);
    while at + BLOCK <= len {
        let header = source.bytes(at, BLOCK).map_err(words)?;
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let size = octal(&header[124..136]).ok_or_else(broken)?;
        let start = at + BLOCK;
        let end = start.checked_add(size).filter(|&end| end <= len);
        let end = end.ok_or_else(broken)?;
        match header[156] {
            b'0' | 0 => left = file(source, name(&header), start..end, left)?,
            b'5' => {}
            // A pax header may turn the next entry into a sparse one, which the reader would
            // unpack to any size, or give it another name or length.
            b'x' | b'g' if size <= EXTENDED => {
                let text = source.bytes(start, size).map_err(words)?;
                let holds = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
                if holds(b"GNU.sparse") || holds(b"size=") || holds(b"path=") {
                    return Err(broken());
                }
            }
            _ => return Err("its tar archive has an entry that PyTorch does not write".into()),
        }
        at = start + size.div_ceil(BLOCK) * BLOCK;
    }
    Ok(())
}

fn name(header: &[u8]) -> &[u8] {
    let name = &header[..100];
    let end = name.iter().position(|&byte| byte == 0);
    let name = &name[..end.unwrap_or(name.len())];
    let from = name.iter().position(|&byte| byte != b'.' && byte != b'/');
    &name[from.unwrap_or(0)..]
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(['\0', ' ']);
    if text.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(text, 8).ok()
}

/// The pickles of one of the four files; what they leave of the allowance `left`.
fn file(
    source: &Source,
    name: &[u8],
    range: std::ops::Range<u64>,
    left: u64,
) -> Result<u64, String> {
    let mut stream = source.stream(range.start, range.end);
    let mut left = left;
    match name {
        b"sys_info" => {
            pickle::scan(&mut stream, pickle::SMALL)?;
        }
        b"pickle" => left -= pickle::scan(&mut stream, left)?.bytes,
        b"storages" | b"tensors" => {
            // A number, then so many descriptions with binary data behind each. What an entry
            // leaves in the reader's tables is charged below.
            let count = pickle::scan(&mut stream, pickle::SMALL)?;
            for _ in 0..count.number.unwrap_or(0) {
                let entry = pickle::scan(&mut stream, pickle::SMALL)?;
                left = left
                    .checked_sub(pickle::TENSOR)
                    .ok_or("it has too many tensors")?;
                let data = if name == b"storages" {
                    let width = width(&entry.global).ok_or("a storage has an unknown type")?;
                    number(&mut stream)?.checked_mul(width)
                } else {
                    // Rank, four bytes of nothing, sizes, strides and an offset.
                    let mut rank = [0; 8];
                    stream.read_exact(&mut rank).map_err(words)?;
                    (u64::from(rank[0]) * 2 + 1).checked_mul(8)
                };
                let data = data.ok_or("a storage is too long")?;
                let skipped = io::copy(&mut (&mut stream).take(data), &mut io::sink());
                if skipped.map_err(words)? != data {
                    return Err("a storage is cut off".into());
                }
            }
            if name == b"storages" {
                let views = pickle::scan(&mut stream, left)?;
                left -= views.bytes;
                if !views.is_list {
                    return Err("its list of views is none".into());
                }
            }
        }
        _ => {}
    }
    Ok(left)
}

fn number(stream: &mut impl BufRead) -> Result<u64, String> {
    let mut bytes = [0; 8];
    stream.read_exact(&mut bytes).map_err(words)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Bytes of one element, by the name of PyTorch's storage class.
fn width(class: &str) -> Option<u64> {
    Some(match class {
        "DoubleStorage" | "LongStorage" => 8,
        "FloatStorage" | "IntStorage" => 4,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "CharStorage" | "ByteStorage" | "BoolStorage" => 1,
        _ => return None,
    })
}
