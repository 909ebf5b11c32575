//! Residual additions, done by a convolution before its only store.

use burn_zoo_kernels::{Activation, Binary};

use crate::ir::{Graph, Op};

/// Fuses them, and says how many. Of two convolutions that are added, the later one adds.
pub(super) fn fuse(graph: &mut Graph) -> usize {
    let index = graph.index();
    let mut maker = index.maker;
    let mut found = 0;
    for at in 0..graph.nodes.len() {
        let Op::Binary(Binary::Add) = graph.nodes[at].op else {
            continue;
        };
        let [a, b] = [graph.nodes[at].inputs[0], graph.nodes[at].inputs[1]];
        let adds = |value: crate::ir::ValueId| {
            let before = maker[value.0].filter(|_| index.readers[value.0] == 1)?;
            let node = &graph.nodes[before];
            let free = matches!(&node.op, Op::Conv(conv) if conv.activation == Activation::Linear);
            (free && node.inputs.len() == 1).then_some(before)
        };
        let Some(before) = adds(a).max(adds(b)) else {
            continue;
        };
        let residual = if adds(a) == Some(before) { b } else { a };
        let node = graph.absorb(at, before, "residual");
        node.inputs.push(residual);
        maker[node.outputs[0].0] = Some(at);
        found += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::conv;

    const SHAPE: [usize; 4] = [1, 1, 2, 2];

    #[test]
    fn the_later_of_two_convolutions_adds() {
        let mut graph = Graph::new(SHAPE);
        let input = graph.input;
        let branch = conv(&mut graph, input, 1, &[2.0], None);
        let shortcut = conv(&mut graph, input, 1, &[3.0], None);
        graph.output = graph.node(Op::Binary(Binary::Add), &[branch, shortcut], SHAPE);
        assert_eq!(fuse(&mut graph), 1);
        let Op::Conv(fused) = &graph.nodes[2].op else {
            panic!("{graph}");
        };
        assert_eq!(fused.weight[..], [3.0]);
        assert_eq!(graph.nodes[2].inputs, [input, branch]);
    }

    #[test]
    fn twice_the_same_value_is_no_residual() {
        let mut graph = Graph::new(SHAPE);
        let input = graph.input;
        let sum = conv(&mut graph, input, 1, &[2.0], None);
        graph.output = graph.node(Op::Binary(Binary::Add), &[sum, sum], SHAPE);
        assert_eq!(fuse(&mut graph), 0);
    }
}
