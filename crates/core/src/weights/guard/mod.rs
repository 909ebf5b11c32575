//! What a PyTorch file must fulfil before the reader sees it.
//!
//! `pytorch-reader` 0.22.1 checks every length against the file, but a hostile file still costs
//! it more than the file is worth: a byte of a pickle (`]`, an empty list) becomes an object of
//! a hundred, memo look-ups copy up to a million objects and 64 MiB of text, the names of nested
//! tensors multiply, a deflated `data.pkl` may unpack to gigabytes, a tensor that repeats one
//! number over and over (stride 0) takes up to 10 GiB, sparse entries of a tar archive are read
//! as long as they say, and error messages print whole objects. So the directory and the pickles
//! are walked here first, which allocates next to nothing, and files that would cost more than
//! [`allowance`] are refused.

mod pickle;
mod tar;
mod zip;

use std::io;

use super::source::Source;

/// What all small things of a file may take, whatever its length: far above any real file.
const BASE: u64 = 32 << 20;

/// Bytes that objects may take while a file of `len` bytes is opened.
fn allowance(len: u64) -> u64 {
    BASE + len / 2
}

/// Refuses a file that could hurt the reader; says why.
pub(super) fn check(source: &Source) -> Result<(), String> {
    let head = source.head(TAR_MAGIC + 5).map_err(words)?;
    if head.starts_with(b"PK\x03\x04") {
        zip::check(source)
    } else if is_tar(&head) {
        tar::check(source)
    } else if is_legacy(&head) {
        legacy(source)
    } else {
        // Tensors need storages, and those a container.
        Err("a bare pickle holds no tensor".into())
    }
}

/// Where a tar archive has its magic word.
const TAR_MAGIC: u64 = 257;

pub(super) fn is_tar(head: &[u8]) -> bool {
    head.get(TAR_MAGIC as usize..)
        .is_some_and(|rest| rest.starts_with(b"ustar"))
}

/// 0x1950a86a20f9469cfc6c, somewhere in the first pickle: where depends on its protocol.
fn is_legacy(head: &[u8]) -> bool {
    const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    let start = &head[..head.len().min(64)];
    start.windows(MAGIC.len()).any(|window| window == MAGIC)
}

/// Five pickles (magic number, version, machine, tensors, order of the storages) and raw values.
fn legacy(source: &Source) -> Result<(), String> {
    let len = source.len();
    let mut stream = source.stream(0, len);
    let small = |stream: &mut _| pickle::scan(stream, pickle::SMALL);
    small(&mut stream)?;
    small(&mut stream)?;
    small(&mut stream)?;
    pickle::scan(&mut stream, allowance(len))?;
    let order = pickle::scan(&mut stream, allowance(len))?;
    if order.is_list {
        Ok(())
    } else {
        Err("its list of storages is none".into())
    }
}

fn words(error: io::Error) -> String {
    error.to_string()
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
