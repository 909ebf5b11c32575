//! Resizing without antialiasing, which samples single points of an image.
//!
//! `nearest` is Pillow's. The others match PyTorch's `interpolate(antialias=False, align_corners=False)` in f32, rounded
//! to eight bits like torchvision's `resize` of a tensor.

use super::Interpolation;
use super::pixels::Pixels;
use super::resize::Axis;

/// Pillow's `NEAREST`. Like `ImagingScaleAffine`, this accumulates the step from the first pixel, because a product
/// would round differently for positions between two pixels.
pub(super) fn nearest(image: &Pixels, vertical: Axis, horizontal: Axis) -> Pixels {
    picked(image, vertical, horizontal, |axis| {
        let step = axis.from as f64 / axis.to as f64;
        let mut place = step * 0.5;
        let mut places = Vec::with_capacity(axis.kept);
        for position in 0..axis.first + axis.kept {
            if position >= axis.first {
                places.push((place as usize).min(axis.from - 1));
            }
            place += step;
        }
        places
    })
}

/// The kept part of the image, sampled as in PyTorch. PyTorch has no [`Interpolation::Lanczos`] and
/// [`Interpolation::Area`] here: `Preprocess::check` refuses them, and this function treats them as bicubic.
pub(super) fn plain(
    image: &Pixels,
    vertical: Axis,
    horizontal: Axis,
    interpolation: Interpolation,
) -> Pixels {
    let taps = match interpolation {
        Interpolation::Nearest => {
            return picked(image, vertical, horizontal, |axis| {
                let scale = axis.from as f32 / axis.to as f32;
                let place = |position: usize| (position as f32 * scale) as usize;
                positions(axis)
                    .map(|at| place(at).min(axis.from - 1))
                    .collect()
            });
        }
        Interpolation::Bilinear => linear,
        Interpolation::Bicubic | Interpolation::Lanczos | Interpolation::Area => cubic,
    };
    let rows: Vec<Taps> = positions(vertical).map(|at| taps(vertical, at)).collect();
    let columns: Vec<Taps> = positions(horizontal)
        .map(|at| taps(horizontal, at))
        .collect();
    let (channels, stride) = (image.channels, image.width * image.channels);
    let mut values = Vec::with_capacity(rows.len() * columns.len() * channels);
    for row in &rows {
        for column in &columns {
            for channel in 0..channels {
                let across = |y: usize| {
                    let line = &image.values[y * stride..][..stride];
                    sum(column, |x| f32::from(line[x * channels + channel]))
                };
                let value = sum(row, across).clamp(0.0, 255.0);
                values.push(value.round_ties_even() as u8);
            }
        }
    }
    Pixels {
        width: horizontal.kept,
        height: vertical.kept,
        channels,
        values,
    }
}

fn positions(axis: Axis) -> std::ops::Range<usize> {
    axis.first..axis.first + axis.kept
}

fn picked(
    image: &Pixels,
    vertical: Axis,
    horizontal: Axis,
    places: impl Fn(Axis) -> Vec<usize>,
) -> Pixels {
    let (rows, columns) = (places(vertical), places(horizontal));
    let channels = image.channels;
    let mut values = Vec::with_capacity(rows.len() * columns.len() * channels);
    for y in rows {
        let line = &image.values[y * image.width * channels..][..image.width * channels];
        for &x in &columns {
            values.extend_from_slice(&line[x * channels..][..channels]);
        }
    }
    Pixels {
        width: horizontal.kept,
        height: vertical.kept,
        channels,
        values,
    }
}

/// Pixels and their weights; unused ones have weight zero.
struct Taps {
    used: usize,
    places: [usize; 4],
    weights: [f32; 4],
}

/// Sums from the last tap to the first with fused multiply-add, as in PyTorch's compiled code on
/// processors that have it. Otherwise one value in 20,000 rounds differently.
fn sum(taps: &Taps, value: impl Fn(usize) -> f32) -> f32 {
    let pairs = taps.places[..taps.used].iter().zip(&taps.weights);
    pairs.rev().fold(0.0, |sum, (&place, &weight)| {
        // An f64 holds the exact product of two f32.
        (f64::from(value(place)) * f64::from(weight) + f64::from(sum)) as f32
    })
}

/// PyTorch's `area_pixel_compute_source_index`.
fn source(axis: Axis, position: usize) -> f32 {
    axis.from as f32 / axis.to as f32 * (position as f32 + 0.5) - 0.5
}

fn linear(axis: Axis, position: usize) -> Taps {
    let place = source(axis, position).max(0.0);
    let first = (place as usize).min(axis.from - 1);
    let second = (first + 1).min(axis.from - 1);
    let after = (place - first as f32).clamp(0.0, 1.0);
    Taps {
        used: 2,
        places: [first, second, 0, 0],
        weights: [1.0 - after, after, 0.0, 0.0],
    }
}

fn cubic(axis: Axis, position: usize) -> Taps {
    /// The cubic coefficient of PyTorch and OpenCV.
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let place = source(axis, position);
    let last = axis.from as isize - 1;
    let first = (place.floor() as isize).min(last);
    let after = (place - first as f32).clamp(0.0, 1.0);
    Taps {
        used: 4,
        places: [-1, 0, 1, 2].map(|offset| (first + offset).clamp(0, last) as usize),
        weights: [
            far(after + 1.0),
            near(after),
            near(1.0 - after),
            far(2.0 - after),
        ],
    }
}
