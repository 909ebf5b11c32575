//! 1x1 branches that read the same input, computed together: it is read once, and the few channels
//! of one branch do not leave lanes idle.

use std::collections::BTreeMap;

use burn_zoo_kernels::LANES;

use crate::ir::{Conv, Graph, Layout, Node, Numbers, Op, ValueId};

/// Most branches of one convolution.
pub(crate) const MOST: usize = 4;

/// Merges them, and says how many convolutions became part of another.
pub(super) fn together(graph: &mut Graph) -> usize {
    let mut groups: BTreeMap<ValueId, Vec<usize>> = BTreeMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        if let Op::Conv(conv) = &node.op
            && pointwise(conv)
            && node.inputs.len() == 1
            && graph.layout(node.inputs[0]) == Layout::Blocked
        {
            groups.entry(node.inputs[0]).or_default().push(at);
        }
    }
    let mut merged = 0;
    let mut gone = vec![false; graph.nodes.len()];
    for (input, members) in groups {
        let members = fitting(graph, input, &members);
        if members.len() < 2 {
            continue;
        }
        let node = merge(graph, &members);
        let first = members.iter().copied().min().unwrap_or_default();
        for member in &members {
            gone[*member] = *member != first;
        }
        graph.nodes[first] = node;
        merged += members.len() - 1;
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| !gone.next().unwrap_or(false));
    merged
}

fn pointwise(conv: &Conv) -> bool {
    conv.spec.kernel == [1, 1] && conv.spec.padding == Default::default() && conv.spec.groups == 1
}

/// Those of the branches that one convolution can compute: whole blocks of channels in all but the
/// last, alike in stride and activation, each in memory of its own.
fn fitting(graph: &Graph, input: ValueId, members: &[usize]) -> Vec<usize> {
    let conv = |at: usize| match &graph.nodes[at].op {
        Op::Conv(conv) => conv,
        other => unreachable!("{} is no convolution", other.word()),
    };
    let broken = |at: usize| !conv(at).spec.channels[1].is_multiple_of(LANES);
    let mut roots = vec![graph.root(input).0];
    let mut chosen: Vec<usize> = Vec::new();
    let (whole, rest): (Vec<usize>, Vec<usize>) = members.iter().partition(|at| !broken(**at));
    for at in whole.into_iter().chain(rest.into_iter().take(1)) {
        let alike = chosen.first().is_none_or(|first| {
            conv(*first).activation == conv(at).activation
                && conv(*first).spec.stride == conv(at).spec.stride
        });
        let root = graph.root(graph.nodes[at].outputs[0]).0;
        if alike && chosen.len() < MOST && !roots.contains(&root) {
            roots.push(root);
            chosen.push(at);
        }
    }
    chosen
}

fn merge(graph: &Graph, members: &[usize]) -> Node {
    let convs = members
        .iter()
        .map(|at| (&graph.nodes[*at], &graph.nodes[*at].op));
    let (mut weight, mut bias, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    let mut names = Vec::new();
    let mut spec = None;
    for (node, op) in convs {
        let Op::Conv(conv) = op else { continue };
        weight.extend_from_slice(&conv.weight);
        match &conv.bias {
            Some(numbers) => bias.extend_from_slice(numbers),
            None => bias.resize(bias.len() + conv.spec.channels[1], 0.0),
        }
        outputs.extend_from_slice(&node.outputs);
        names.push(node.name.as_str());
        spec.get_or_insert((conv.spec, conv.activation, node));
    }
    let (mut spec, activation, first) = spec.expect("a group has members");
    spec.channels[1] = bias.len();
    let bias: Numbers = bias.into();
    let mut fused = first.fused.clone();
    fused.push(format!("{} branches", members.len()));
    Node {
        op: Op::Conv(Conv {
            spec,
            weight: weight.into(),
            bias: Some(bias),
            activation,
        }),
        inputs: first.inputs.clone(),
        outputs,
        name: joint_name(&names),
        fused,
    }
}

/// `mixed.{a, b}` of `mixed.a.conv` and `mixed.b.conv`.
fn joint_name(names: &[&str]) -> String {
    let paths: Vec<Vec<&str>> = names.iter().map(|name| name.split('.').collect()).collect();
    let shared =
        |same: &dyn Fn(usize) -> bool, most: usize| (0..most).take_while(|i| same(*i)).count();
    let shortest = paths.iter().map(Vec::len).min().unwrap_or_default();
    let before = shared(&|i| paths.iter().all(|it| it[i] == paths[0][i]), shortest);
    let from_end = |path: &[&str], i: usize| path[path.len() - 1 - i].to_owned();
    let after = shared(
        &|i| {
            paths
                .iter()
                .all(|it| from_end(it, i) == from_end(&paths[0], i))
        },
        shortest - before,
    );
    let middles: Vec<_> = paths
        .iter()
        .map(|path| path[before..path.len() - after].join("."))
        .collect();
    let mut name = paths[0][..before].join(".");
    if !name.is_empty() {
        name.push('.');
    }
    format!("{name}{{{}}}", middles.join(", "))
}

#[cfg(test)]
mod tests {
    use burn_zoo_kernels::Activation;

    use super::*;
    use crate::testing::conv;

    /// Branches of these widths from one blocked input.
    fn branches(widths: &[usize]) -> (Graph, Vec<ValueId>) {
        let mut graph = Graph::new([1, 2, 2, 2]);
        let input = graph.input;
        graph.values[input.0].layout = Layout::Blocked;
        let values: Vec<f32> = (0..64).map(|it| it as f32).collect();
        let parts = widths
            .iter()
            .map(|&width| conv(&mut graph, input, width, &values[..2 * width], None));
        let parts = parts.collect();
        (graph, parts)
    }

    #[test]
    fn weights_follow_each_other_in_the_order_of_the_outputs() {
        let (mut graph, parts) = branches(&[16, 16]);
        assert_eq!(together(&mut graph), 1);
        let [node] = &graph.nodes[..] else {
            panic!("{graph}");
        };
        let Op::Conv(merged) = &node.op else {
            panic!("{graph}");
        };
        assert_eq!(merged.spec.channels, [2, 32]);
        assert_eq!(merged.weight[31..34], [31.0, 0.0, 1.0]);
        assert_eq!(node.outputs, parts);
    }

    #[test]
    fn the_branch_that_breaks_a_block_comes_last_and_a_second_one_stays_alone() {
        let (mut graph, parts) = branches(&[5, 16, 7]);
        assert_eq!(together(&mut graph), 1);
        assert_eq!(graph.nodes.len(), 2);
        assert_eq!(graph.nodes[0].outputs, [parts[1], parts[0]]);
        assert_eq!(graph.nodes[1].outputs, [parts[2]]);
    }

    #[test]
    fn branches_with_different_activations_stay_apart() {
        let (mut graph, _) = branches(&[16, 16]);
        if let Op::Conv(conv) = &mut graph.nodes[1].op {
            conv.activation = Activation::Relu;
        }
        assert_eq!(together(&mut graph), 0);
    }

    #[test]
    fn names_keep_what_is_common_outside_of_the_braces() {
        let names = ["mixed.a.conv", "mixed.b.0.conv"];
        assert_eq!(joint_name(&names), "mixed.{a, b.0}");
        assert_eq!(joint_name(&["a", "b"]), "{a, b}");
    }
}
