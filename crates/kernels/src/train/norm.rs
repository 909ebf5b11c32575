//! Batch norm in training (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1), and its gradients
//! (section 3).
//!
//! A task takes one channel through all passes, so that its pixels stay in the cache.
#![allow(unsafe_code, reason = "the planes of a channel lie apart")]

use super::elementwise::zeros;
use super::sum::Total;
use crate::simd::{Kernel, Lanes};
use crate::tile::Shared;
use crate::{Dims, Isa, LANES};
use rayon::prelude::*;

/// What batch norm makes of a batch.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// `[batch, channels, height, width]`.
    pub output: Vec<f32>,
    /// `[channels]`.
    pub mean: Vec<f32>,
    /// `[channels]`, biased.
    pub variance: Vec<f32>,
}

/// Gradients of a batch norm's arguments.
#[derive(Clone, Debug)]
pub struct BatchNormGradients {
    /// `[batch, channels, height, width]`.
    pub input: Vec<f32>,
    /// `[channels]`.
    pub gamma: Vec<f32>,
    /// `[channels]`.
    pub beta: Vec<f32>,
}

impl BatchNorm {
    /// `gamma * (input - mean) / sqrt(variance + epsilon) + beta`, with the batch's own mean and
    /// variance.
    ///
    /// # Panics
    ///
    /// If lengths do not fit `dims`, or a channel has no pixels.
    pub fn forward(
        isa: Isa,
        dims: Dims,
        input: &[f32],
        gamma: &[f32],
        beta: &[f32],
        epsilon: f64,
    ) -> Self {
        check(dims, &[input], &[gamma, beta]);
        let mut output = zeros(dims.plain_len());
        let mut mean = vec![0.0; dims.channels];
        let mut variance = vec![0.0; dims.channels];
        let target = Shared(output.as_mut_ptr());
        let statistics = mean.par_iter_mut().zip(&mut variance).enumerate();
        statistics.for_each(|(channel, (mean, variance))| {
            isa.run(Forward {
                input: Planes {
                    dims,
                    channel,
                    data: input,
                },
                gamma: f64::from(gamma[channel]),
                beta: f64::from(beta[channel]),
                epsilon,
                output: &target,
                mean,
                variance,
            });
        });
        Self {
            output,
            mean,
            variance,
        }
    }

    /// Gradients from that of the output; `mean` and `variance` as [`forward`](Self::forward) gave
    /// them.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    #[expect(
        clippy::too_many_arguments,
        reason = "what the forward pass had and made"
    )]
    pub fn backward(
        isa: Isa,
        dims: Dims,
        input: &[f32],
        gamma: &[f32],
        mean: &[f32],
        variance: &[f32],
        epsilon: f64,
        gradient: &[f32],
    ) -> BatchNormGradients {
        check(dims, &[input, gradient], &[gamma, mean, variance]);
        let mut to_input = zeros(dims.plain_len());
        let mut to_gamma = vec![0.0; dims.channels];
        let mut to_beta = vec![0.0; dims.channels];
        let target = Shared(to_input.as_mut_ptr());
        let sums = to_gamma.par_iter_mut().zip(&mut to_beta).enumerate();
        sums.for_each(|(channel, (to_gamma, to_beta))| {
            let planes = |data| Planes {
                dims,
                channel,
                data,
            };
            isa.run(Backward {
                input: planes(input),
                gradient: planes(gradient),
                gamma: f64::from(gamma[channel]),
                mean: mean[channel],
                variance: f64::from(variance[channel]) + epsilon,
                to_input: &target,
                to_gamma,
                to_beta,
            });
        });
        BatchNormGradients {
            input: to_input,
            gamma: to_gamma,
            beta: to_beta,
        }
    }
}

fn check(dims: Dims, activations: &[&[f32]], channels: &[&[f32]]) {
    for activation in activations {
        assert_eq!(activation.len(), dims.plain_len(), "numbers of {dims:?}");
    }
    for numbers in channels {
        assert_eq!(numbers.len(), dims.channels, "one per channel of {dims:?}");
    }
    assert!(dims.batch * dims.pixels() > 0, "no pixels in {dims:?}");
}

/// One channel of all images.
pub(super) struct Planes<'a> {
    pub(super) dims: Dims,
    pub(super) channel: usize,
    pub(super) data: &'a [f32],
}

impl Planes<'_> {
    #[inline(always)]
    fn range(&self, image: usize) -> std::ops::Range<usize> {
        let pixels = self.dims.pixels();
        let start = (image * self.dims.channels + self.channel) * pixels;
        start..start + pixels
    }

    #[inline(always)]
    pub(super) fn plane(&self, image: usize) -> &[f32] {
        &self.data[self.range(image)]
    }

    /// The same plane of an activation to write.
    ///
    /// # Safety
    ///
    /// The activation has as many numbers as `data`, lives as long as the plane, and no one else uses
    /// this channel of it.
    #[inline(always)]
    unsafe fn plane_of<'a>(&self, of: *mut f32, image: usize) -> &'a mut [f32] {
        let range = self.range(image);
        assert!(range.end <= self.data.len());
        // SAFETY: the range lies in the data, and so in the activation; the rest is the caller's.
        unsafe { std::slice::from_raw_parts_mut(of.add(range.start), range.len()) }
    }
}

