//! Residual branches that are left out at random.

use burn::module::Module;
use burn::tensor::{Distribution, Tensor};

/// Stochastic depth (Huang et al. 2016, arXiv:1603.09382): in training a residual branch is left
/// out with a probability, for each image by itself as in timm, and what remains is scaled so that
/// its mean stays. On a device without autodiff it does nothing.
#[derive(Module, Debug)]
pub struct StochasticDepth {
    rate: f64,
}

impl StochasticDepth {
    /// Never leaves a branch out.
    pub const OFF: Self = Self { rate: 0.0 };

    /// Of branch `index` of `count`, where the last is left out with probability `last`: the
    /// linear rule of the paper's equation 4, but from 0 for the first branch on, as in timm.
    ///
    /// # Panics
    ///
    /// If `last` is not in `0..1`.
    pub fn linear(last: f64, index: usize, count: usize) -> Self {
        assert!(
            (0.0..1.0).contains(&last),
            "a branch is left out with a probability in 0..1, not {last}"
        );
        let span = count.saturating_sub(1).max(1);
        Self {
            rate: last * index as f64 / span as f64,
        }
    }

    /// Probability that the branch is left out.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, branch: Tensor<4>) -> Tensor<4> {
        let device = branch.device();
        if self.rate == 0.0 || !device.is_autodiff() {
            return branch;
        }
        let kept = 1.0 - self.rate;
        let [batch, ..] = branch.dims();
        let mask = Tensor::random([batch, 1, 1, 1], Distribution::Bernoulli(kept), &device);
        branch * mask / kept
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn rows(output: Tensor<4>) -> Vec<Vec<f32>> {
        let values: Vec<f32> = output.into_data().iter::<f32>().collect();
        values.chunks(2).map(<[f32]>::to_vec).collect()
    }

    #[test]
    fn whole_images_are_left_out_and_the_rest_is_scaled() {
        let device = Device::flex().autodiff();
        device.seed(3);
        let depth = StochasticDepth::linear(0.2, 1, 2);
        let count = 4000;
        let found = rows(depth.forward(Tensor::ones([count, 2, 1, 1], &device)));
        let left_out = found.iter().filter(|row| **row == [0.0, 0.0]).count();
        let scaled = found.iter().filter(|row| **row == [1.25, 1.25]).count();
        assert_eq!(left_out + scaled, count);
        // Five standard deviations of the binomial distribution.
        let deviation = (count as f64 * 0.2 * 0.8).sqrt();
        assert!((left_out as f64 - 0.2 * count as f64).abs() < 5.0 * deviation);
    }

    #[test]
    fn inference_is_the_identity() {
        let depth = StochasticDepth::linear(0.9, 1, 2);
        let found = rows(depth.forward(Tensor::ones([8, 2, 1, 1], &Device::flex())));
        assert!(found.iter().all(|row| *row == [1.0, 1.0]));
    }

    #[test]
    #[should_panic(expected = "a probability in 0..1, not 1")]
    fn a_branch_cannot_always_be_left_out() {
        let _ = StochasticDepth::linear(1.0, 0, 2);
    }
}
