//! Batch norm of a batch by its own mean and variance, with its gradients.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use burn_zoo_kernels as kernels;
use burn_zoo_kernels::{Dims, Isa};

use super::{kept, numbers, ordered, register, rule, tensor};
use crate::conv::Normalised;

/// The batch normalised, if the kernels take it.
pub(crate) fn normalise(norm: &burn::nn::BatchNorm, input: &Tensor<4>) -> Option<Normalised> {
    let recording = rule::norm(norm, input)?;
    let shape = input.dims();
    let input = recording.inside(input.clone());
    let [gamma, beta] = [&norm.gamma, &norm.beta].map(|param| recording.inside(param.val()));
    let [x, scale, shift] = [&input, &gamma, &beta].map(|it| ordered(it.primitive()));
    let kernels::BatchNorm {
        output,
        mean,
        variance,
    } = kernels::BatchNorm::forward(
        Isa::detect(),
        Dims::new(shape),
        numbers(&x),
        numbers(&scale),
        numbers(&shift),
        norm.epsilon,
    );
    let output = tensor(output, shape);
    let [mean, variance] = [mean, variance].map(|it| tensor(it, [shape[1]]));
    let nodes = [input.node(), gamma.node(), beta.node()];
    let output = recording.record(Gradient, nodes, output, |again| Kept {
        input: again(&input),
        gamma: again(&gamma),
        mean: mean.clone(),
        variance: variance.clone(),
        epsilon: norm.epsilon,
    });
    Some(Normalised {
        output: recording.outside(output),
        mean: recording.constant(mean),
        variance: recording.constant(variance),
    })
}

/// The backward pass.
#[derive(Debug)]
struct Gradient;

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct Kept {
    input: NodeId,
    gamma: NodeId,
    mean: FlexTensor,
    variance: FlexTensor,
    epsilon: f64,
}

impl Backward<Flex, 3> for Gradient {
    type State = Kept;

    fn backward(
        self,
        ops: Ops<Kept, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let gradient = ordered(&gradients.consume::<Flex>(&ops.node));
        let state = ops.state;
        let [input, gamma] = [state.input, state.gamma].map(|node| kept(checkpointer, node));
        let shape: [usize; 4] = input.layout().shape().dims();
        // One pass over input and gradient gives all sums, so that leaving some out would save nothing.
        let kernels::BatchNormGradients {
            input: of_input,
            gamma: of_gamma,
            beta: of_beta,
        } = kernels::BatchNorm::backward(
            Isa::detect(),
            Dims::new(shape),
            numbers(&input),
            numbers(&gamma),
            numbers(&state.mean),
            numbers(&state.variance),
            state.epsilon,
            numbers(&gradient),
        );
        let found = [
            tensor(of_input, shape),
            tensor(of_gamma, [shape[1]]),
            tensor(of_beta, [shape[1]]),
        ];
        let parents = ops.parents.map(|it| it.map(|it| it.id));
        register(gradients, parents, found);
    }
}
