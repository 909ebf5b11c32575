//! Pooling, as Burn and PyTorch define it.

use crate::simd::{Kernel, Lanes, block};
use crate::{Dims, Isa, LANES, View, ViewMut};
use rayon::prelude::*;
use std::ops::Range;

/// Zeros around an image, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The same above and below, and the same left and right.
    pub const fn symmetric([height, width]: [usize; 2]) -> Self {
        Self {
            top: height,
            left: width,
            bottom: height,
            right: width,
        }
    }

    /// `[height, width]` of an image with its padding.
    ///
    /// # Panics
    ///
    /// If it is wider than can be counted.
    pub fn around(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let sum = |parts: [usize; 3]| {
            let sum = parts.into_iter().try_fold(0_usize, usize::checked_add);
            sum.expect("padding is not wider than can be counted")
        };
        [
            sum([height, self.top, self.bottom]),
            sum([width, self.left, self.right]),
        ]
    }
}

/// What happens to the last window where the stride does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// A window must lie inside the padded image.
    #[default]
    Floor,
    /// A last window may reach beyond it, if it starts inside the image or its leading padding
    /// (`ceil_mode`).
    Ceil,
}

/// By what an average is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PadCount {
    /// The pixels of the window inside the padded image (`count_include_pad`).
    Include,
    /// The pixels of the window inside the image.
    Exclude,
}

/// The windows of a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolSpec {
    /// `[height, width]` of a window.
    pub kernel: [usize; 2],
    /// `[rows, columns]` from one window to the next.
    pub stride: [usize; 2],
    /// Around the image; windows of a maximum skip it.
    pub padding: Padding,
    /// The last window.
    pub rounding: Rounding,
}

impl PoolSpec {
    /// The grid of windows over an image of `[height, width]`.
    ///
    /// # Panics
    ///
    /// If kernel or stride are zero.
    pub fn output_size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        [
            self.output_len(0, height, top, bottom),
            self.output_len(1, width, left, right),
        ]
    }

    fn output_len(&self, axis: usize, len: usize, before: usize, after: usize) -> usize {
        let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
        assert!(kernel > 0 && stride > 0, "kernel and stride are positive");
        let padded = len + before + after;
        match self.rounding {
            Rounding::Floor if padded < kernel => 0,
            Rounding::Floor => (padded - kernel) / stride + 1,
            Rounding::Ceil => {
                let windows = padded.saturating_sub(kernel).div_ceil(stride) + 1;
                if (windows - 1) * stride >= len + before {
                    windows - 1
                } else {
                    windows
                }
            }
        }
    }

    fn check(&self, input: Dims, output: Dims) {
        let [height, width] = self.output_size([input.height, input.width]);
        assert_eq!(
            output,
            Dims {
                height,
                width,
                ..input
            },
            "output of {self:?} on {input:?}",
        );
    }

    /// The rows and columns of the image in the window of one output pixel.
    pub(crate) fn window(&self, dims: Dims, row: usize, column: usize) -> [Range<usize>; 2] {
        let range = |axis: usize, index: usize, before: usize, len: usize| {
            let start = index * self.stride[axis];
            let end = (start + self.kernel[axis]).saturating_sub(before).min(len);
            start.saturating_sub(before).min(end)..end
        };
        [
            range(0, row, self.padding.top, dims.height),
            range(1, column, self.padding.left, dims.width),
        ]
    }

    /// The pixels of that window inside the padded image.
    pub(crate) fn padded_area(&self, dims: Dims, row: usize, column: usize) -> usize {
        let len = |axis: usize, index: usize, padded: usize| {
            let start = index * self.stride[axis];
            (start + self.kernel[axis])
                .min(padded)
                .saturating_sub(start)
        };
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        len(0, row, dims.height + top + bottom) * len(1, column, dims.width + left + right)
    }
}

/// The greatest number of each window; NaN if one of them is NaN.
///
/// # Panics
///
/// If `output` has other dims than batch and channels of the input and [`PoolSpec::output_size`].
pub fn max_pool(isa: Isa, input: View<'_>, mut output: ViewMut<'_>, spec: &PoolSpec) {
    let (dims, to) = (input.dims(), output.dims());
    spec.check(dims, to);
    output.planes().for_each(|(image, i, plane)| {
        isa.run(Maxima {
            spec,
            dims,
            input: input.plane(image, i),
            width: to.width,
            output: plane,
        });
    });
}

struct Maxima<'a> {
    spec: &'a PoolSpec,
    dims: Dims,
    input: &'a [f32],
    width: usize,
    output: &'a mut [f32],
}

