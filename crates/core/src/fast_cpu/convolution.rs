//! Convolution with its gradients.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::{Flex, TensorMetadata as _};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use burn_zoo_kernels::{Isa, TrainConv, bias_gradient};

use super::recording::Recorded;
use super::{dims, kept, numbers, ordered, rule, tensor};

/// `layer.forward(input)`, if the kernels take it.
pub(crate) fn convolve(layer: &Conv2d, input: &Tensor<4>) -> Option<Tensor<4>> {
    let (conv, recording) = rule::convolution(layer, input)?;
    let input = recording.inside(input.clone());
    let weight = recording.inside(layer.weight.val());
    let bias = layer.bias.as_ref().map(|it| recording.inside(it.val()));
    let output = forward(
        &conv,
        input.primitive(),
        weight.primitive(),
        bias.as_ref().map(|it| it.primitive()),
    );
    // Each is kept for the other's gradient.
    let keep = |again: &mut dyn FnMut(&Recorded) -> NodeId| Kept {
        shapes: [&input, &weight].map(|it| it.shape().dims()),
        input: weight.is_tracked().then(|| again(&input)),
        weight: input.is_tracked().then(|| again(&weight)),
        conv,
    };
    let nodes = [input.node(), weight.node()];
    Some(recording.outside(match bias {
        Some(bias) => {
            let [input, weight] = nodes;
            recording.record(Gradient, [input, weight, bias.node()], output, keep)
        }
        None => recording.record(Gradient, nodes, output, keep),
    }))
}

fn forward(
    conv: &TrainConv,
    input: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
) -> FlexTensor {
    let (input, weight, bias) = (ordered(input), ordered(weight), bias.map(ordered));
    let bias = bias.as_ref().map(numbers);
    let output = conv.forward(numbers(&input), numbers(&weight), bias);
    tensor(output, dims(conv.output()))
}

/// The backward pass.
#[derive(Debug)]
struct Gradient;

/// What the backward pass needs; tensors that no gradient depends on are not kept alive.
#[derive(Clone, Debug)]
struct Kept {
    conv: TrainConv,
    /// Of input and weight.
    shapes: [[usize; 4]; 2],
    input: Option<NodeId>,
    weight: Option<NodeId>,
}

impl<const NODES: usize> Backward<Flex, NODES> for Gradient {
    type State = Kept;

    fn backward(
        self,
        ops: Ops<Kept, NODES>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let gradient = ordered(&gradients.consume::<Flex>(&ops.node));
        let gradient = numbers(&gradient);
        let Kept {
            conv,
            shapes,
            input,
            weight,
        } = ops.state;
        let mut kept = |node: Option<NodeId>| node.map(|node| kept(checkpointer, node));
        let (input, weight) = (kept(input), kept(weight));
        let mut parents = ops.parents.into_iter();
        let mut parent = || parents.next().flatten();
        if let (Some(node), Some(weight)) = (parent(), weight) {
            let values = conv.input_gradient(gradient, numbers(&weight));
            gradients.register::<Flex>(node.id, tensor(values, shapes[0]));
        }
        if let (Some(node), Some(input)) = (parent(), input) {
            let values = conv.weight_gradient(numbers(&input), gradient);
            gradients.register::<Flex>(node.id, tensor(values, shapes[1]));
        }
        if let Some(node) = parent() {
            let values = bias_gradient(Isa::detect(), conv.output(), gradient);
            gradients.register::<Flex>(node.id, tensor(values, [conv.output().channels]));
        }
    }
}
