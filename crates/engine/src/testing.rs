//! Layers of hand-made graphs.

use burn_zoo_kernels::{Activation, Conv2dSpec, Padding};

use crate::ir::{Conv, Graph, Linear, Op, ValueId};

/// A 1x1 convolution to `channels`.
pub(crate) fn conv(
    graph: &mut Graph,
    input: ValueId,
    channels: usize,
    weight: &[f32],
    bias: Option<&[f32]>,
) -> ValueId {
    let &[batch, inputs, height, width] = graph.shape(input) else {
        panic!("{:?} is no image", graph.shape(input));
    };
    let op = Op::Conv(Conv {
        spec: Conv2dSpec {
            channels: [inputs, channels],
            kernel: [1, 1],
            stride: [1, 1],
            padding: Padding::default(),
            groups: 1,
        },
        weight: weight.into(),
        bias: bias.map(Into::into),
        activation: Activation::Linear,
    });
    graph.node(op, &[input], [batch, channels, height, width])
}

/// A dense layer to `features` without bias.
pub(crate) fn linear(
    graph: &mut Graph,
    input: ValueId,
    features: usize,
    weight: &[f32],
) -> ValueId {
    let &[batch, inputs] = graph.shape(input) else {
        panic!("{:?} is no row", graph.shape(input));
    };
    let op = Op::Linear(Linear {
        features: [inputs, features],
        weight: weight.into(),
        bias: None,
        activation: Activation::Linear,
    });
    graph.node(op, &[input], [batch, features])
}
