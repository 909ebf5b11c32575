//! Pooling with its gradient, on images as they lie.

use super::elementwise::zeros;
use crate::simd::{Kernel, Lanes};
use crate::{Dims, Isa, PadCount, PoolSpec};
use rayon::prelude::*;
use std::ops::Range;

/// Planes that a thread takes at a time, at least.
const PLANES: usize = 4;
/// No tap yet.
const NONE: u32 = u32::MAX;

/// Pooling of inputs of one size, with its gradient.
#[derive(Clone, Copy, Debug)]
pub struct TrainPool {
    isa: Isa,
    spec: PoolSpec,
    input: Dims,
    output: Dims,
}

/// The greatest number of each window, and where it was.
#[derive(Clone, Debug)]
pub struct Maxima {
    /// `[batch, channels, height', width']`.
    pub output: Vec<f32>,
    /// For each of them the pixel of its window, row by row.
    pub taps: Vec<u8>,
}

impl TrainPool {
    /// For inputs of `input`'s dims.
    ///
    /// `None` where the kernels do not take the case: a stride above 3 or windows of more than 255
    /// pixels, no window at all, or one that sees no pixel.
    pub fn new(isa: Isa, spec: PoolSpec, input: Dims) -> Option<Self> {
        let [height, width] = spec.output_size([input.height, input.width]);
        let output = Dims {
            height,
            width,
            ..input
        };
        let taken = spec.kernel[0] * spec.kernel[1] <= usize::from(u8::MAX)
            && spec.stride.iter().all(|it| (1..=3).contains(it));
        let empty = input.plain_len() == 0 || output.plain_len() == 0;
        if !taken || empty {
            return None;
        }
        let corners = [(0, 0), (height - 1, width - 1)];
        let pixels = |(row, column)| spec.window(input, row, column);
        let seen = corners
            .map(pixels)
            .iter()
            .flatten()
            .all(|it| !it.is_empty());
        seen.then_some(Self {
            isa,
            spec,
            input,
            output,
        })
    }

    /// Dims of the input.
    pub fn input(&self) -> Dims {
        self.input
    }

    /// Dims of the output.
    pub fn output(&self) -> Dims {
        self.output
    }

    /// The greatest number of each window of `[batch, channels, height, width]`, the first of equal
    /// ones; NaN counts as greatest.
    ///
    /// # Panics
    ///
    /// If `input` has another length.
    pub fn maxima(&self, input: &[f32]) -> Maxima {
        assert_eq!(input.len(), self.input.plain_len(), "numbers of the input");
        let mut output = zeros(self.output.plain_len());
        let mut taps = vec![0; output.len()];
        output
            .par_chunks_exact_mut(self.output.pixels())
            .zip(taps.par_chunks_exact_mut(self.output.pixels()))
            .zip(input.par_chunks_exact(self.input.pixels()))
            .with_min_len(PLANES)
            .for_each(|((output, taps), input)| {
                self.isa.run(Max {
                    pool: self,
                    input,
                    output,
                    taps,
                });
            });
        Maxima { output, taps }
    }

    /// The gradient of [`maxima`](Self::maxima)' input: each gradient goes to the pixel that was
    /// greatest.
    ///
    /// # Panics
    ///
    /// If `taps` or `gradient` have another length.
    pub fn maxima_gradient(&self, taps: &[u8], gradient: &[f32]) -> Vec<f32> {
        let len = self.output.plain_len();
        assert_eq!(
            [taps.len(), gradient.len()],
            [len; 2],
            "numbers of the output"
        );
        let mut input = zeros(self.input.plain_len());
        input
            .par_chunks_exact_mut(self.input.pixels())
            .zip(gradient.par_chunks_exact(self.output.pixels()))
            .zip(taps.par_chunks_exact(self.output.pixels()))
            .with_min_len(PLANES)
            .for_each(|((input, gradient), taps)| {
                self.isa.run(MaxGradient {
                    pool: self,
                    taps,
                    gradient,
                    input,
                });
            });
        input
    }

    /// The average of each window of `[batch, channels, height, width]`.
    ///
    /// # Panics
    ///
    /// If `input` has another length.
    pub fn averages(&self, count: PadCount, input: &[f32]) -> Vec<f32> {
        assert_eq!(input.len(), self.input.plain_len(), "numbers of the input");
        let shares = self.shares(count);
        let mut output = zeros(self.output.plain_len());
        output
            .par_chunks_exact_mut(self.output.pixels())
            .zip(input.par_chunks_exact(self.input.pixels()))
            .with_min_len(PLANES)
            .for_each(|(output, input)| {
                self.isa.run(Average {
                    pool: self,
                    shares: &shares,
                    input,
                    output,
                });
            });
        output
    }

