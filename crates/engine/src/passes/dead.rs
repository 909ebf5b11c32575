//! Operations whose result nothing reads.

use crate::ir::Graph;

/// Drops them, and says how many there were.
pub(super) fn drop(graph: &mut Graph) -> usize {
    let mut live = vec![false; graph.values.len()];
    live[graph.output.0] = true;
    let before = graph.nodes.len();
    let mut kept = Vec::with_capacity(before);
    for node in std::mem::take(&mut graph.nodes).into_iter().rev() {
        if node.outputs.iter().any(|output| live[output.0]) {
            for input in &node.inputs {
                live[input.0] = true;
            }
            kept.push(node);
        }
    }
    kept.reverse();
    graph.nodes = kept;
    before - graph.nodes.len()
}

#[cfg(test)]
mod tests {
    use burn_zoo_kernels::Unary;

    use super::*;
    use crate::ir::Op;

    #[test]
    fn what_only_dead_operations_read_is_dead_too() {
        let mut graph = Graph::new([1, 16, 2, 2]);
        let input = graph.input;
        let relu = |graph: &mut Graph, of| graph.node(Op::Unary(Unary::Relu), &[of], [1, 16, 2, 2]);
        let kept = relu(&mut graph, input);
        let first = relu(&mut graph, kept);
        relu(&mut graph, first);
        graph.output = kept;
        assert_eq!(drop(&mut graph), 2);
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(graph.nodes[0].outputs, [kept]);
    }
}
