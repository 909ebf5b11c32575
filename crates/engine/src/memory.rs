//! Which values share memory: two of them do if no step needs both.

use crate::ir::{Graph, Layout, ValueId};

/// Where every value's numbers lie while a plan runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Numbers in each buffer.
    pub(crate) buffers: Vec<usize>,
    /// The buffer of each value that has memory of its own; none for the images, which stay where
    /// they are.
    of_root: Vec<Option<usize>>,
}

impl Memory {
    /// The buffer that a value lies in; none for the images.
    pub(crate) fn buffer(&self, graph: &Graph, value: ValueId) -> Option<usize> {
        self.of_root[graph.root(value).0.0]
    }
}

/// Numbers of a value that has memory of its own.
pub(crate) fn len(graph: &Graph, root: ValueId) -> usize {
    match (graph.layout(root), graph.dims(root)) {
        (Layout::Blocked, Some(dims)) => dims.blocked_len(),
        _ => graph.shape(root).iter().product(),
    }
}

/// Numbers of all values together, if each had memory of its own.
pub(crate) fn unshared(graph: &Graph) -> usize {
    lives(graph).iter().map(|life| len(graph, life.root)).sum()
}

/// The nodes during which a value must keep its numbers.
#[derive(Clone, Copy, Debug)]
struct Life {
    root: ValueId,
    first: usize,
    last: usize,
}

impl Life {
    fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The largest first, each into the first buffer that is free while it lives.
pub(crate) fn plan(graph: &Graph) -> Memory {
    let mut lives = lives(graph);
    lives.sort_by_key(|life| (std::cmp::Reverse(len(graph, life.root)), life.first));
    let mut memory = Memory {
        buffers: Vec::new(),
        of_root: vec![None; graph.values.len()],
    };
    let mut tenants: Vec<Vec<Life>> = Vec::new();
    for life in lives {
        let free = |tenants: &Vec<Life>| !tenants.iter().any(|other| other.overlaps(life));
        let buffer = tenants.iter().position(free).unwrap_or_else(|| {
            memory.buffers.push(len(graph, life.root));
            tenants.push(Vec::new());
            tenants.len() - 1
        });
        tenants[buffer].push(life);
        memory.of_root[life.root.0] = Some(buffer);
    }
    memory
}

fn lives(graph: &Graph) -> Vec<Life> {
    let mut lives: Vec<Option<Life>> = vec![None; graph.values.len()];
    let mut needed = |value: ValueId, at: usize| {
        let root = graph.root(value).0;
        let life = lives[root.0].get_or_insert(Life {
            root,
            first: at,
            last: at,
        });
        life.last = at;
    };
    for (at, node) in graph.nodes.iter().enumerate() {
        for value in node.inputs.iter().chain(&node.outputs) {
            needed(*value, at);
        }
    }
    needed(graph.output, graph.nodes.len());
    let images = graph.root(graph.input).0;
    lives
        .into_iter()
        .flatten()
        .filter(|life| life.root != images)
        .collect()
}

#[cfg(test)]
mod tests {
    use burn_zoo_kernels::{Binary, Unary};

    use super::*;
    use crate::ir::{Home, Op};

    fn relu(graph: &mut Graph, input: ValueId) -> ValueId {
        let shape = graph.shape(input).to_vec();
        graph.node(Op::Unary(Unary::Relu), &[input], shape)
    }

    #[test]
    fn a_chain_of_any_length_needs_two_buffers() {
        let mut graph = Graph::new([1, 10]);
        graph.output = (0..5).fold(graph.input, |value, _| relu(&mut graph, value));
        assert_eq!(plan(&graph).buffers, [10, 10]);
    }

    #[test]
    fn a_shortcut_keeps_its_buffer_until_it_is_added() {
        let mut graph = Graph::new([1, 10]);
        let input = graph.input;
        let shortcut = relu(&mut graph, input);
        let end = (0..3).fold(shortcut, |value, _| relu(&mut graph, value));
        graph.output = graph.node(Op::Binary(Binary::Add), &[end, shortcut], [1, 10]);
        let memory = plan(&graph);
        assert_eq!(memory.buffers, [10, 10, 10]);
        let own = memory.buffer(&graph, shortcut);
        let others = (2..=5).map(|it| memory.buffer(&graph, ValueId(it)));
        assert!(others.into_iter().all(|buffer| buffer != own));
    }

    #[test]
    fn parts_of_a_joint_value_share_its_buffer_from_the_first_one_on() {
        let mut graph = Graph::new([1, 10]);
        let input = graph.input;
        let (first, between) = (relu(&mut graph, input), relu(&mut graph, input));
        let second = relu(&mut graph, between);
        let joint = graph.value([1, 20]);
        graph.values[first.0].home = Home::In(joint, 0);
        graph.values[second.0].home = Home::In(joint, 1);
        graph.output = joint;
        let memory = plan(&graph);
        assert_eq!(memory.buffers, [20, 10]);
        assert_eq!(memory.buffer(&graph, first), memory.buffer(&graph, second));
    }

    #[test]
    fn the_images_stay_where_they_are() {
        let mut graph = Graph::new([1, 10]);
        let input = graph.input;
        graph.output = relu(&mut graph, input);
        assert_eq!(plan(&graph).buffer(&graph, input), None);
    }
}
