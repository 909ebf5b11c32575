//! Local response normalisation.

use crate::simd::{Kernel, Lanes, block};
use crate::{Isa, LANES, View, ViewMut};
use rayon::prelude::*;

/// `x / (k + alpha / size * sum(x^2))^beta`, the sum over a window of `size` channels
/// (Krizhevsky et al. 2012, section 3.3; `alpha` divided by `size` as in PyTorch and Burn).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponseNorm {
    /// Channels of the window: `(size - 1) / 2` before, `size / 2` after.
    pub size: usize,
    /// Weight of the mean square.
    pub alpha: f32,
    /// Exponent.
    pub beta: f32,
    /// Added to the mean square.
    pub k: f32,
}

/// Applies `norm` to each pixel.
///
/// # Panics
///
/// If the dims differ or `norm.size` is zero.
pub fn response_norm(isa: Isa, input: View<'_>, mut output: ViewMut<'_>, norm: &ResponseNorm) {
    let dims = input.dims();
    assert_eq!(dims, output.dims(), "dims of input and output");
    assert!(norm.size > 0, "a window has at least one channel");
    output.planes().for_each(|(image, i, plane)| {
        isa.run(Plane {
            norm,
            input,
            image,
            block: i,
            output: plane,
        });
    });
}

struct Plane<'a> {
    norm: &'a ResponseNorm,
    input: View<'a>,
    image: usize,
    block: usize,
    output: &'a mut [f32],
}

impl Kernel for Plane<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let norm = self.norm;
        let blocks = self.input.dims().blocks();
        let (before, after) = ((norm.size - 1) / 2, norm.size / 2);
        // The blocks that the window of one of the channels reaches.
        let first = self.block.saturating_sub(before.div_ceil(LANES));
        let last = (self.block + after.div_ceil(LANES)).min(blocks - 1);
        let own = self.input.plane(self.image, self.block);
        let scale = norm.alpha / norm.size as f32;
        let (pixels, _) = self.output.as_chunks_mut::<LANES>();
        for (pixel, out) in pixels.iter_mut().enumerate() {
            let x = block(own, pixel * LANES);
            // Padding lanes of the input are zero, and add nothing.
            let mut sums = [0.0; LANES];
            for i in first..=last {
                let plane = self.input.plane(self.image, i);
                let squares = block(plane, pixel * LANES).map(|x| x * x);
                for (lane, sum) in sums.iter_mut().enumerate() {
                    // Lanes of this block in the window of that channel.
                    let channel = self.block * LANES + lane;
                    let start = (channel.saturating_sub(before)).saturating_sub(i * LANES);
                    let end = (channel + after + 1).saturating_sub(i * LANES).min(LANES);
                    if let Some(squares) = squares.get(start..end) {
                        *sum += squares.iter().sum::<f32>();
                    }
                }
            }
            let scales = sums.map(|sum| norm.k + scale * sum);
            // Exponent 3/4, the paper's, is two square roots.
            *out = if norm.beta == 0.75 {
                std::array::from_fn(|lane| {
                    let root = scales[lane].sqrt();
                    x[lane] / (root * root.sqrt())
                })
            } else {
                std::array::from_fn(|lane| x[lane] / scales[lane].powf(norm.beta))
            };
            // Zero over a power of `k`, which may be zero.
            let channels = self.input.dims().channels - self.block * LANES;
            if channels < LANES {
                out[channels..].fill(0.0);
            }
        }
    }
}