struct Forward<'a> {
    input: Planes<'a>,
    gamma: f64,
    beta: f64,
    epsilon: f64,
    output: &'a Shared<*mut f32>,
    mean: &'a mut f32,
    variance: &'a mut f32,
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Dims { batch, .. } = self.input.dims;
        let count = (batch * self.input.dims.pixels()) as f64;
        let mut sum = Total::ZERO;
        for image in 0..batch {
            sum.add_numbers::<L>(self.input.plane(image));
        }
        let mean = sum.get() / count;
        // Numbers are centred at the mean as rounded, which is off by `error`: where the mean is large
        // beside the deviation, that is not little.
        let center = mean as f32;
        let error = mean - f64::from(center);
        let mut squares = Total::ZERO;
        for image in 0..batch {
            let plane = self.input.plane(image);
            squares.add_products::<L>(plane, plane, [center; 2]);
        }
        // Rounding may leave less than nothing; what is no number stays none, which `max` would not do.
        let variance = squares.get() / count - error * error;
        let variance = if variance < 0.0 { 0.0 } else { variance };
        let scale = self.gamma / (variance + self.epsilon).sqrt();
        let shift = (self.beta - error * scale) as f32;
        for image in 0..batch {
            // SAFETY: the output has the dims of the input, and only this task has this channel.
            let output = unsafe { self.input.plane_of(self.output.0, image) };
            normalise::<L>(self.input.plane(image), output, center, scale as f32, shift);
        }
        (*self.mean, *self.variance) = (center, variance as f32);
    }
}

/// `(x - center) * scale + shift`.
#[inline(always)]
fn normalise<L: Lanes>(input: &[f32], output: &mut [f32], center: f32, scale: f32, shift: f32) {
    let (blocks, rest) = input.as_chunks::<LANES>();
    let (out_blocks, out_rest) = output.as_chunks_mut::<LANES>();
    for (x, out) in blocks.iter().zip(out_blocks) {
        let x = L::load(x).sub(L::splat(center));
        x.mul_add(L::splat(scale), L::splat(shift)).store(out);
    }
    for (x, out) in rest.iter().zip(out_rest) {
        *out = (x - center) * scale + shift;
    }
}

struct Backward<'a> {
    input: Planes<'a>,
    gradient: Planes<'a>,
    gamma: f64,
    mean: f32,
    /// With epsilon.
    variance: f64,
    to_input: &'a Shared<*mut f32>,
    to_gamma: &'a mut f32,
    to_beta: &'a mut f32,
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Dims { batch, .. } = self.input.dims;
        let count = (batch * self.input.dims.pixels()) as f64;
        let (mut sum, mut products) = (Total::ZERO, Total::ZERO);
        for image in 0..batch {
            let gradient = self.gradient.plane(image);
            sum.add_numbers::<L>(gradient);
            products.add_products::<L>(gradient, self.input.plane(image), [0.0, self.mean]);
        }
        let inverse = self.variance.sqrt().recip();
        let (sum, products) = (sum.get(), products.get() * inverse);
        // `gamma * inverse * (g - mean(g) - xhat * mean(g * xhat))`, `xhat` being `(x - mean) *
        // inverse`.
        let scale = self.gamma * inverse;
        let factors = [scale, -scale * inverse * products / count].map(|it| it as f32);
        let centers = [(sum / count) as f32, self.mean];
        for image in 0..batch {
            // SAFETY: the result has the dims of the input, and only this task has this channel.
            let output = unsafe { self.input.plane_of(self.to_input.0, image) };
            let (input, gradient) = (self.input.plane(image), self.gradient.plane(image));
            combine::<L>([gradient, input], output, centers, factors);
        }
        (*self.to_gamma, *self.to_beta) = (products as f32, sum as f32);
    }
}

/// `(a - centers[0]) * factors[0] + (b - centers[1]) * factors[1]`.
#[inline(always)]
fn combine<L: Lanes>(
    [a, b]: [&[f32]; 2],
    output: &mut [f32],
    centers: [f32; 2],
    factors: [f32; 2],
) {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let (out_blocks, out_rest) = output.as_chunks_mut::<LANES>();
    for ((a, b), out) in a_blocks.iter().zip(b_blocks).zip(out_blocks) {
        let a = L::load(a).sub(L::splat(centers[0]));
        let b = L::load(b).sub(L::splat(centers[1]));
        let sum = a.mul(L::splat(factors[0]));
        b.mul_add(L::splat(factors[1]), sum).store(out);
    }
    for ((a, b), out) in a_rest.iter().zip(b_rest).zip(out_rest) {
        *out = (a - centers[0]) * factors[0] + (b - centers[1]) * factors[1];
    }
}
