//! JPEG files, decoded to the same pixels as in Pillow.

use burn_zoo_jpeg::{Color, Limits};
use image::metadata;
use image::{DynamicImage, GrayImage, RgbImage};

use super::Orientation;

/// Decodes the image. An error says why that is impossible. Its pixels may take `largest` bytes.
pub(super) fn decode(
    bytes: &[u8],
    orientation: Orientation,
    largest: u64,
) -> Result<DynamicImage, String> {
    let limits = Limits {
        pixel_bytes: usize::try_from(largest).unwrap_or(usize::MAX),
    };
    let decoded = burn_zoo_jpeg::decode(bytes, limits).map_err(|error| error.to_string())?;
    let [width, height] = [decoded.width, decoded.height].map(|side| side as u32);
    let image = match decoded.color {
        Color::Gray => GrayImage::from_raw(width, height, decoded.pixels).map(DynamicImage::from),
        Color::Rgb => RgbImage::from_raw(width, height, decoded.pixels).map(DynamicImage::from),
        Color::Cmyk => {
            let pixels = decoded.pixels.as_chunks().0.iter().flat_map(inks).collect();
            RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
        }
    };
    let mut image = image.ok_or("its pixels are incomplete")?;
    if orientation == Orientation::Apply
        && let Ok(header) = burn_zoo_jpeg::header(bytes)
        && let Some(exif) = header.exif
        && let Some(turn) = metadata::Orientation::from_exif_chunk(&exif)
    {
        image.apply_orientation(turn);
    }
    Ok(image)
}

/// Converts four inks to red, green and blue as in Pillow's `convert("RGB")`: each ink removes its share
/// of the white that black leaves, rounded.
fn inks(&[cyan, magenta, yellow, black]: &[u8; 4]) -> [u8; 3] {
    let left = u32::from(255 - black);
    [cyan, magenta, yellow].map(|ink| {
        let product = u32::from(ink) * left + 128;
        (left - (((product >> 8) + product) >> 8)) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_become_the_colors_of_pillow() {
        // Image.new("CMYK", (1, 1), inks).convert("RGB") of Pillow 13.0.0.
        for (ink, color) in [
            ([0, 0, 0, 0], [255, 255, 255]),
            ([255, 0, 128, 0], [0, 255, 127]),
            ([10, 200, 77, 33], [213, 48, 155]),
            ([1, 2, 3, 254], [1, 1, 1]),
            ([129, 64, 250, 100], [77, 116, 3]),
        ] {
            assert_eq!(inks(&ink), color);
        }
    }
}
