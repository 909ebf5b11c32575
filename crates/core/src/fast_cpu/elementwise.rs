//! Rectifiers, sums and highway gates with their gradients.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::{Autodiff, AutodiffBackend, DispatchKindConversion, Flex};
use burn::tensor::{DispatchTensor, GradientCheckpointingStrategy, Tensor};
use burn_flex::FlexTensor;
use burn_zoo_kernels as kernels;
use burn_zoo_kernels::Isa;

use super::{Recorded, inside, kept, like, numbers, ordered, outside, register, rule};

/// `max(input, 0)`, if the kernels take it.
pub(crate) fn relu<const D: usize>(input: &Tensor<D>) -> Option<Tensor<D>> {
    let run = match rule::elementwise([input])? {
        GradientCheckpointingStrategy::Disabled => rectify::<NoCheckpointing, D>,
        GradientCheckpointingStrategy::Balanced => rectify::<BalancedCheckpointing, D>,
    };
    Some(run(input.clone()))
}

/// `max(branch + shortcut, 0)`, if the kernels take it.
pub(crate) fn add_relu<const D: usize>(
    branch: &Tensor<D>,
    shortcut: &Tensor<D>,
) -> Option<Tensor<D>> {
    let run = match rule::elementwise([branch, shortcut])? {
        GradientCheckpointingStrategy::Disabled => add_rectified::<NoCheckpointing, D>,
        GradientCheckpointingStrategy::Balanced => add_rectified::<BalancedCheckpointing, D>,
    };
    Some(run([branch.clone(), shortcut.clone()]))
}

/// A highway layer's output and gate, if the kernels take it.
pub(crate) fn highway<const D: usize>(
    transformed: &Tensor<D>,
    logits: &Tensor<D>,
    carried: &Tensor<D>,
) -> Option<(Tensor<D>, Tensor<D>)> {
    let run = match rule::elementwise([transformed, logits, carried])? {
        GradientCheckpointingStrategy::Disabled => mix::<NoCheckpointing, D>,
        GradientCheckpointingStrategy::Balanced => mix::<BalancedCheckpointing, D>,
    };
    Some(run([transformed, logits, carried].map(Tensor::clone)))
}

fn rectify<C, const D: usize>(input: Tensor<D>) -> Tensor<D>
where
    C: CheckpointStrategy,
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    let input = inside::<D, C>(input);
    let x = ordered(input.primitive());
    let output = like(&x, kernels::relu(Isa::detect(), numbers(&x)));
    outside::<D, C>(record::<C, 1>([input.node()], output))
}

fn add_rectified<C, const D: usize>(terms: [Tensor<D>; 2]) -> Tensor<D>
where
    C: CheckpointStrategy,
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    let [a, b] = terms.map(inside::<D, C>);
    let [x, y] = [&a, &b].map(|it| ordered(it.primitive()));
    let output = kernels::add_relu(Isa::detect(), numbers(&x), numbers(&y));
    let nodes = [a.node(), b.node()];
    outside::<D, C>(record::<C, 2>(nodes, like(&x, output)))
}

/// Records that `output` is the rectified sum of `nodes`.
fn record<C: CheckpointStrategy, const TERMS: usize>(
    nodes: [NodeGuard; TERMS],
    output: FlexTensor,
) -> Recorded {
    match Rectifier.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(output.clone(), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

/// The backward pass of a rectified sum, or of one number: each term has the same gradient.
#[derive(Debug)]
struct Rectifier;

impl<const TERMS: usize> Backward<Flex, TERMS> for Rectifier {
    /// The output.
    type State = FlexTensor;

    fn backward(
        self,
        ops: Ops<FlexTensor, TERMS>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = ordered(&gradients.consume::<Flex>(&ops.node));
        let output = ops.state;
        let found = kernels::relu_gradient(Isa::detect(), numbers(&output), numbers(&gradient));
        let found = like(&output, found);
        for node in ops.parents.into_iter().flatten() {
            gradients.register::<Flex>(node.id, found.clone());
        }
    }
}

fn mix<C, const D: usize>(parts: [Tensor<D>; 3]) -> (Tensor<D>, Tensor<D>)
where
    C: CheckpointStrategy,
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    let [transformed, logits, carried] = parts.map(inside::<D, C>);
    let [a, z, b] = [&transformed, &logits, &carried].map(|it| ordered(it.primitive()));
    let kernels::Highway { output, gate } =
        kernels::Highway::forward(Isa::detect(), numbers(&a), numbers(&z), numbers(&b));
    let [output, gate] = [output, gate].map(|it| like(&a, it));
    let nodes = [transformed.node(), logits.node(), carried.node()];
    let output = match Gate.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(mut prepared) => {
            let kept = Kept {
                transformed: prepared.checkpoint(&transformed),
                carried: prepared.checkpoint(&carried),
                gate: gate.clone(),
            };
            prepared.finish(kept, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    let gate = <Autodiff<Flex, C> as AutodiffBackend>::from_inner(gate);
    (outside::<D, C>(output), outside::<D, C>(gate))
}

/// The backward pass of a highway layer.
#[derive(Debug)]
struct Gate;

/// What it needs.
#[derive(Clone, Debug)]
struct Kept {
    transformed: NodeId,
    carried: NodeId,
    gate: FlexTensor,
}

impl Backward<Flex, 3> for Gate {
    type State = Kept;

    fn backward(
        self,
        ops: Ops<Kept, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let gradient = ordered(&gradients.consume::<Flex>(&ops.node));
        let state = ops.state;
        let [transformed, carried] =
            [state.transformed, state.carried].map(|node| kept(checkpointer, node));
        let found = kernels::Highway::backward(
            Isa::detect(),
            numbers(&transformed),
            numbers(&state.gate),
            numbers(&carried),
            numbers(&gradient),
        );
        let found = [found.transformed, found.logits, found.carried];
        let found = found.map(|it| like(&state.gate, it));
        let parents = ops.parents.map(|it| it.map(|it| it.id));
        register(gradients, parents, found);
    }
}
