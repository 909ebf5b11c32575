//! Convolution with its gradients.

use crate::{Conv2dSpec, Dims, Isa};

/// A convolution of inputs of one size, with its gradients.
#[derive(Clone, Copy, Debug)]
pub struct TrainConv {
    isa: Isa,
    spec: Conv2dSpec,
    input: Dims,
    exact: bool,
}

impl TrainConv {
    /// `None` where the kernels do not take the case: groups, stride above 2, padding as wide as the kernel.
    pub fn new(isa: Isa, spec: Conv2dSpec, input: Dims, exact: bool) -> Option<Self> {
        let _ = (isa, spec, input, exact);
        todo!()
    }
    /// Dims of the output.
    pub fn output(&self) -> Dims {
        self.spec.output_dims(self.input)
    }
    /// The output from `input` `[batch, in, height, width]`, `weight` `[out, in, height, width]`, `bias` `[out]`.
    pub fn forward(&self, input: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let _ = (input, weight, bias);
        todo!()
    }
    /// The gradient of the input, from that of the output.
    pub fn input_gradient(&self, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
        let _ = (gradient, weight);
        todo!()
    }
    /// The gradient of the weight, from the input and the gradient of the output.
    pub fn weight_gradient(&self, input: &[f32], gradient: &[f32]) -> Vec<f32> {
        let _ = (input, gradient);
        todo!()
    }
}

/// The gradient of a bias, `[channels]`: the sum over batch and pixels of the output's gradient.
pub fn bias_gradient(dims: Dims, gradient: &[f32]) -> Vec<f32> {
    let _ = (dims, gradient);
    todo!()
}
