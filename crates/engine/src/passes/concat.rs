//! Concatenation in place: each branch stores straight into its blocks of the joint tensor.

use burn_zoo_kernels::LANES;

use crate::ir::{Graph, Home, Node, Op, ValueId};

/// Replaces concatenations. Says how many branches lie in place, and how many are copied: those
/// that do not begin at a whole block, are joined twice, are the network's input, or whose maker
/// reads from the same joint tensor.
pub(super) fn in_place(graph: &mut Graph) -> (usize, usize) {
    let (mut placed, mut copied) = (0, 0);
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for node in graph.nodes.clone() {
        let Op::Concat = node.op else {
            nodes.push(node);
            continue;
        };
        let joint = node.outputs[0];
        let mut first = 0;
        for (position, &part) in node.inputs.iter().enumerate() {
            let channels = graph.shape(part)[1];
            let last = first + channels == graph.shape(joint)[1];
            let whole = first.is_multiple_of(LANES) && (last || channels.is_multiple_of(LANES));
            // A part that is copied must not come from where it is copied to.
            let others = node
                .inputs
                .iter()
                .enumerate()
                .filter(|(it, _)| *it != position);
            let root = graph.root(part).0;
            let apart = others.map(|(_, it)| graph.root(*it).0).all(|it| it != root);
            if whole && apart && lies_in(graph, &nodes, part, joint, first / LANES) {
                placed += 1;
            } else {
                let mut copy = Node::new(Op::Place { first }, &[part], &[joint]);
                copy.name.clone_from(&node.name);
                nodes.push(copy);
                copied += 1;
            }
            first += channels;
        }
    }
    graph.nodes = nodes;
    (placed, copied)
}

/// Puts a value into the joint one, unless something stands against it.
fn lies_in(
    graph: &mut Graph,
    copies: &[Node],
    part: ValueId,
    joint: ValueId,
    block: usize,
) -> bool {
    let free = graph.values[part.0].home == Home::Own && part != graph.input;
    let named = |value: &crate::ir::Value| value.home == Home::Same(part);
    let made = graph.nodes.iter().any(|node| node.outputs.contains(&part));
    if !free || !made || graph.values.iter().any(named) {
        return false;
    }
    graph.values[part.0].home = Home::In(joint, block);
    let (root, _) = graph.root(joint);
    let reads_own = |node: &Node| {
        let inside = |values: &[ValueId]| values.iter().any(|it| graph.root(*it).0 == root);
        !matches!(node.op, Op::Concat) && inside(&node.outputs) && inside(&node.inputs)
    };
    let conflict = graph.nodes.iter().chain(copies).any(reads_own);
    if conflict {
        graph.values[part.0].home = Home::Own;
    }
    !conflict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::conv;

    fn branches(widths: &[usize]) -> (Graph, Vec<ValueId>) {
        let mut graph = Graph::new([1, 1, 2, 2]);
        let input = graph.input;
        let parts: Vec<_> = widths
            .iter()
            .map(|&width| conv(&mut graph, input, width, &vec![0.5; width], None))
            .collect();
        let joint: usize = widths.iter().sum();
        graph.output = graph.node(Op::Concat, &parts, [1, joint, 2, 2]);
        (graph, parts)
    }

    fn first_channels(graph: &Graph) -> Vec<usize> {
        let copies = graph.nodes.iter().filter_map(|node| match node.op {
            Op::Place { first } => Some(first),
            _ => None,
        });
        copies.collect()
    }

    #[test]
    fn whole_blocks_lie_in_place_and_the_last_may_be_any() {
        let (mut graph, parts) = branches(&[32, 16, 5]);
        assert_eq!(in_place(&mut graph), (3, 0));
        let blocks = parts.iter().map(|part| graph.root(*part));
        let joint = graph.output;
        assert_eq!(
            blocks.collect::<Vec<_>>(),
            [(joint, 0), (joint, 2), (joint, 3)]
        );
        assert_eq!(graph.nodes.len(), 3);
    }

    #[test]
    fn from_the_first_broken_block_on_branches_are_copied() {
        let (mut graph, _) = branches(&[16, 5, 16]);
        assert_eq!(in_place(&mut graph), (1, 2));
        assert_eq!(first_channels(&graph), [16, 21]);
    }

    #[test]
    fn a_branch_that_reads_its_neighbour_does_not_store_beside_it() {
        let mut graph = Graph::new([1, 1, 2, 2]);
        let input = graph.input;
        let first = conv(&mut graph, input, 16, &[0.5; 16], None);
        let second = conv(&mut graph, first, 16, &[0.5; 256], None);
        graph.output = graph.node(Op::Concat, &[first, second], [1, 32, 2, 2]);
        assert_eq!(in_place(&mut graph), (1, 1));
        assert_eq!(graph.root(second), (second, 0));
    }

    #[test]
    fn twice_the_same_branch_is_copied_twice() {
        let mut graph = Graph::new([1, 1, 2, 2]);
        let input = graph.input;
        let part = conv(&mut graph, input, 16, &[0.5; 16], None);
        graph.output = graph.node(Op::Concat, &[part, part], [1, 32, 2, 2]);
        // In place, its copy would read and write the same memory.
        assert_eq!(in_place(&mut graph), (0, 2));
    }

    #[test]
    fn a_joint_tensor_lies_in_place_in_another() {
        let (mut graph, parts) = branches(&[16, 16]);
        let inner = graph.output;
        let input = graph.input;
        let other = conv(&mut graph, input, 16, &[0.5; 16], None);
        graph.output = graph.node(Op::Concat, &[other, inner], [1, 48, 2, 2]);
        in_place(&mut graph);
        assert_eq!(graph.root(parts[1]), (graph.output, 2));
    }
}