impl Kernel for Maxima<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (pixels, _) = self.output.as_chunks_mut::<LANES>();
        for (pixel, out) in pixels.iter_mut().enumerate() {
            let (row, column) = (pixel / self.width, pixel % self.width);
            let [rows, columns] = self.spec.window(self.dims, row, column);
            let mut max = L::splat(f32::NEG_INFINITY);
            for row in rows {
                for column in columns.clone() {
                    let start = (row * self.dims.width + column) * LANES;
                    max = L::load(block(self.input, start)).max(max);
                }
            }
            max.store(out);
        }
    }
}

/// The mean of each window.
///
/// # Panics
///
/// If `output` has other dims than batch and channels of the input and [`PoolSpec::output_size`].
pub fn average_pool(
    isa: Isa,
    input: View<'_>,
    mut output: ViewMut<'_>,
    spec: &PoolSpec,
    count: PadCount,
) {
    let (dims, to) = (input.dims(), output.dims());
    spec.check(dims, to);
    output.planes().for_each(|(image, i, plane)| {
        isa.run(Means {
            input: input.plane(image, i),
            input_width: dims.width,
            windows: |row, column| {
                let window = spec.window(dims, row, column);
                let area = match count {
                    PadCount::Include => spec.padded_area(dims, row, column),
                    PadCount::Exclude => window[0].len() * window[1].len(),
                };
                (window, area)
            },
            width: to.width,
            output: plane,
        });
    });
}

/// Means of windows: the pixels of each output pixel's window, and by what their sum is divided.
struct Means<'a, Windows> {
    input: &'a [f32],
    input_width: usize,
    windows: Windows,
    width: usize,
    output: &'a mut [f32],
}

impl<Windows> Kernel for Means<'_, Windows>
where
    Windows: Fn(usize, usize) -> ([Range<usize>; 2], usize),
{
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (pixels, _) = self.output.as_chunks_mut::<LANES>();
        for (pixel, out) in pixels.iter_mut().enumerate() {
            let (window, area) = (self.windows)(pixel / self.width, pixel % self.width);
            let [rows, columns] = window;
            let mut sum = L::splat(0.0);
            for row in rows {
                for column in columns.clone() {
                    let start = (row * self.input_width + column) * LANES;
                    sum = L::load(block(self.input, start)).add(sum);
                }
            }
            sum.mul(L::splat(1.0 / area.max(1) as f32)).store(out);
        }
    }
}

/// The mean of each cell of an even grid, whose cells may overlap by one pixel
/// (`AdaptiveAvgPool2d`); the grid is that of `output`.
///
/// # Panics
///
/// If batch or channels differ.
pub fn adaptive_average_pool(isa: Isa, input: View<'_>, mut output: ViewMut<'_>) {
    let (dims, to) = (input.dims(), output.dims());
    assert_eq!(
        [dims.batch, dims.channels],
        [to.batch, to.channels],
        "batch and channels"
    );
    let cell = |index: usize, cells: usize, len: usize| {
        index * len / cells..((index + 1) * len).div_ceil(cells)
    };
    output.planes().for_each(|(image, i, plane)| {
        isa.run(Means {
            input: input.plane(image, i),
            input_width: dims.width,
            windows: |row, column| {
                let rows = cell(row, to.height, dims.height);
                let columns = cell(column, to.width, dims.width);
                let area = rows.len() * columns.len();
                ([rows, columns], area)
            },
            width: to.width,
            output: plane,
        });
    });
}

/// The mean of each channel, to `[batch, channels]` row by row without padding.
///
/// # Panics
///
/// If `output` has not batch times channels numbers.
pub fn global_average_pool(isa: Isa, input: View<'_>, output: &mut [f32]) {
    let dims = input.dims();
    assert_eq!(
        output.len(),
        dims.batch * dims.channels,
        "means of {dims:?}"
    );
    let whole = [0..dims.height, 0..dims.width];
    output
        .par_chunks_mut(dims.channels.max(1))
        .enumerate()
        .for_each(|(image, means)| {
            means
                .par_chunks_mut(LANES)
                .enumerate()
                .for_each(|(i, means)| {
                    let mut mean = [0.0; LANES];
                    isa.run(Means {
                        input: input.plane(image, i),
                        input_width: dims.width,
                        windows: |_, _| (whole.clone(), dims.pixels()),
                        width: 1,
                        output: &mut mean,
                    });
                    means.copy_from_slice(&mean[..means.len()]);
                });
        });
}