    /// The gradient of [`averages`](Self::averages)' input.
    ///
    /// # Panics
    ///
    /// If `gradient` has another length.
    pub fn averages_gradient(&self, count: PadCount, gradient: &[f32]) -> Vec<f32> {
        let len = self.output.plain_len();
        assert_eq!(gradient.len(), len, "numbers of the output");
        let shares = self.shares(count);
        let mut input = zeros(self.input.plain_len());
        input
            .par_chunks_exact_mut(self.input.pixels())
            .zip(gradient.par_chunks_exact(self.output.pixels()))
            .with_min_len(PLANES)
            .for_each(|(input, gradient)| {
                self.isa.run(AverageGradient {
                    pool: self,
                    shares: &shares,
                    gradient,
                    input,
                });
            });
        input
    }

    /// What each pixel of a window counts, for each window.
    fn shares(&self, count: PadCount) -> Vec<f32> {
        let pixels = 0..self.output.pixels();
        let share = |pixel: usize| {
            let (row, column) = (pixel / self.output.width, pixel % self.output.width);
            let area = match count {
                PadCount::Include => self.spec.padded_area(self.input, row, column),
                PadCount::Exclude => {
                    let [rows, columns] = self.spec.window(self.input, row, column);
                    rows.len() * columns.len()
                }
            };
            1.0 / area as f32
        };
        pixels.map(share).collect()
    }

    /// Calls `visit(row of the output, tap, columns of the output, pixels of the input)` for each tap of
    /// each row of windows, in the order of rows and taps: every `stride`-th of the pixels is the tap's in
    /// one of the columns.
    #[inline(always)]
    fn taps(&self, mut visit: impl FnMut(usize, usize, Range<usize>, Range<usize>)) {
        let [height, width] = self.spec.kernel;
        for row in 0..self.output.height {
            for i in 0..height {
                let y = (row * self.spec.stride[0] + i).wrapping_sub(self.spec.padding.top);
                if y >= self.input.height {
                    continue;
                }
                for j in 0..width {
                    let (columns, first) = self.columns(j);
                    let start = y * self.input.width;
                    let pixels = start + first.min(self.input.width)..start + self.input.width;
                    visit(row, i * width + j, columns, pixels);
                }
            }
        }
    }

    /// The output's columns that meet a pixel at column `tap` of their windows, and the first such pixel.
    #[inline(always)]
    fn columns(&self, tap: usize) -> (Range<usize>, usize) {
        let (left, stride) = (self.spec.padding.left, self.spec.stride[1]);
        let first = left.saturating_sub(tap).div_ceil(stride);
        let end = (self.input.width + left)
            .saturating_sub(tap)
            .div_ceil(stride);
        let end = end.min(self.output.width);
        let first = first.min(end);
        (first..end, (first * stride + tap).saturating_sub(left))
    }
}

/// Calls `visit` with each number of `numbers` and every `stride`-th of `pixels`.
#[inline(always)]
fn every<A, B: Copy>(
    stride: usize,
    numbers: &mut [A],
    pixels: &[B],
    visit: impl FnMut(&mut A, B) + Copy,
) {
    match stride {
        1 => every_of::<1, A, B>(numbers, pixels, visit),
        2 => every_of::<2, A, B>(numbers, pixels, visit),
        _ => every_of::<3, A, B>(numbers, pixels, visit),
    }
}

#[inline(always)]
fn every_of<const STRIDE: usize, A, B: Copy>(
    numbers: &mut [A],
    pixels: &[B],
    mut visit: impl FnMut(&mut A, B),
) {
    let (groups, rest) = pixels.as_chunks::<STRIDE>();
    let (most, last) = numbers.split_at_mut(groups.len().min(numbers.len()));
    for (number, group) in most.iter_mut().zip(groups) {
        visit(number, group[0]);
    }
    // The last window may end within a group.
    for (number, pixel) in last.iter_mut().zip(rest) {
        visit(number, *pixel);
    }
}

