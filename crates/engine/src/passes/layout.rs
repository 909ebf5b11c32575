//! How values lie: images in blocks of 16 channels from the first layer to the pool, features row
//! by row, and conversions only between the two.

use std::collections::HashMap;

use burn_zoo_kernels::{Algorithm, LANES};

use crate::ir::{Graph, Home, Layout, Node, Op, ValueId};

/// Decides, and says how many conversions there are.
pub(super) fn assign(graph: &mut Graph) -> usize {
    let nodes = std::mem::take(&mut graph.nodes);
    let mut assigning = Assigning {
        graph,
        converted: HashMap::new(),
        conversions: 0,
    };
    for node in nodes {
        assigning.node(node);
    }
    let output = assigning.graph.output;
    assigning.graph.output = assigning.laid(output, Layout::Plain);
    assigning.conversions
}

struct Assigning<'a> {
    graph: &'a mut Graph,
    /// A value under the other layout.
    converted: HashMap<ValueId, ValueId>,
    conversions: usize,
}

impl Assigning<'_> {
    fn node(&mut self, mut node: Node) {
        let first = node.inputs.first().copied();
        let (inputs, output) = match &node.op {
            // A first layer reads the images as they come.
            Op::Conv(conv)
                if first.is_some_and(|it| self.graph.layout(it) == Layout::Plain)
                    && node.inputs.len() == 1
                    && Algorithm::Planar.supports(&conv.spec) =>
            {
                (Layout::Plain, Layout::Blocked)
            }
            Op::Linear(_) => (Layout::Plain, Layout::Plain),
            Op::AdaptivePool([1, 1]) => {
                node.op = Op::GlobalPool;
                (Layout::Blocked, Layout::Plain)
            }
            Op::Unary(_) | Op::Binary(_) | Op::Gate => {
                let blocked = |it: &ValueId| self.graph.layout(*it) == Layout::Blocked;
                let layout = if node.inputs.iter().any(blocked) {
                    Layout::Blocked
                } else {
                    Layout::Plain
                };
                (layout, layout)
            }
            Op::Reshape => return self.reshape(&node),
            _ => (Layout::Blocked, Layout::Blocked),
        };
        for input in &mut node.inputs {
            *input = self.laid(*input, inputs);
        }
        for value in &node.outputs {
            self.graph.values[value.0].layout = output;
        }
        self.graph.nodes.push(node);
    }

    /// Another name for the same numbers, in one layout or the other.
    fn reshape(&mut self, node: &Node) {
        let (mut input, output) = (node.inputs[0], node.outputs[0]);
        if self.graph.dims(input) != self.graph.dims(output) {
            input = self.laid(input, Layout::Plain);
        }
        self.graph.values[output.0].layout = self.graph.layout(input);
        self.graph.values[output.0].home = Home::Same(input);
    }

    /// The value in this layout, converted at most once.
    fn laid(&mut self, value: ValueId, layout: Layout) -> ValueId {
        if self.graph.layout(value) == layout {
            return value;
        }
        if let Some(converted) = self.converted.get(&value) {
            return *converted;
        }
        let shape = self.graph.shape(value).to_vec();
        let converted = self.graph.value(shape);
        self.graph.values[converted.0].layout = layout;
        let dims = self.graph.dims(value);
        if dims.is_some_and(|it| it.pixels() == 1 && it.channels.is_multiple_of(LANES)) {
            // One pixel of whole blocks lies the same way in both.
            self.graph.values[converted.0].home = Home::Same(value);
        } else {
            let op = match layout {
                Layout::Plain => Op::Unpack,
                Layout::Blocked => Op::Pack,
            };
            self.graph.nodes.push(Node::new(op, &[value], &[converted]));
            self.conversions += 1;
        }
        self.converted.insert(value, converted);
        converted
    }
}

#[cfg(test)]
mod tests {
    use burn_zoo_kernels::{Binary, Unary};

    use super::*;
    use crate::testing::{conv, linear};

    fn words(graph: &Graph) -> Vec<String> {
        graph.nodes.iter().map(|node| node.op.word()).collect()
    }

    #[test]
    fn a_network_of_few_channels_converts_nothing() {
        let mut graph = Graph::new([1, 3, 2, 2]);
        let input = graph.input;
        let map = conv(&mut graph, input, 20, &[0.5; 60], None);
        let map = graph.node(Op::Unary(Unary::Relu), &[map], [1, 20, 2, 2]);
        let pooled = graph.node(Op::AdaptivePool([1, 1]), &[map], [1, 20, 1, 1]);
        let row = graph.node(Op::Reshape, &[pooled], [1, 20]);
        graph.output = linear(&mut graph, row, 2, &[0.5; 40]);
        assert_eq!(assign(&mut graph), 0);
        assert_eq!(words(&graph), ["conv 1x1", "relu", "global pool", "linear"]);
        assert_eq!(graph.root(row), (pooled, 0));
    }

    #[test]
    fn many_channels_are_packed_once_however_often_they_are_read() {
        let mut graph = Graph::new([1, 32, 2, 2]);
        let input = graph.input;
        let a = conv(&mut graph, input, 1, &[0.5; 32], None);
        let b = conv(&mut graph, input, 1, &[0.5; 32], None);
        graph.output = graph.node(Op::Binary(Binary::Add), &[a, b], [1, 1, 2, 2]);
        assert_eq!(assign(&mut graph), 2);
        let expected = ["to blocks", "conv 1x1", "conv 1x1", "add", "from blocks"];
        assert_eq!(words(&graph), expected);
    }

    #[test]
    fn a_map_is_unpacked_before_it_becomes_a_row() {
        let mut graph = Graph::new([1, 3, 2, 2]);
        let input = graph.input;
        let map = conv(&mut graph, input, 16, &[0.5; 48], None);
        graph.output = graph.node(Op::Reshape, &[map], [1, 64]);
        assert_eq!(assign(&mut graph), 1);
        assert_eq!(words(&graph), ["conv 1x1", "from blocks"]);
    }

    #[test]
    fn one_pixel_of_whole_blocks_is_a_row_already() {
        let mut graph = Graph::new([2, 3, 1, 1]);
        let input = graph.input;
        let map = conv(&mut graph, input, 16, &[0.5; 48], None);
        graph.output = graph.node(Op::Reshape, &[map], [2, 16]);
        assert_eq!(assign(&mut graph), 0);
        assert_eq!(graph.root(graph.output), (map, 0));
    }
}
