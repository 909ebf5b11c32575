//! The size of the resize and the place of the crop, as torchvision computes both.

use super::Preprocess;
use super::pixels::Pixels;
use super::resize::{self, Axis};

/// Resizes the shorter side and cuts out the centre. Only the pixels of the crop are computed, so
/// that an image of 1 x 60,000 pixels needs no more memory than another.
pub(super) fn resized_centre(preprocess: &Preprocess, image: &Pixels) -> Pixels {
    let [height, width] = preprocess.crop;
    let short = image.height.min(image.width);
    // torchvision: `int(size * long / short)`; the shorter side comes out as `size`.
    let resized = |side: usize| preprocess.resize * side / short;
    let rows = window(resized(image.height), height);
    let columns = window(resized(image.width), width);
    let vertical = Axis {
        from: image.height,
        to: resized(image.height),
        first: rows.first,
        kept: rows.kept,
    };
    let horizontal = Axis {
        from: image.width,
        to: resized(image.width),
        first: columns.first,
        kept: columns.kept,
    };
    let inner = resize::resize(image, vertical, horizontal, preprocess.interpolation);
    if rows.kept == height && columns.kept == width {
        return inner;
    }
    let channels = image.channels;
    let mut values = vec![0; height * width * channels];
    for (y, row) in inner
        .values
        .chunks_exact(columns.kept * channels)
        .enumerate()
    {
        let start = ((rows.padding + y) * width + columns.padding) * channels;
        values[start..start + row.len()].copy_from_slice(row);
    }
    Pixels {
        width,
        height,
        channels,
        values,
    }
}

/// One direction of the crop.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    /// Zeros before the image.
    padding: usize,
    /// First pixel of the image that is kept.
    first: usize,
    /// Number of pixels that are kept.
    kept: usize,
}

/// torchvision's `center_crop`: the offset is `int(round((size - crop) / 2))`, and Python rounds
/// halves to even; padding before is rounded down.
fn window(size: usize, crop: usize) -> Window {
    if crop >= size {
        return Window {
            padding: (crop - size) / 2,
            first: 0,
            kept: size,
        };
    }
    let (half, odd) = ((size - crop) / 2, (size - crop) % 2 == 1);
    let up = odd && half % 2 == 1;
    Window {
        padding: 0,
        first: half + usize::from(up),
        kept: crop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_rounds_halves_to_even() {
        // Differences 1, 3, 5, 7, 8: Python's round gives 0, 2, 2, 4, 4.
        for (size, first) in [(225, 0), (227, 2), (229, 2), (231, 4), (232, 4)] {
            assert_eq!(
                window(size, 224),
                Window {
                    padding: 0,
                    first,
                    kept: 224
                },
                "{size}"
            );
        }
    }

    #[test]
    fn a_crop_larger_than_the_image_is_padded() {
        assert_eq!(
            window(5, 8),
            Window {
                padding: 1,
                first: 0,
                kept: 5
            }
        );
        assert_eq!(
            window(8, 8),
            Window {
                padding: 0,
                first: 0,
                kept: 8
            }
        );
    }
}
