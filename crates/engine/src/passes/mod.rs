//! What is done to a graph before it becomes steps. Each pass is a function of the graph that says
//! how often it found something to do.

mod activation;
mod concat;
mod dead;
mod gate;
mod layout;
mod norm;
mod residual;
mod response_norm;
mod scale;
mod siblings;

pub(crate) use siblings::MOST as MOST_SIBLINGS;

use crate::ir::{Graph, Op};

/// How often each pass changed something, for the reader of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Batch norms, biases and scales that became part of the weights before them.
    pub norms: usize,
    /// Additions that a convolution does before it stores.
    pub residuals: usize,
    /// Activations that the layer before does before it stores.
    pub activations: usize,
    /// Gated sums and local response norms, each recorded as several operations.
    pub patterns: usize,
    /// Branches that store straight into a joint tensor.
    pub in_place: usize,
    /// Branches that are copied there.
    pub copied: usize,
    /// 1x1 convolutions that are computed by one that reads the same input.
    pub siblings: usize,
    /// Conversions between layouts.
    pub conversions: usize,
    /// Operations whose result nothing reads.
    pub dead: usize,
}

/// All that need not know how values lie. What nothing can run afterwards is named, once each.
pub(crate) fn simplify(graph: &mut Graph) -> (Changes, Vec<String>) {
    let mut changes = Changes {
        dead: dead::drop(graph),
        ..Changes::default()
    };
    let mut run = |pass: fn(&mut Graph) -> usize| {
        let found = pass(graph);
        dead::drop(graph);
        found
    };
    run(scale::compose);
    changes.patterns = run(response_norm::recognise) + run(gate::recognise);
    changes.norms = run(norm::fold);
    changes.residuals = run(residual::fuse);
    changes.activations = run(activation::fuse);
    let mut foreign = Vec::new();
    for node in &graph.nodes {
        let odd = node.outputs.iter().find(|it| graph.dims(**it).is_none());
        let word = match (&node.op, odd) {
            (Op::Foreign(_) | Op::Part(_), _) => node.op.word(),
            (op, Some(output)) => format!("{} to {:?}", op.word(), graph.shape(*output)),
            (_, None) => continue,
        };
        if !foreign.contains(&word) {
            foreign.push(word);
        }
    }
    (changes, foreign)
}

/// Where and how values lie.
pub(crate) fn place(graph: &mut Graph, changes: &mut Changes) {
    changes.conversions = layout::assign(graph);
    (changes.in_place, changes.copied) = concat::in_place(graph);
    changes.siblings = siblings::together(graph);
}
