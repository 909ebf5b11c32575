//! Eight-bit pixels in one or three channels, converted as Pillow converts them.

use image::{DynamicImage, GrayImage, RgbImage};

/// Rows of pixels, channels last.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) values: Vec<u8>,
}

impl Pixels {
    /// The image in RGB (3 channels) or grey (1 channel), without its alpha.
    pub(super) fn of(image: &DynamicImage, channels: usize) -> Self {
        let rgb = rgb(image);
        let values = match channels {
            1 => rgb
                .chunks_exact(3)
                .map(|pixel| luma([pixel[0], pixel[1], pixel[2]]))
                .collect(),
            _ => rgb,
        };
        Self {
            width: image.width() as usize,
            height: image.height() as usize,
            channels,
            values,
        }
    }

    /// The same pixels as an image of the `image` crate.
    pub(super) fn into_image(self) -> DynamicImage {
        let side = |length: usize| u32::try_from(length).expect("a crop is less than 2^32 wide");
        let (width, height) = (side(self.width), side(self.height));
        let image = match self.channels {
            1 => GrayImage::from_raw(width, height, self.values).map(DynamicImage::from),
            _ => RgbImage::from_raw(width, height, self.values).map(DynamicImage::from),
        };
        image.expect("there are width * height * channels values")
    }
}

/// Alpha is dropped, not blended, and of 16 bits the upper 8 stay, as in Pillow's
/// `convert("RGB")`; the conversions of the `image` crate round differently.
fn rgb(image: &DynamicImage) -> Vec<u8> {
    match image {
        DynamicImage::ImageLuma8(grey) => triple(grey.pixels().map(|pixel| pixel.0[0])),
        DynamicImage::ImageLumaA8(grey) => triple(grey.pixels().map(|pixel| pixel.0[0])),
        DynamicImage::ImageLuma16(grey) => triple(grey.pixels().map(|pixel| high(pixel.0[0]))),
        DynamicImage::ImageLumaA16(grey) => triple(grey.pixels().map(|pixel| high(pixel.0[0]))),
        DynamicImage::ImageRgb8(colour) => colour.as_raw().clone(),
        DynamicImage::ImageRgba8(colour) => colour
            .pixels()
            .flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]])
            .collect(),
        DynamicImage::ImageRgb16(colour) => {
            colour.as_raw().iter().map(|value| high(*value)).collect()
        }
        DynamicImage::ImageRgba16(colour) => colour
            .pixels()
            .flat_map(|pixel| [high(pixel.0[0]), high(pixel.0[1]), high(pixel.0[2])])
            .collect(),
        other => other.to_rgb8().into_raw(),
    }
}

fn triple(grey: impl Iterator<Item = u8>) -> Vec<u8> {
    grey.flat_map(|value| [value; 3]).collect()
}

fn high(value: u16) -> u8 {
    value.to_be_bytes()[0]
}

/// Pillow's `L`: ITU-R 601-2 luma in sixteen-bit fixed point, rounded.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471;
    u8::try_from((sum + 0x8000) >> 16).expect("the factors add up to 2^16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_is_pillows_luma() {
        // Image.new("RGB", (1, 1), colour).convert("L") of Pillow.
        for (colour, grey) in [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255, 255, 255], 255),
            ([12, 34, 56], 30),
        ] {
            assert_eq!(luma(colour), grey, "{colour:?}");
        }
    }
}
