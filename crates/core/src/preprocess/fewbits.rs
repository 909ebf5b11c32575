//! BMP and TGA files with 16 bits per pixel: to scale five and six bits to eight, Pillow truncates and the `image`
//! crate rounds.

use image::{DynamicImage, ImageFormat};

/// The bit widths of red, green and blue, if each is five or six.
pub(super) fn depths(bytes: &[u8], format: ImageFormat) -> Option<[u32; 3]> {
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    match format {
        ImageFormat::Tga
            if matches!((bytes.get(2), bytes.get(16)), (Some(2 | 10), Some(15 | 16))) =>
        {
            Some([5; 3])
        }
        ImageFormat::Bmp if bytes.get(28..30) == Some(&[16, 0]) => {
            // 3: the masks of the colors follow.
            if number(30)? != 3 {
                return Some([5; 3]);
            }
            let depths = [number(54)?, number(58)?, number(62)?].map(u32::count_ones);
            depths
                .iter()
                .all(|bits| (5..=6).contains(bits))
                .then_some(depths)
        }
        _ => None,
    }
}

/// The image with its colors scaled as in Pillow.
pub(super) fn rescaled(image: DynamicImage, depths: [u32; 3]) -> DynamicImage {
    let mut rgb = image.into_rgb8();
    for pixel in rgb.pixels_mut() {
        for (value, bits) in pixel.0.iter_mut().zip(depths) {
            let white = (1_u32 << bits) - 1;
            let stored = (u32::from(*value) * white + 127) / 255;
            *value = u8::try_from(stored * 255 / white).unwrap_or(u8::MAX);
        }
    }
    DynamicImage::from(rgb)
}
