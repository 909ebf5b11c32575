//! Batch norms, biases and scales become part of the weights of the layer before them.

use burn_zoo_kernels::Activation;

use crate::ir::{Conv, Graph, Linear, Numbers, Op, ValueId};

/// Folds them, and says how many.
pub(super) fn fold(graph: &mut Graph) -> usize {
    let index = graph.index();
    let mut maker = index.maker;
    let mut found = 0;
    for at in 0..graph.nodes.len() {
        let part = match &graph.nodes[at].op {
            Op::Norm(norm) => norm.origin.to_owned(),
            Op::Scale { factor, shift: 0.0 } => format!("scale {factor}"),
            Op::Scale { factor, shift } => format!("scale {factor} + {shift}"),
            _ => continue,
        };
        let input = graph.nodes[at].inputs[0];
        let Some(before) = maker[input.0].filter(|_| index.readers[input.0] == 1) else {
            continue;
        };
        let folded = match (&graph.nodes[before].op, &graph.nodes[at].op) {
            (Op::Conv(conv), op) if before_store(conv.activation, &graph.nodes[before].inputs) => {
                Op::Conv(into_conv(conv, op))
            }
            (Op::Linear(linear), op) if before_store(linear.activation, &[]) => {
                Op::Linear(into_linear(linear, op))
            }
            _ => continue,
        };
        let node = graph.absorb(at, before, &part);
        node.op = folded;
        maker[node.outputs[0].0] = Some(at);
        found += 1;
    }
    found
}

/// Whether nothing but sums is stored yet.
fn before_store(activation: Activation, inputs: &[ValueId]) -> bool {
    activation == Activation::Linear && inputs.len() < 2
}

/// Scale and shift of one output channel.
fn of_channel(op: &Op, channel: usize) -> [f64; 2] {
    match op {
        Op::Norm(norm) => [norm.scale[channel], norm.shift[channel]].map(f64::from),
        Op::Scale { factor, shift } => [*factor, *shift],
        other => unreachable!("{} scales nothing", other.word()),
    }
}

fn bias_of(bias: Option<&Numbers>, op: &Op, channels: usize) -> Numbers {
    let bias = |channel: usize| bias.map_or(0.0, |bias| f64::from(bias[channel]));
    let folded = |channel| {
        let [scale, shift] = of_channel(op, channel);
        (bias(channel) * scale + shift) as f32
    };
    (0..channels).map(folded).collect()
}

fn scales(op: &Op, channels: usize) -> Option<Vec<f64>> {
    let scales: Vec<_> = (0..channels).map(|it| of_channel(op, it)[0]).collect();
    scales.iter().any(|scale| *scale != 1.0).then_some(scales)
}

fn into_conv(conv: &Conv, op: &Op) -> Conv {
    let channels = conv.spec.channels[1];
    let mut folded = conv.clone();
    if let Some(scales) = scales(op, channels) {
        let each = (conv.weight.len() / channels.max(1)).max(1);
        let scaled = |at: usize| (f64::from(conv.weight[at]) * scales[at / each]) as f32;
        folded.weight = (0..conv.weight.len()).map(scaled).collect();
    }
    folded.bias = Some(bias_of(conv.bias.as_ref(), op, channels));
    folded
}

fn into_linear(linear: &Linear, op: &Op) -> Linear {
    let channels = linear.features[1];
    let mut folded = linear.clone();
    if let Some(scales) = scales(op, channels) {
        let scaled = |at: usize| (f64::from(linear.weight[at]) * scales[at % channels]) as f32;
        folded.weight = (0..linear.weight.len()).map(scaled).collect();
    }
    folded.bias = Some(bias_of(linear.bias.as_ref(), op, channels));
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Norm;
    use crate::testing::{conv, linear};

    fn norm(scale: &[f32], shift: &[f32]) -> Op {
        Op::Norm(Norm {
            scale: scale.into(),
            shift: shift.into(),
            origin: "batch norm",
            then: None,
        })
    }

    #[test]
    fn a_norm_scales_the_weights_of_its_channel_and_shifts_its_bias() {
        let mut graph = Graph::new([1, 1, 2, 2]);
        let input = graph.input;
        let sum = conv(&mut graph, input, 2, &[3.0, 5.0], Some(&[1.0, -1.0]));
        graph.output = graph.node(norm(&[2.0, 0.5], &[10.0, 20.0]), &[sum], [1, 2, 2, 2]);
        assert_eq!(fold(&mut graph), 1);
        let Op::Conv(folded) = &graph.nodes[1].op else {
            panic!("{graph}");
        };
        assert_eq!(folded.weight[..], [6.0, 2.5]);
        assert_eq!(folded.bias.as_deref(), Some(&[12.0, 19.5][..]));
        assert_eq!(graph.nodes[1].inputs, [input]);
        assert_eq!(graph.nodes[1].fused, ["batch norm"]);
    }

    #[test]
    fn a_bias_then_a_norm_then_a_scale_fold_one_after_the_other() {
        let mut graph = Graph::new([1, 1]);
        let input = graph.input;
        let sum = linear(&mut graph, input, 2, &[3.0, 5.0]);
        let biased = graph.node(norm(&[1.0, 1.0], &[1.0, 2.0]), &[sum], [1, 2]);
        let scaled = Op::Scale {
            factor: 0.5,
            shift: 0.0,
        };
        graph.output = graph.node(scaled, &[biased], [1, 2]);
        assert_eq!(fold(&mut graph), 2);
        let Op::Linear(folded) = &graph.nodes[2].op else {
            panic!("{graph}");
        };
        assert_eq!(folded.weight[..], [1.5, 2.5]);
        assert_eq!(folded.bias.as_deref(), Some(&[0.5, 1.0][..]));
    }

    #[test]
    fn a_convolution_whose_sums_something_else_reads_stays() {
        let mut graph = Graph::new([1, 1, 2, 2]);
        let input = graph.input;
        let sum = conv(&mut graph, input, 1, &[3.0], None);
        let normed = graph.node(norm(&[2.0], &[0.0]), &[sum], [1, 1, 2, 2]);
        graph.output = graph.node(Op::Concat, &[sum, normed], [1, 2, 2, 2]);
        assert_eq!(fold(&mut graph), 0);
    }
}
