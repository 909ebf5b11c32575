//! The size of the resize and the place of the crop, as torchvision computes both.

use super::Preprocess;
use super::pixels::Pixels;
use super::resize::{self, Axis};

/// Resizes and crops the center. Only the pixels of the crop are computed, so
/// that an image of 1 x 60,000 pixels needs no more memory than another.
pub(super) fn resized_centre(preprocess: &Preprocess, image: &Pixels) -> Pixels {
    resized_at(preprocess, image, [Place::Centre; 2])
}

/// The corners and the center of the image and of the mirrored image, padded first if the resize pads.
pub(super) fn ten(preprocess: &Preprocess, image: &Pixels) -> [Pixels; 10] {
    let [crop_height, crop_width] = preprocess.crop;
    if let Some([height, width]) = preprocess.resize.least() {
        assert!(
            crop_height <= height && crop_width <= width,
            "ten crops of {crop_height}x{crop_width} pixels do not fit an image of {height}x{width}"
        );
    }
    let at = |place| resized_at(preprocess, image, place);
    let corners = [
        [Place::Start, Place::Start],
        [Place::Start, Place::End],
        [Place::End, Place::Start],
        [Place::End, Place::End],
    ]
    .map(at);
    let [top_left, top_right, bottom_left, bottom_right] = corners.each_ref().map(mirror);
    let [first, second, third, fourth] = corners;
    [
        first,
        second,
        third,
        fourth,
        at([Place::Centre, Place::Centre]),
        // The left of the mirrored image is the right of this one.
        top_right,
        top_left,
        bottom_right,
        bottom_left,
        mirror(&at([Place::Centre, Place::MirroredCentre])),
    ]
}

fn mirror(image: &Pixels) -> Pixels {
    image.rearranged(|y, x| Some([y, image.width - 1 - x]))
}

fn resized_at(preprocess: &Preprocess, image: &Pixels, [down, right]: [Place; 2]) -> Pixels {
    let [height, width] = preprocess.crop;
    let [resized_height, resized_width] = preprocess.resize.of([image.height, image.width]);
    let rows = down.window(resized_height, height);
    let columns = right.window(resized_width, width);
    let vertical = Axis {
        from: image.height,
        to: resized_height,
        first: rows.first,
        kept: rows.kept,
    };
    let horizontal = Axis {
        from: image.width,
        to: resized_width,
        first: columns.first,
        kept: columns.kept,
    };
    let inner = resize::resize(
        image,
        vertical,
        horizontal,
        preprocess.interpolation,
        preprocess.antialias,
    );
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

/// Where along one direction a crop lies.
#[derive(Clone, Copy, Debug)]
enum Place {
    Start,
    Centre,
    /// The centre of the mirrored image: one pixel from the centre where halves are rounded.
    MirroredCentre,
    End,
}

impl Place {
    fn window(self, size: usize, crop: usize) -> Window {
        let centre = window(size, crop);
        let first = match self {
            Self::Start => 0,
            Self::Centre => centre.first,
            Self::MirroredCentre => size - centre.kept - centre.first,
            Self::End => size - centre.kept,
        };
        Window { first, ..centre }
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
