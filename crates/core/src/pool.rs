//! Pooling layers, which train on our own kernels where those take them.

use burn::nn::pool::{AvgPool2d, MaxPool2d};
use burn::tensor::Tensor;

#[cfg(feature = "fast-cpu")]
use crate::fast_cpu;

/// `layer.forward(input)`, and in training on a CPU by the kernels that [`TrainingKernels`] chooses,
/// if this crate's feature `fast-cpu` is on: `[batch, channels, height, width] -> [batch, channels,
/// height', width']`.
///
/// Where no gradients are recorded, on any other backend than flex, with other numbers than `f32`,
/// dilation, and padding that is `Same` or as wide as a window, it is Burn's own.
///
/// [`TrainingKernels`]: crate::TrainingKernels
pub fn max_pool(layer: &MaxPool2d, input: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "fast-cpu")]
    if let Some(output) = fast_cpu::max_pool(layer, &input) {
        return output;
    }
    layer.forward(input)
}

/// As [`max_pool`], of averages.
pub fn average_pool(layer: &AvgPool2d, input: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "fast-cpu")]
    if let Some(output) = fast_cpu::average_pool(layer, &input) {
        return output;
    }
    layer.forward(input)
}
