//! From the bytes of a file to an image.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::Orientation;

/// Bytes that the pixels of one image may take: as RGB, this is the size from which Pillow calls
/// an image a decompression bomb.
const LARGEST: u64 = 512 << 20;

/// The image, or why there is none.
pub(super) fn decode(bytes: &[u8], orientation: Orientation) -> Result<DynamicImage, String> {
    let format = image::guess_format(bytes).map_err(|_| {
        "its content is of no known format; jpeg, png, webp, bmp, gif and tiff can be read"
            .to_owned()
    })?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(LARGEST);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(format!("it has no pixels ({width}x{height})"));
    }
    if decoder.total_bytes() > LARGEST {
        return Err(format!(
            "{width}x{height} pixels are too many; shrink it to less than {} MiB of pixels",
            LARGEST >> 20
        ));
    }
    // The decoder fills what is missing with grey and says nothing.
    if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
        return Err("the file is cut off (its end-of-image marker is missing)".to_owned());
    }
    let turn = match orientation {
        Orientation::Keep => None,
        Orientation::Apply => Some(decoder.orientation().map_err(|error| error.to_string())?),
    };
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    if let Some(turn) = turn {
        image.apply_orientation(turn);
    }
    Ok(image)
}

/// Whether a JPEG has its end-of-image marker (ITU-T T.81, section B.1.1). Segments are skipped
/// by their length, because the thumbnail in the EXIF segment has such a marker too.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (0xff, [0xd9, ..]) => return true,
            // Fill bytes, stuffed zeros, restarts and the start stand alone.
            (0xff, [0xff, ..]) => after,
            (0xff, [0x00 | 0x01 | 0xd0..=0xd8, after @ ..]) => after,
            (0xff, [_, high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                after.get(1 + length..).unwrap_or_default()
            }
            // Compressed data between the markers.
            _ => after,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_marker_within_a_segment_does_not_count() {
        // Start, an application segment of six bytes that holds an end marker, data.
        let inner = [
            0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9, 1, 2, 0xff, 0,
        ];
        assert!(!jpeg_ends(&inner));
        assert!(jpeg_ends(&[&inner[..], &[0xff, 0xd9]].concat()));
    }
}