/// The reverse of [`every`]: each of `numbers`, and every `stride`-th of `pixels` to write to.
#[inline(always)]
fn to_every<A: Copy>(
    stride: usize,
    numbers: &[A],
    pixels: &mut [f32],
    visit: impl FnMut(A, &mut f32) + Copy,
) {
    match stride {
        1 => to_every_of::<1, A>(numbers, pixels, visit),
        2 => to_every_of::<2, A>(numbers, pixels, visit),
        _ => to_every_of::<3, A>(numbers, pixels, visit),
    }
}

#[inline(always)]
fn to_every_of<const STRIDE: usize, A: Copy>(
    numbers: &[A],
    pixels: &mut [f32],
    mut visit: impl FnMut(A, &mut f32),
) {
    let (groups, rest) = pixels.as_chunks_mut::<STRIDE>();
    let (most, last) = numbers.split_at(groups.len().min(numbers.len()));
    for (number, group) in most.iter().zip(groups) {
        visit(*number, &mut group[0]);
    }
    for (number, pixel) in last.iter().zip(rest) {
        visit(*number, pixel);
    }
}

/// The maxima of one plane.
struct Max<'a> {
    pool: &'a TrainPool,
    input: &'a [f32],
    output: &'a mut [f32],
    taps: &'a mut [u8],
}

impl Kernel for Max<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            pool,
            input,
            output,
            taps,
        } = self;
        let (width, stride) = (pool.output.width, pool.spec.stride[1]);
        // As wide as the numbers, so that both go through registers alike.
        let mut found = vec![(0.0f32, NONE); width];
        let mut done = 0;
        let mut store = |row: usize, found: &mut [(f32, u32)]| {
            let output = &mut output[row * width..][..width];
            let taps = &mut taps[row * width..][..width];
            for ((output, tap), found) in output.iter_mut().zip(taps).zip(found) {
                (*output, *tap) = (found.0, found.1 as u8);
                *found = (0.0, NONE);
            }
        };
        pool.taps(|row, tap, columns, pixels| {
            if row != done {
                store(done, &mut found);
                done = row;
            }
            every(stride, &mut found[columns], &input[pixels], |best, x| {
                let better = best.1 == NONE || x > best.0 || x.is_nan();
                *best = if better { (x, tap as u32) } else { *best };
            });
        });
        store(done, &mut found);
    }
}

/// The gradient of one plane's maxima.
struct MaxGradient<'a> {
    pool: &'a TrainPool,
    taps: &'a [u8],
    gradient: &'a [f32],
    input: &'a mut [f32],
}

impl Kernel for MaxGradient<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (width, stride) = (self.pool.output.width, self.pool.spec.stride[1]);
        let mut chosen = vec![0.0; width];
        self.pool.taps(|row, tap, columns, pixels| {
            let gradient = &self.gradient[row * width..][..width];
            let pairs = gradient.iter().zip(&self.taps[row * width..][..width]);
            for (chosen, (gradient, of)) in chosen.iter_mut().zip(pairs) {
                *chosen = if *of == tap as u8 { *gradient } else { 0.0 };
            }
            let pixels = &mut self.input[pixels];
            to_every(stride, &chosen[columns], pixels, |it, pixel| *pixel += it);
        });
    }
}

/// The averages of one plane.
struct Average<'a> {
    pool: &'a TrainPool,
    shares: &'a [f32],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Average<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (width, stride) = (self.pool.output.width, self.pool.spec.stride[1]);
        self.pool.taps(|row, _, columns, pixels| {
            let sums = &mut self.output[row * width..][..width];
            let pixels = &self.input[pixels];
            every(stride, &mut sums[columns], pixels, |sum, x| *sum += x);
        });
        for (sum, share) in self.output.iter_mut().zip(self.shares) {
            *sum *= share;
        }
    }
}

/// The gradient of one plane's averages.
struct AverageGradient<'a> {
    pool: &'a TrainPool,
    shares: &'a [f32],
    gradient: &'a [f32],
    input: &'a mut [f32],
}

impl Kernel for AverageGradient<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (width, stride) = (self.pool.output.width, self.pool.spec.stride[1]);
        let mut shared = vec![0.0; self.gradient.len()];
        let pairs = self.gradient.iter().zip(self.shares);
        for (shared, (gradient, share)) in shared.iter_mut().zip(pairs) {
            *shared = gradient * share;
        }
        self.pool.taps(|row, _, columns, pixels| {
            let shared = &shared[row * width..][..width];
            let pixels = &mut self.input[pixels];
            to_every(stride, &shared[columns], pixels, |it, pixel| *pixel += it);
        });
    }
}
