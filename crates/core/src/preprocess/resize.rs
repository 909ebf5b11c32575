//! Pillow's resize of eight-bit pixels, which widens its filters when an image shrinks.
//!
//! The arithmetic is that of Pillow's `Resample.c`: weights in double precision, rounded to 22
//! bits, eight bits between the passes; the tests find no value that differs.
//! `fast_image_resize` has 16-bit weights and goes down the columns first: on the test photograph
//! 18 to 21 % of the values differ, by up to 8. One direction at a time it comes close (0.3 %),
//! but resizes whole images, where the crop is all that is needed.

use std::ops::Range;

use super::pixels::Pixels;
use super::{Antialias, Interpolation, sample};

/// Pillow's `PRECISION_BITS`: 32 bits less 8 of the value and 2 for sums outside of it.
const PRECISION: u32 = 32 - 8 - 2;

/// One direction of a resize of which only a part is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Pixels before.
    pub(super) from: usize,
    /// Pixels after.
    pub(super) to: usize,
    /// First pixel that is kept.
    pub(super) first: usize,
    /// Number of pixels that are kept.
    pub(super) kept: usize,
}

/// The kept part of the resized image.
pub(super) fn resize(
    image: &Pixels,
    vertical: Axis,
    horizontal: Axis,
    interpolation: Interpolation,
    antialias: Antialias,
) -> Pixels {
    match (antialias, interpolation) {
        (Antialias::Off, _) => sample::plain(image, vertical, horizontal, interpolation),
        (Antialias::On, Interpolation::Nearest) => sample::nearest(image, vertical, horizontal),
        (Antialias::On, _) => filtered(image, vertical, horizontal, interpolation),
    }
}

/// An unchanged axis gets a single weight of one, which has no effect.
fn filtered(
    image: &Pixels,
    vertical: Axis,
    horizontal: Axis,
    interpolation: Interpolation,
) -> Pixels {
    let rows = taps(vertical, interpolation);
    let columns = taps(horizontal, interpolation);
    let channels = image.channels;
    let stride = image.width * channels;
    let squeeze_rows = match channels {
        1 => squeeze_rows::<1>,
        _ => squeeze_rows::<3>,
    };
    let values = if is_vertical_first(vertical, horizontal) {
        let used = reached(&columns);
        let low = squeeze_columns(
            &image.values,
            stride,
            [used.start * channels, used.end * channels],
            0,
            &rows,
        );
        squeeze_rows(&low, used.len() * channels, used.start, &columns)
    } else {
        let used = reached(&rows);
        let values = &image.values[used.start * stride..used.end * stride];
        let narrow = squeeze_rows(values, stride, 0, &columns);
        let stride = horizontal.kept * channels;
        squeeze_columns(&narrow, stride, [0, stride], used.start, &rows)
    };
    Pixels {
        width: horizontal.kept,
        height: vertical.kept,
        channels,
        values,
    }
}

/// Whether to resize vertically first, as Pillow 13 does when its estimate of the work is lower that way. The order
/// affects the result, because intermediate values have eight bits. The rule was found by experiment: it matches for
/// all of 4,000 random sizes.
fn is_vertical_first(vertical: Axis, horizontal: Axis) -> bool {
    let less = |axis: Axis| axis.from as i128 - axis.to as i128;
    less(vertical) > 0 && less(vertical) > 2 * less(horizontal)
}

/// The weighted pixels along one axis.
fn reached(taps: &[Taps]) -> Range<usize> {
    let start = taps.iter().map(|tap| tap.start).min().unwrap_or(0);
    let end = taps.iter().map(|tap| tap.start + tap.weights.len()).max();
    start..end.unwrap_or(start)
}

