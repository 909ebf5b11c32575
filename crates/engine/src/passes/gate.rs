//! A highway layer's output, `H(x) T(x) + x (1 - T(x))` (Srivastava et al. 2015,
//! arXiv:1505.00387, equation 3), which is recorded as five operations.

use burn_zoo_kernels::Binary;

use crate::ir::{Graph, Index, Op, ValueId};

/// Makes one operation of them, and says how often.
pub(super) fn recognise(graph: &mut Graph) -> usize {
    let index = graph.index();
    let mut found = 0;
    for at in 0..graph.nodes.len() {
        let Some([left, right]) = operands(graph, &graph.nodes[at].op, at, Binary::Add) else {
            continue;
        };
        let mixed = [[left, right], [right, left]]
            .into_iter()
            .find_map(|[transformed, carried]| gated(graph, &index, transformed, carried));
        if let Some(inputs) = mixed {
            graph.nodes[at].op = Op::Gate;
            graph.nodes[at].inputs = inputs.to_vec();
            found += 1;
        }
    }
    found
}

/// `a, gate, b` where the one is `a * gate` and the other `b * (1 - gate)`.
fn gated(
    graph: &Graph,
    index: &Index,
    transformed: ValueId,
    carried: ValueId,
) -> Option<[ValueId; 3]> {
    let factors = |value: ValueId| {
        let maker = index.maker[value.0]?;
        operands(graph, &graph.nodes[maker].op, maker, Binary::Mul)
    };
    let rest_of = |value: ValueId| {
        let node = &graph.nodes[index.maker[value.0]?];
        let rest = matches!(node.op, Op::Scale { factor, shift } if [factor, shift] == [-1.0, 1.0]);
        rest.then(|| node.inputs[0])
    };
    let ([a, b], [c, d]) = (factors(transformed)?, factors(carried)?);
    for [gate, transformed] in [[a, b], [b, a]] {
        for [carry, input] in [[c, d], [d, c]] {
            if rest_of(carry) == Some(gate) {
                return Some([transformed, gate, input]);
            }
        }
    }
    None
}

fn operands(graph: &Graph, op: &Op, at: usize, wanted: Binary) -> Option<[ValueId; 2]> {
    let inputs = &graph.nodes[at].inputs;
    matches!(op, Op::Binary(binary) if *binary == wanted).then(|| [inputs[0], inputs[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 2] = [1, 4];

    /// `transformed * gate + input * (factor * gate + 1)`, operands in either order.
    fn layer(factor: f64, swapped: bool) -> (Graph, [ValueId; 3]) {
        let mut graph = Graph::new(SHAPE);
        let input = graph.input;
        let gate = graph.node(Op::Unary(burn_zoo_kernels::Unary::Sigmoid), &[input], SHAPE);
        let transformed = graph.node(Op::Unary(burn_zoo_kernels::Unary::Tanh), &[input], SHAPE);
        let carry = graph.node(Op::Scale { factor, shift: 1.0 }, &[gate], SHAPE);
        let mut order = |op: Binary, mut inputs: [ValueId; 2]| {
            if swapped {
                inputs.reverse();
            }
            graph.node(Op::Binary(op), &inputs, SHAPE)
        };
        let left = order(Binary::Mul, [transformed, gate]);
        let right = order(Binary::Mul, [input, carry]);
        let output = order(Binary::Add, [left, right]);
        graph.output = output;
        (graph, [transformed, gate, input])
    }

    #[test]
    fn a_coupled_gate_is_recognised_in_any_order() {
        for swapped in [false, true] {
            let (mut graph, inputs) = layer(-1.0, swapped);
            assert_eq!(recognise(&mut graph), 1, "{graph}");
            assert_eq!(graph.nodes[5].inputs, inputs);
        }
    }

    #[test]
    fn another_carry_is_no_coupled_gate() {
        let (mut graph, _) = layer(-2.0, false);
        assert_eq!(recognise(&mut graph), 0);
    }
}
