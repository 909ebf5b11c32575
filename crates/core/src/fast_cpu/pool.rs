//! Pooling with its gradients.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::nn::pool::{AvgPool2d, MaxPool2d};
use burn::tensor::Tensor;
use burn_zoo_kernels::{PadCount, TrainPool};

use super::recording::Recording;
use super::{dims, numbers, ordered, rule, tensor};

/// `layer.forward(input)`, if the kernels take it.
pub(crate) fn max_pool(layer: &MaxPool2d, input: &Tensor<4>) -> Option<Tensor<4>> {
    let (pool, recording) = rule::max_pool(layer, input)?;
    Some(run(pool, Kind::Max, recording, input))
}

/// As [`max_pool`].
pub(crate) fn average_pool(layer: &AvgPool2d, input: &Tensor<4>) -> Option<Tensor<4>> {
    let (pool, recording) = rule::average_pool(layer, input)?;
    let count = if layer.count_include_pad {
        PadCount::Include
    } else {
        PadCount::Exclude
    };
    Some(run(pool, Kind::Average(count), recording, input))
}

/// What a window gives.
#[derive(Clone, Copy)]
enum Kind {
    Max,
    Average(PadCount),
}

fn run(pool: TrainPool, kind: Kind, recording: Recording, input: &Tensor<4>) -> Tensor<4> {
    let input = recording.inside(input.clone());
    let pixels = ordered(input.primitive());
    let (output, windows) = match kind {
        Kind::Max => {
            let maxima = pool.maxima(numbers(&pixels));
            (maxima.output, Windows::Max(maxima.taps))
        }
        Kind::Average(count) => {
            let output = pool.averages(count, numbers(&pixels));
            (output, Windows::Average(count))
        }
    };
    let output = tensor(output, dims(pool.output()));
    recording.outside(recording.record(Gradient, [input.node()], output, |_| (pool, windows)))
}

/// The backward pass.
#[derive(Debug)]
struct Gradient;

/// What it needs to know of the windows.
#[derive(Clone, Debug)]
enum Windows {
    /// Where each maximum was.
    Max(Vec<u8>),
    Average(PadCount),
}

impl Backward<Flex, 1> for Gradient {
    type State = (TrainPool, Windows);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = ordered(&gradients.consume::<Flex>(&ops.node));
        let [Some(node)] = ops.parents else { return };
        let (pool, windows) = ops.state;
        let values = match windows {
            Windows::Max(taps) => pool.maxima_gradient(&taps, numbers(&gradient)),
            Windows::Average(count) => pool.averages_gradient(count, numbers(&gradient)),
        };
        gradients.register::<Flex>(node.id, tensor(values, dims(pool.input())));
    }
}