/// `rows` begin with column `left` of the image.
fn squeeze_rows<const CHANNELS: usize>(
    rows: &[u8],
    stride: usize,
    left: usize,
    columns: &[Taps],
) -> Vec<u8> {
    let mut values = Vec::with_capacity(rows.len() / stride * columns.len() * CHANNELS);
    for row in rows.chunks_exact(stride) {
        for Taps { start, weights } in columns {
            let mut sums = [HALF; CHANNELS];
            let pixels = row[(start - left) * CHANNELS..].chunks_exact(CHANNELS);
            for (pixel, weight) in pixels.zip(weights) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*value) * weight;
                }
            }
            values.extend(sums.map(clip));
        }
    }
    values
}

/// `rows` begin with row `top` of the image; of each, the values from `first` to `last` are used.
fn squeeze_columns(
    rows: &[u8],
    stride: usize,
    [first, last]: [usize; 2],
    top: usize,
    taps: &[Taps],
) -> Vec<u8> {
    let mut values = Vec::with_capacity(taps.len() * (last - first));
    let mut sums = vec![HALF; last - first];
    for Taps { start, weights } in taps {
        sums.fill(HALF);
        let used = rows[(start - top) * stride..].chunks_exact(stride);
        for (row, weight) in used.zip(weights) {
            for (sum, value) in sums.iter_mut().zip(&row[first..last]) {
                *sum += i32::from(*value) * weight;
            }
        }
        values.extend(sums.iter().copied().map(clip));
    }
    values
}

const HALF: i32 = 1 << (PRECISION - 1);

fn clip(sum: i32) -> u8 {
    u8::try_from((sum >> PRECISION).clamp(0, 255)).expect("0 to 255 fit")
}

/// The weights of neighbouring pixels that make one pixel.
#[derive(Debug)]
struct Taps {
    start: usize,
    weights: Vec<i32>,
}

/// Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`.
fn taps(axis: Axis, interpolation: Interpolation) -> Vec<Taps> {
    let scale = axis.from as f64 / axis.to as f64;
    let widened = scale.max(1.0);
    let support = widened * reach(interpolation);
    let tap = |position: usize| {
        let centre = (position as f64 + 0.5) * scale;
        // A cast of a float truncates and stops at zero, as Pillow's code does.
        let start = (centre - support + 0.5) as usize;
        let end = ((centre + support + 0.5) as usize).min(axis.from);
        let raw: Vec<f64> = (start..end)
            .map(|pixel| {
                filter(
                    (pixel as f64 - centre + 0.5) * (1.0 / widened),
                    interpolation,
                )
            })
            .collect();
        let sum: f64 = raw.iter().sum();
        let fixed = |weight: &f64| (weight / sum * f64::from(1 << PRECISION)).round() as i32;
        Taps {
            start,
            weights: raw.iter().map(fixed).collect(),
        }
    };
    (axis.first..axis.first + axis.kept).map(tap).collect()
}

/// Pixels to each side at which the filter becomes zero.
fn reach(interpolation: Interpolation) -> f64 {
    match interpolation {
        Interpolation::Nearest | Interpolation::Area => 0.5,
        Interpolation::Bilinear => 1.0,
        Interpolation::Bicubic => 2.0,
        Interpolation::Lanczos => 3.0,
    }
}

fn filter(distance: f64, interpolation: Interpolation) -> f64 {
    /// Of Keys 1981, "Cubic convolution interpolation", equation 4; Pillow's choice.
    const A: f64 = -0.5;
    let x = distance.abs();
    match interpolation {
        // A pixel on the border belongs to one side alone.
        Interpolation::Nearest | Interpolation::Area => {
            f64::from(u8::from(distance > -0.5 && distance <= 0.5))
        }
        Interpolation::Bilinear => (1.0 - x).max(0.0),
        Interpolation::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        Interpolation::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        Interpolation::Bicubic => 0.0,
        Interpolation::Lanczos if (-3.0..3.0).contains(&distance) => {
            sinc(distance) * sinc(distance / 3.0)
        }
        Interpolation::Lanczos => 0.0,
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let turned = x * std::f64::consts::PI;
    turned.sin() / turned
}
