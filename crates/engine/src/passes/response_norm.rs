//! Local response norm (Krizhevsky et al. 2012, section 3.3), which Burn computes by pooling the
//! squares along the channels: eleven operations.

use burn_zoo_kernels::{Binary, ResponseNorm};

use crate::ir::{Graph, Index, Op, Part, ValueId};

/// Makes one operation of them, and says how often.
pub(super) fn recognise(graph: &mut Graph) -> usize {
    let index = graph.index();
    let mut found = 0;
    for at in 0..graph.nodes.len() {
        if let Some((input, norm)) = pattern(graph, &index, at) {
            graph.nodes[at].op = Op::ResponseNorm(norm);
            graph.nodes[at].inputs = vec![input];
            found += 1;
        }
    }
    found
}

/// `x / (k + alpha * mean(x^2))^beta`.
fn pattern(graph: &Graph, index: &Index, at: usize) -> Option<(ValueId, ResponseNorm)> {
    let Op::Part(Part::Divide) = graph.nodes[at].op else {
        return None;
    };
    let [input, divisor] = [graph.nodes[at].inputs[0], graph.nodes[at].inputs[1]];
    let &[batch, channels, height, width] = graph.shape(input) else {
        return None;
    };
    let node = |value: ValueId| index.maker[value.0].map(|maker| &graph.nodes[maker]);

    let power = node(divisor)?;
    let Op::Part(Part::Power(beta)) = power.op else {
        return None;
    };
    let scale = node(power.inputs[0])?;
    let Op::Scale { factor, shift } = scale.op else {
        return None;
    };
    let reshaped = |value: ValueId, shape: &[usize]| {
        let fits = graph.shape(value) == shape;
        let node = node(value).filter(|node| matches!(node.op, Op::Reshape))?;
        fits.then(|| node.inputs[0])
    };
    let swapped = |value: ValueId| {
        let node = node(value)?;
        matches!(node.op, Op::Part(Part::SwapAxes(1, 2))).then(|| node.inputs[0])
    };
    let pixels = height * width;
    let mean = reshaped(scale.inputs[0], &[batch, channels, height, width])?;
    let mean = reshaped(swapped(mean)?, &[batch, pixels, channels])?;
    let window = node(mean)?;
    let Op::Part(Part::WindowMean(size)) = window.op else {
        return None;
    };
    let square = reshaped(window.inputs[0], &[batch * pixels, 1, channels])?;
    let square = reshaped(swapped(square)?, &[batch, channels, pixels])?;
    let square = node(square)?;
    let of_input = matches!(square.op, Op::Binary(Binary::Mul)) && square.inputs == [input; 2];
    of_input.then_some((
        input,
        ResponseNorm {
            size,
            alpha: factor as f32,
            beta: beta as f32,
            k: shift as f32,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As recorded of `LocalResponseNorm`, squares of `[x, factor]`.
    fn recorded(squared: bool) -> Graph {
        let mut graph = Graph::new([2, 6, 3, 4]);
        let x = graph.input;
        let swap = || Op::Part(Part::SwapAxes(1, 2));
        let other = graph.node(Op::Zeros, &[], [2, 6, 3, 4]);
        let factor = if squared { x } else { other };
        let value = graph.node(Op::Binary(Binary::Mul), &[x, factor], [2, 6, 3, 4]);
        let value = graph.node(Op::Reshape, &[value], [2, 6, 12]);
        let value = graph.node(swap(), &[value], [2, 12, 6]);
        let value = graph.node(Op::Reshape, &[value], [24, 1, 6]);
        let value = graph.node(Op::Part(Part::WindowMean(5)), &[value], [24, 1, 6]);
        let value = graph.node(Op::Reshape, &[value], [2, 12, 6]);
        let value = graph.node(swap(), &[value], [2, 6, 12]);
        let value = graph.node(Op::Reshape, &[value], [2, 6, 3, 4]);
        let scale = Op::Scale {
            factor: 0.5,
            shift: 2.0,
        };
        let value = graph.node(scale, &[value], [2, 6, 3, 4]);
        let value = graph.node(Op::Part(Part::Power(0.75)), &[value], [2, 6, 3, 4]);
        graph.output = graph.node(Op::Part(Part::Divide), &[x, value], [2, 6, 3, 4]);
        graph
    }

    #[test]
    fn what_burn_records_is_one_norm() {
        let mut graph = recorded(true);
        assert_eq!(recognise(&mut graph), 1);
        super::super::dead::drop(&mut graph);
        let [node] = &graph.nodes[..] else {
            panic!("{graph}");
        };
        let Op::ResponseNorm(norm) = node.op else {
            panic!("{graph}");
        };
        let expected = ResponseNorm {
            size: 5,
            alpha: 0.5,
            beta: 0.75,
            k: 2.0,
        };
        assert_eq!(norm, expected);
    }

    #[test]
    fn a_product_with_something_else_is_no_square() {
        assert_eq!(recognise(&mut recorded(false)), 0);
    }
}
