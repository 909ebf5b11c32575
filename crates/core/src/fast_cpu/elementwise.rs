//! Rectifiers, sums and highway gates with their gradients.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use burn_zoo_kernels as kernels;
use burn_zoo_kernels::Isa;

use super::recording::Recording;
use super::{kept, like, numbers, ordered, register, rule};

/// `max(input, 0)`, if the kernels take it.
pub(crate) fn relu<const D: usize>(input: &Tensor<D>) -> Option<Tensor<D>> {
    let recording = rule::elementwise([input])?;
    let input = recording.inside(input.clone());
    let x = ordered(input.primitive());
    let output = like(&x, kernels::relu(Isa::detect(), numbers(&x)));
    Some(rectified(recording, [input.node()], output))
}

/// `max(branch + shortcut, 0)`, if the kernels take it.
pub(crate) fn add_relu<const D: usize>(
    branch: &Tensor<D>,
    shortcut: &Tensor<D>,
) -> Option<Tensor<D>> {
    let recording = rule::elementwise([branch, shortcut])?;
    let [a, b] = [branch, shortcut].map(|it| recording.inside(it.clone()));
    let [x, y] = [&a, &b].map(|it| ordered(it.primitive()));
    let output = kernels::add_relu(Isa::detect(), numbers(&x), numbers(&y));
    Some(rectified(recording, [a.node(), b.node()], like(&x, output)))
}

/// Records that `output` is the rectified sum of `nodes`.
fn rectified<const D: usize, const TERMS: usize>(
    recording: Recording,
    nodes: [NodeGuard; TERMS],
    output: FlexTensor,
) -> Tensor<D> {
    let kept = output.clone();
    recording.outside(recording.record(Rectifier, nodes, output, |_| kept))
}

/// A highway layer's output and gate, if the kernels take it.
pub(crate) fn highway<const D: usize>(
    transformed: &Tensor<D>,
    logits: &Tensor<D>,
    carried: &Tensor<D>,
) -> Option<(Tensor<D>, Tensor<D>)> {
    let parts = [transformed, logits, carried];
    let recording = rule::elementwise(parts)?;
    let [transformed, logits, carried] = parts.map(|it| recording.inside(it.clone()));
    let [a, z, b] = [&transformed, &logits, &carried].map(|it| ordered(it.primitive()));
    let kernels::Highway { output, gate } =
        kernels::Highway::forward(Isa::detect(), numbers(&a), numbers(&z), numbers(&b));
    let [output, gate] = [output, gate].map(|it| like(&a, it));
    let nodes = [transformed.node(), logits.node(), carried.node()];
    let output = recording.record(Gate, nodes, output, |again| Kept {
        transformed: again(&transformed),
        carried: again(&carried),
        gate: gate.clone(),
    });
    Some((recording.outside(output), recording.constant(gate)))
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
