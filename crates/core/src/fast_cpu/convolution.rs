//! Convolution with its gradients.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::{Autodiff, DispatchKindConversion, Flex, TensorMetadata as _};
use burn::nn::conv::Conv2d;
use burn::tensor::{DispatchTensor, GradientCheckpointingStrategy, Tensor};
use burn_flex::FlexTensor;
use burn_zoo_kernels::{Isa, TrainConv, bias_gradient};

use super::{Recorded, dims, inside, kept, numbers, ordered, outside, rule, tensor};

/// `layer.forward(input)`, if the kernels take it.
pub(crate) fn convolve(layer: &Conv2d, input: &Tensor<4>) -> Option<Tensor<4>> {
    let (conv, strategy) = rule::convolution(layer, input)?;
    let run = match strategy {
        GradientCheckpointingStrategy::Disabled => run::<NoCheckpointing>,
        GradientCheckpointingStrategy::Balanced => run::<BalancedCheckpointing>,
    };
    Some(run(conv, layer, input.clone()))
}

fn run<C>(conv: TrainConv, layer: &Conv2d, input: Tensor<4>) -> Tensor<4>
where
    C: CheckpointStrategy,
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    let input = inside::<4, C>(input);
    let weight = inside::<4, C>(layer.weight.val());
    let bias = layer.bias.as_ref().map(|it| inside::<1, C>(it.val()));
    let output = forward(
        &conv,
        input.primitive(),
        weight.primitive(),
        bias.as_ref().map(|it| it.primitive()),
    );
    outside::<4, C>(match bias {
        Some(bias) => {
            let nodes = [input.node(), weight.node(), bias.node()];
            record::<C, 3>(nodes, conv, &input, &weight, output)
        }
        None => {
            let nodes = [input.node(), weight.node()];
            record::<C, 2>(nodes, conv, &input, &weight, output)
        }
    })
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

/// Records how the gradients of `nodes` (input, weight and, if there is one, bias) come about.
fn record<C: CheckpointStrategy, const NODES: usize>(
    nodes: [NodeGuard; NODES],
    conv: TrainConv,
    input: &Recorded,
    weight: &Recorded,
    output: FlexTensor,
) -> Recorded {
    match Gradient.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(mut prepared) => {
            // Each is kept for the other's gradient.
            let kept = Kept {
                shapes: [input, weight].map(|it| it.shape().dims()),
                input: weight.is_tracked().then(|| prepared.checkpoint(input)),
                weight: input.is_tracked().then(|| prepared.checkpoint(weight)),
                conv,
            };
            prepared.finish(kept, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
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
