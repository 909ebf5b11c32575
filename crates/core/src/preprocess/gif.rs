//! The first frame of a GIF file.
//!
//! The `gif` crate decodes the indices. The rest follows Pillow, which differs from the `image` crate: a frame smaller
//! than the screen is surrounded by the transparent color, or the first color, and a larger one enlarges the screen.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use super::decode::too_many;
use super::pixels::Pixels;

/// Decodes the image. An error says why that is impossible. `most` limits its size in bytes.
pub(super) fn decode(bytes: &[u8], channels: usize, most: usize) -> Result<Pixels, String> {
    let said = |error: DecodingError| error.to_string();
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    if let Some(most) = std::num::NonZeroU64::new(most as u64) {
        options.set_memory_limit(MemoryLimit::Bytes(most));
    }
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(said)?;
    let [height, width] = [decoder.height(), decoder.width()].map(usize::from);
    if height == 0 || width == 0 {
        return Err(format!("it has no pixels ({width}x{height})"));
    }
    let shared = decoder.global_palette().map(<[u8]>::to_vec);
    let frame = decoder.read_next_frame().map_err(said)?;
    let frame = frame.ok_or("it has no image")?;
    let [top, left, rows, columns] =
        [frame.top, frame.left, frame.height, frame.width].map(usize::from);
    if rows == 0 || columns == 0 {
        return Err(format!("its first frame has no pixels ({columns}x{rows})"));
    }
    let (height, width) = (height.max(top + rows), width.max(left + columns));
    if height * width * 3 > most {
        return Err(too_many(width, height));
    }
    let palette = frame.palette.as_ref().or(shared.as_ref());
    let color = |index: u8| {
        let at = usize::from(index) * 3;
        let known = palette.and_then(|palette| palette.get(at..at + 3));
        // Pillow's palettes are initially gray ramps.
        known.map_or([index; 3], |known| [known[0], known[1], known[2]])
    };
    let around = color(frame.transparent.unwrap_or(0));
    let mut values = around.repeat(height * width);
    for (y, row) in frame.buffer.chunks_exact(columns).enumerate() {
        let start = ((top + y) * width + left) * 3;
        let line = &mut values[start..start + columns * 3];
        for (pixel, index) in line.chunks_exact_mut(3).zip(row) {
            pixel.copy_from_slice(&color(*index));
        }
    }
    Ok(Pixels::new(height, width, 3, values).with_channels(channels))
}
