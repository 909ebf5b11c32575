//! Local response normalisation.

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
    let _ = isa;
    output.planes().for_each(|(image, block, plane)| {
        for (pixel, out) in plane.chunks_exact_mut(LANES).enumerate() {
            let at = |channel: usize| {
                input.plane(image, channel / LANES)[pixel * LANES + channel % LANES]
            };
            for (lane, out) in out.iter_mut().enumerate() {
                let channel = block * LANES + lane;
                if channel >= dims.channels {
                    *out = 0.0;
                    continue;
                }
                let first = channel.saturating_sub((norm.size - 1) / 2);
                let last = (channel + norm.size / 2).min(dims.channels - 1);
                let sum: f32 = (first..=last).map(|it| at(it) * at(it)).sum();
                let scale = norm.k + norm.alpha / norm.size as f32 * sum;
                *out = at(channel) / scale.powf(norm.beta);
            }
        }
    });
}
