//! Convolutions, batch norms, pools, rectifiers and gates of a training step by `burn-zoo-kernels`, on flex
//! under autodiff.
//!
//! [`rule`] decides for each call whether the kernels take it.

mod convolution;
mod elementwise;
mod norm;
mod pool;
mod recording;
mod rule;

pub(crate) use convolution::convolve;
pub(crate) use elementwise::{add_relu, highway, relu};
pub(crate) use norm::normalise;
pub(crate) use pool::{average_pool, max_pool};
pub(crate) use rule::computes_on;

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::tensor::TensorData;
use burn_flex::FlexTensor;
use burn_zoo_kernels::Dims;

/// The tensor with its numbers in order, copied only where they are not.
fn ordered(tensor: &FlexTensor) -> FlexTensor {
    match tensor.is_contiguous() {
        true => tensor.clone(),
        false => tensor.to_contiguous(),
    }
}

/// A tensor that a forward pass left for its backward pass, with its numbers in order.
fn kept(checkpointer: &mut Checkpointer, node: NodeId) -> FlexTensor {
    ordered(&checkpointer.retrieve_node_output(node))
}

/// Adds to the gradients of those `parents` that have some.
fn register<const N: usize>(
    gradients: &mut Gradients,
    parents: [Option<NodeId>; N],
    found: [FlexTensor; N],
) {
    for (node, found) in parents.into_iter().zip(found) {
        if let Some(node) = node {
            gradients.register::<Flex>(node, found);
        }
    }
}

/// The numbers of an [`ordered`] tensor.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("the rule has seen f32, and the numbers are in order")
}

fn tensor<const D: usize>(numbers: Vec<f32>, dims: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, dims))
}

/// Numbers of an [`ordered`] tensor's shape.
fn like(tensor: &FlexTensor, numbers: Vec<f32>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, tensor.layout().shape().clone()))
}

fn dims(dims: Dims) -> [usize; 4] {
    [dims.batch, dims.channels, dims.height, dims.width]
}
