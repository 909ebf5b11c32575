//! Eight-bit pixels in one or three channels, converted as Pillow converts them.

use image::{DynamicImage, GrayImage, RgbImage};

use super::color::high;
use super::resize::{self, Axis};
use super::{Antialias, Interpolation};

/// Eight-bit pixels in one (grey) or three channels (red, green, blue).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) values: Vec<u8>,
}

impl Pixels {
    /// Rows from the top, pixels from the left, `channels` values each.
    ///
    /// # Panics
    ///
    /// If there are not 1 or 3 channels, `values` are not `height * width * channels`, or there is none.
    pub fn new(height: usize, width: usize, channels: usize, values: Vec<u8>) -> Self {
        assert!(
            [1, 3].contains(&channels),
            "pixels have 1 or 3 channels, not {channels}"
        );
        assert!(
            !values.is_empty() && values.len() == height * width * channels,
            "{} values are no {height}x{width} pixels of {channels} channels",
            values.len()
        );
        Self {
            width,
            height,
            channels,
            values,
        }
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of pixels of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of values of a pixel.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All values, row by row, pixel by pixel.
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// An image of the same size whose pixel at `[row, column]` is this one's pixel at
    /// `from(row, column)`, or black where that is none.
    ///
    /// # Panics
    ///
    /// If a place lies outside of the image.
    #[must_use]
    pub fn rearranged(&self, from: impl Fn(usize, usize) -> Option<[usize; 2]>) -> Self {
        let mut values = vec![0; self.values.len()];
        let places = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (y, x)));
        for (pixel, (y, x)) in values.chunks_exact_mut(self.channels).zip(places) {
            if let Some([y, x]) = from(y, x) {
                let start = (y * self.width + x) * self.channels;
                pixel.copy_from_slice(&self.values[start..][..self.channels]);
            }
        }
        Self { values, ..*self }
    }

    /// The rectangle of `[height, width]` pixels whose first pixel is at `[top, left]`.
    ///
    /// # Panics
    ///
    /// If it is empty or reaches out of the image.
    #[must_use]
    pub fn cropped(&self, [top, left]: [usize; 2], [height, width]: [usize; 2]) -> Self {
        assert!(
            height > 0 && width > 0 && top + height <= self.height && left + width <= self.width,
            "no {height}x{width} pixels at {top}, {left} of {}x{}",
            self.height,
            self.width
        );
        let rows = (top..top + height).flat_map(|y| {
            let start = (y * self.width + left) * self.channels;
            &self.values[start..][..width * self.channels]
        });
        Self {
            values: rows.copied().collect(),
            width,
            height,
            channels: self.channels,
        }
    }

    /// The whole image at another size, `[height, width]`, as Pillow resizes it, or PyTorch without antialiasing.
    ///
    /// # Panics
    ///
    /// If a side is 0.
    #[must_use]
    pub fn resized(
        &self,
        [height, width]: [usize; 2],
        interpolation: Interpolation,
        antialias: Antialias,
    ) -> Self {
        assert!(height > 0 && width > 0, "{height}x{width} pixels are none");
        let whole = |from, to| Axis {
            from,
            to,
            first: 0,
            kept: to,
        };
        let (down, right) = (whole(self.height, height), whole(self.width, width));
        resize::resize(self, down, right, interpolation, antialias)
    }

    /// In grey (1) or colour (3), as Pillow converts between them.
    ///
    /// # Panics
    ///
    /// If `channels` is neither.
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Self {
        let values = match (self.channels, channels) {
            (1, 3) => triple(self.values.iter().copied()),
            (3, 1) => grey(&self.values),
            (1, 1) | (3, 3) => return self,
            (from, to) => panic!("images have 1 or 3 channels, not {from} or {to}"),
        };
        Self {
            channels,
            values,
            ..self
        }
    }

    /// The image in RGB (3 channels) or grey (1 channel), without its alpha.
    pub(super) fn of(image: &DynamicImage, channels: usize) -> Self {
        let rgb = rgb(image);
        let values = match channels {
            1 => grey(&rgb),
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
    ///
    /// # Panics
    ///
    /// If a side is 2^32 pixels or longer.
    pub fn into_image(self) -> DynamicImage {
        let side = |length: usize| u32::try_from(length).expect("a crop is less than 2^32 wide");
        let (width, height) = (side(self.width), side(self.height));
        let image = match self.channels {
            1 => GrayImage::from_raw(width, height, self.values).map(DynamicImage::from),
            _ => RgbImage::from_raw(width, height, self.values).map(DynamicImage::from),
        };
        image.expect("there are width * height * channels values")
    }
}

/// Alpha is dropped, not blended, and of 16 bits the upper 8 stay, as in Pillow's `convert("RGB")`; the
/// conversions of the `image` crate round differently. (Files with gray of 16 bits alone are clipped before.)
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

fn grey(rgb: &[u8]) -> Vec<u8> {
    let pixels = rgb.chunks_exact(3);
    pixels
        .map(|pixel| luma([pixel[0], pixel[1], pixel[2]]))
        .collect()
}

fn triple(grey: impl Iterator<Item = u8>) -> Vec<u8> {
    grey.flat_map(|value| [value; 3]).collect()
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
