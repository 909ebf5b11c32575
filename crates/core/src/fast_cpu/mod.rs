//! Convolutions, batch norms, pools, rectifiers and gates of a training step by `burn-zoo-kernels`, on flex
//! under autodiff.
//!
//! [`rule`] decides for each call whether the kernels take it.

mod convolution;
mod elementwise;
mod norm;
mod pool;
mod rule;

pub(crate) use convolution::convolve;
pub(crate) use elementwise::{add_relu, highway, relu};
pub(crate) use norm::normalise;
pub(crate) use pool::{average_pool, max_pool};
pub(crate) use rule::computes_on;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, DispatchKindConversion, Flex};
use burn::tensor::{DispatchTensor, Tensor, TensorData};
use burn_flex::FlexTensor;
use burn_zoo_kernels::Dims;

/// A tensor of flex that may be tracked; the same type for each strategy of checkpointing.
type Recorded = FloatTensor<Autodiff<Flex>>;

/// Takes a tensor out of Burn's dispatch.
fn inside<const D: usize, C>(tensor: Tensor<D>) -> Recorded
where
    C: CheckpointStrategy,
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    tensor
        .try_into_primitive::<Autodiff<Flex, C>>()
        .expect("the rule has seen that it is on flex under autodiff, with this strategy")
}

/// The reverse of [`inside`].
fn outside<const D: usize, C>(tensor: Recorded) -> Tensor<D>
where
    C: CheckpointStrategy,
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    Tensor::from_primitive::<Autodiff<Flex, C>>(tensor)
}

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
