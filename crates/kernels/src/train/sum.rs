//! Sums of all numbers of a channel.

use super::norm::Planes;
use crate::simd::{Kernel, Lanes};
use crate::{Dims, Isa, LANES};
use rayon::prelude::*;

/// The gradient of a bias, `[channels]`: the sum over batch and pixels of the output's gradient
/// `[batch, channels, height, width]`.
///
/// # Panics
///
/// If `gradient` has another length.
pub fn bias_gradient(isa: Isa, dims: Dims, gradient: &[f32]) -> Vec<f32> {
    assert_eq!(gradient.len(), dims.plain_len(), "numbers of {dims:?}");
    let mut sums = vec![0.0; dims.channels];
    sums.par_iter_mut().enumerate().for_each(|(channel, sum)| {
        let planes = Planes {
            dims,
            channel,
            data: gradient,
        };
        isa.run(Sum { planes, sum });
    });
    sums
}

/// The sum of one channel of all images.
struct Sum<'a> {
    planes: Planes<'a>,
    sum: &'a mut f32,
}

impl Kernel for Sum<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let mut total = Total::ZERO;
        for image in 0..self.planes.dims.batch {
            total.add_numbers::<L>(self.planes.plane(image));
        }
        *self.sum = total.get() as f32;
    }
}

/// A sum of many numbers: some vectors in 32 bits, in sums apart so that none waits for another, then
/// in 64, so that errors stay those of a few additions.
pub(super) struct Total([f64; LANES]);

/// Sums of vectors apart.
const APART: usize = 4;
/// Vectors that are summed in 32 bits.
const VECTORS: usize = 8 * APART;

impl Total {
    pub(super) const ZERO: Self = Self([0.0; LANES]);

    pub(super) fn get(&self) -> f64 {
        self.0.iter().sum()
    }

    #[inline(always)]
    fn add<L: Lanes>(&mut self, [a, b, c, d]: [L; APART]) {
        let mut lanes = [0.0; LANES];
        a.add(b).add(c.add(d)).store(&mut lanes);
        for (total, lane) in self.0.iter_mut().zip(lanes) {
            *total += f64::from(lane);
        }
    }

    #[inline(always)]
    pub(super) fn add_numbers<L: Lanes>(&mut self, numbers: &[f32]) {
        let (blocks, rest) = numbers.as_chunks::<LANES>();
        for blocks in blocks.chunks(VECTORS) {
            let mut sums = [L::splat(0.0); APART];
            for blocks in blocks.chunks(APART) {
                for (sum, x) in sums.iter_mut().zip(blocks) {
                    *sum = sum.add(L::load(x));
                }
            }
            self.add(sums);
        }
        for x in rest {
            self.0[0] += f64::from(*x);
        }
    }

    /// Adds `(a - centers[0]) * (b - centers[1])` of each pair.
    #[inline(always)]
    pub(super) fn add_products<L: Lanes>(&mut self, a: &[f32], b: &[f32], centers: [f32; 2]) {
        let (a_blocks, a_rest) = a.as_chunks::<LANES>();
        let (b_blocks, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a_blocks.chunks(VECTORS).zip(b_blocks.chunks(VECTORS)) {
            let mut sums = [L::splat(0.0); APART];
            for (a, b) in a.chunks(APART).zip(b.chunks(APART)) {
                for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                    let a = L::load(a).sub(L::splat(centers[0]));
                    let b = L::load(b).sub(L::splat(centers[1]));
                    *sum = a.mul_add(b, *sum);
                }
            }
            self.add(sums);
        }
        for (a, b) in a_rest.iter().zip(b_rest) {
            self.0[0] += f64::from(a - centers[0]) * f64::from(b - centers[1]);
        }
    }
}
