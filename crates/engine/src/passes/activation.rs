//! Activations, applied by the layer before them to what it stores.

use burn_zoo_kernels::{Activation, Unary};

use crate::ir::{Graph, Op};

/// Fuses them, and says how many.
pub(super) fn fuse(graph: &mut Graph) -> usize {
    let index = graph.index();
    let mut found = 0;
    for at in 0..graph.nodes.len() {
        let Op::Unary(function) = graph.nodes[at].op else {
            continue;
        };
        let stored = match function {
            Unary::Relu => Some(Activation::Relu),
            Unary::Sigmoid => Some(Activation::Sigmoid),
            _ => None,
        };
        let input = graph.nodes[at].inputs[0];
        let Some(before) = index.maker[input.0].filter(|_| index.readers[input.0] == 1) else {
            continue;
        };
        let mut op = graph.nodes[before].op.clone();
        match (&mut op, stored) {
            (Op::Conv(conv), Some(stored)) if conv.activation == Activation::Linear => {
                conv.activation = stored;
            }
            (Op::Linear(linear), Some(stored)) if linear.activation == Activation::Linear => {
                linear.activation = stored;
            }
            (Op::Norm(norm), _) if norm.then.is_none() => norm.then = Some(function),
            _ => continue,
        }
        let part = graph.nodes[at].op.word();
        graph.absorb(at, before, &part).op = op;
        found += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{conv, linear};

    #[test]
    fn a_convolution_rectifies_once_and_nothing_is_rectified_before_its_sigmoid() {
        let mut graph = Graph::new([1, 1, 2, 2]);
        let input = graph.input;
        let sum = conv(&mut graph, input, 1, &[2.0], None);
        let relu = graph.node(Op::Unary(Unary::Relu), &[sum], [1, 1, 2, 2]);
        graph.output = graph.node(Op::Unary(Unary::Sigmoid), &[relu], [1, 1, 2, 2]);
        assert_eq!(fuse(&mut graph), 1);
        let Op::Conv(fused) = &graph.nodes[1].op else {
            panic!("{graph}");
        };
        assert_eq!(fused.activation, Activation::Relu);
        assert_eq!(graph.nodes[1].fused, ["relu"]);
        assert!(matches!(graph.nodes[2].op, Op::Unary(Unary::Sigmoid)));
    }

    #[test]
    fn a_layer_that_has_no_tanh_leaves_it_alone() {
        let mut graph = Graph::new([1, 1]);
        let input = graph.input;
        let sum = linear(&mut graph, input, 1, &[2.0]);
        graph.output = graph.node(Op::Unary(Unary::Tanh), &[sum], [1, 1]);
        assert_eq!(fuse(&mut graph), 0);
    }
}
