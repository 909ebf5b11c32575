//! From the bytes of a file to an image.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::{Orientation, jpeg};

/// Bytes that the pixels of one image may take: as RGB, this is the size from which Pillow calls
/// an image a decompression bomb.
const LARGEST: u64 = 512 << 20;

/// The image, or why there is none.
pub(super) fn decode(bytes: &[u8], orientation: Orientation) -> Result<DynamicImage, String> {
    let format = image::guess_format(bytes).map_err(|_| {
        "its content is of no known format; jpeg, png, webp, bmp, gif and tiff can be read"
            .to_owned()
    })?;
    if format == ImageFormat::Jpeg {
        return jpeg::decode(bytes, orientation, LARGEST);
    }
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
    let turn = match orientation {
        Orientation::Ignore => None,
        Orientation::Apply => Some(decoder.orientation().map_err(|error| error.to_string())?),
    };
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    if let Some(turn) = turn {
        image.apply_orientation(turn);
    }
    Ok(image)
}
