//! Edits the directory of a TIFF file for the `tiff` crate.

/// The first directory's `PhotometricInterpretation`, and the file with gray instead of it, so that the `tiff` crate
/// returns raw samples. Otherwise the crate refuses palettes, drops extra samples and inverts some values.
pub(super) fn as_gray(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    const PHOTOMETRIC: u64 = 262;
    const BLACK_IS_ZERO: u16 = 1;
    let is_little = bytes.first()? == &b'I';
    let number = |at: usize, length: usize| -> Option<u64> {
        let digits = bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if is_little {
            digits.iter().rev().fold(0, add)
        } else {
            digits.iter().fold(0, add)
        })
    };
    // Classic files have 32-bit offsets, BigTIFF files 64-bit ones: place of the first directory, widths of an offset, of
    // the number of entries and of an entry.
    let (first, offset, count, entry) = match number(2, 2)? {
        43 => (8, 8, 8, 20),
        _ => (4, 4, 2, 12),
    };
    let directory = usize::try_from(number(first, offset)?).ok()?;
    let entries = usize::try_from(number(directory, count)?).ok()?;
    let start = directory.checked_add(count)?;
    let found = (0..entries.min(0xffff))
        .map(|index| start + index * entry)
        .find(|at| number(*at, 2) == Some(PHOTOMETRIC))?;
    let value = found + 4 + offset;
    let photometric = u16::try_from(number(value, 2)?).ok()?;
    let gray = if is_little {
        BLACK_IS_ZERO.to_le_bytes()
    } else {
        BLACK_IS_ZERO.to_be_bytes()
    };
    let mut changed = bytes.to_vec();
    changed.get_mut(value..value + 2)?.copy_from_slice(&gray);
    Some((photometric, changed))
}
