//! From the bytes of a file to an image.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::pixels::Pixels;
use super::{Orientation, fewbits, gif, icon, jpeg, kinds, pnm, tiff};

/// Bytes that the pixels of one image may take: as RGB, this is the size from which Pillow calls
/// an image a decompression bomb.
const LARGEST: usize = 512 << 20;

/// Decodes an image to RGB (3 channels) or gray (1 channel), without alpha. An error says why that is impossible.
pub(super) fn decode(
    bytes: &[u8],
    orientation: Orientation,
    channels: usize,
) -> Result<Pixels, String> {
    if pnm::is_pnm(bytes) {
        return Ok(pnm::decode(bytes, LARGEST)?.with_channels(channels));
    }
    if tiff::is_tiff(bytes) {
        return tiff::decode(bytes, channels, LARGEST);
    }
    #[cfg(feature = "avif")]
    if kinds::is_avif(bytes) {
        return super::avif::decode(bytes, channels, LARGEST);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Gif) => gif::decode(bytes, channels, LARGEST),
        Ok(ImageFormat::Ico) => {
            let largest = icon::largest(bytes)?;
            let format = match image::guess_format(&largest) {
                Ok(ImageFormat::Png) => ImageFormat::Png,
                _ => ImageFormat::Ico,
            };
            common(&largest, format, orientation, channels)
        }
        Ok(ImageFormat::Jpeg) => {
            let image = jpeg::decode(bytes, orientation, LARGEST as u64)?;
            Ok(Pixels::of(&image, channels))
        }
        Ok(format @ (ImageFormat::Png | ImageFormat::WebP | ImageFormat::Bmp)) => {
            common(bytes, format, orientation, channels)
        }
        Err(_) if is_tga(bytes) => common(bytes, ImageFormat::Tga, orientation, channels),
        _ => Err(kinds::refusal(bytes)),
    }
}

/// Formats that the `image` crate decodes like Pillow.
fn common(
    bytes: &[u8],
    format: ImageFormat,
    orientation: Orientation,
    channels: usize,
) -> Result<Pixels, String> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(LARGEST as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(format!("it has no pixels ({width}x{height})"));
    }
    if decoder.total_bytes() > LARGEST as u64 {
        return Err(too_many(width as usize, height as usize));
    }
    let turn = match orientation {
        Orientation::Keep => None,
        Orientation::Apply => Some(decoder.orientation().map_err(said)?),
    };
    let is_gray = format == ImageFormat::Png && is_deep_gray(bytes);
    let mut image = DynamicImage::from_decoder(decoder).map_err(said)?;
    if is_gray {
        image = clipped(image);
    }
    if let Some(depths) = fewbits::depths(bytes, format) {
        image = fewbits::rescaled(image, depths);
    }
    if let Some(turn) = turn {
        image.apply_orientation(turn);
    }
    Ok(Pixels::of(&image, channels))
}

/// A decoder's error in one line.
fn said(error: image::ImageError) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The error for an image that needs too much memory.
pub(super) fn too_many(width: usize, height: usize) -> String {
    format!(
        "{width}x{height} pixels are too many; shrink it to less than {} MiB of pixels",
        LARGEST >> 20
    )
}

/// Whether a PNG's header says 16-bit gray without alpha; the decoder turns a transparent shade into alpha.
fn is_deep_gray(png: &[u8]) -> bool {
    png.get(24..26) == Some(&[16, 0])
}

/// Clips 16-bit gray at 255, as Pillow's `convert("RGB")` does, because networks were trained on such pixels.
fn clipped(image: DynamicImage) -> DynamicImage {
    let gray = image.into_luma16();
    let (width, height) = gray.dimensions();
    let clip = |x, y| image::Luma([gray.get_pixel(x, y).0[0].min(255) as u8]);
    DynamicImage::from(image::GrayImage::from_fn(width, height, clip))
}

/// Whether bytes look like a TGA file, which has no magic number, by Pillow's checks.
fn is_tga(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<18>() else {
        return false;
    };
    let side = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    header[1] <= 1
        && matches!(header[2], 1 | 2 | 3 | 9 | 10 | 11)
        && side(12) > 0
        && side(14) > 0
        && matches!(header[16], 8 | 16 | 24 | 32)
        && (header[1] == 1) == matches!(header[2], 1 | 9)
}
