//! The image in an icon file that Pillow opens.

/// Bytes of an entry in an icon's directory, and of the header before the first.
const ENTRY: usize = 16;
const HEADER: usize = 6;

/// The largest image in an icon file, as a PNG or as an icon file with only this image. Among equally large ones, the
/// one with the fewest colors. The `image` crate would prefer the most colors over the largest size.
pub(super) fn largest(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let broken = || "its image directory is cut off".to_owned();
    let word = |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let count = usize::from(word(4).ok_or_else(broken)?);
    let mut best: Option<(&[u8], (u32, u32))> = None;
    for index in 0..count {
        let start = HEADER + index * ENTRY;
        let entry = bytes.get(start..start + ENTRY).ok_or_else(broken)?;
        // 0 stands for 256.
        let side = |at: usize| (u32::from(entry[at]) + 255) % 256 + 1;
        let bits = match (u16::from_le_bytes([entry[6], entry[7]]), entry[2]) {
            (0, 0) => 256,
            (0, colors) => u32::from(colors).ilog2(),
            (bits, _) => u32::from(bits),
        };
        let rank = (side(0) * side(1), u32::MAX - bits);
        if best.is_none_or(|(_, known)| rank > known) {
            best = Some((entry, rank));
        }
    }
    let (entry, _) = best.ok_or("it has no image")?;
    let number = |at: usize| {
        u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]) as usize
    };
    let (length, start) = (number(8), number(12));
    let picture = start
        .checked_add(length)
        .and_then(|end| bytes.get(start..end))
        .ok_or("its image is cut off")?;
    if picture.starts_with(b"\x89PNG") {
        return Ok(picture.to_vec());
    }
    let offset = u32::try_from(HEADER + ENTRY).unwrap_or(u32::MAX);
    let parts = [
        &[0, 0, 1, 0, 1, 0],
        &entry[..12],
        &offset.to_le_bytes(),
        picture,
    ];
    Ok(parts.concat())
}
