//! Scalings one after the other: `1 - t` is recorded as a negation and an addition.

use crate::ir::{Graph, Op};

/// Makes one of two. An inner one that something else reads stays as well.
pub(super) fn compose(graph: &mut Graph) -> usize {
    let index = graph.index();
    let mut found = 0;
    for at in 0..graph.nodes.len() {
        let Op::Scale { factor, shift } = graph.nodes[at].op else {
            continue;
        };
        let input = graph.nodes[at].inputs[0];
        let Some(inner) = index.maker[input.0].map(|maker| &graph.nodes[maker]) else {
            continue;
        };
        if let Op::Scale {
            factor: inner_factor,
            shift: inner_shift,
        } = inner.op
        {
            let inputs = inner.inputs.clone();
            graph.nodes[at].inputs = inputs;
            graph.nodes[at].op = Op::Scale {
                factor: factor * inner_factor,
                shift: factor * inner_shift + shift,
            };
            found += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_scaling_applies_to_the_inner_shift() {
        let mut graph = Graph::new([1, 4]);
        let input = graph.input;
        let scale = |factor, shift| Op::Scale { factor, shift };
        let inner = graph.node(scale(2.0, 3.0), &[input], [1, 4]);
        graph.output = graph.node(scale(-1.0, 1.0), &[inner], [1, 4]);
        assert_eq!(compose(&mut graph), 1);
        // 1 - (2 x + 3) = -2 x - 2
        let Op::Scale { factor, shift } = graph.nodes[1].op else {
            panic!("{graph}");
        };
        assert_eq!([factor, shift], [-2.0, -2.0]);
        assert_eq!(graph.nodes[1].inputs, [input]);
    }
}
