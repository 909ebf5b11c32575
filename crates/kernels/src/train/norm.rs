//! Batch norm in training.

use crate::Dims;

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
    /// `gamma * (input - mean) / sqrt(variance + epsilon) + beta`, with the batch's own mean and variance.
    pub fn forward(
        isa: crate::Isa,
        dims: Dims,
        input: &[f32],
        gamma: &[f32],
        beta: &[f32],
        epsilon: f64,
    ) -> Self {
        let _ = (isa, dims, input, gamma, beta, epsilon);
        todo!()
    }
    /// Gradients from that of the output; `mean` and `variance` as [`forward`](Self::forward) gave them.
    pub fn backward(
        isa: crate::Isa,
        dims: Dims,
        input: &[f32],
        gamma: &[f32],
        mean: &[f32],
        variance: &[f32],
        epsilon: f64,
        gradient: &[f32],
    ) -> BatchNormGradients {
        let _ = (isa, dims, input, gamma, mean, variance, epsilon, gradient);
        todo!()
    }
}
