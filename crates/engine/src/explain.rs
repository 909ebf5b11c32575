//! A plan in words.

use std::collections::BTreeMap;

use burn_zoo_kernels::Conv2dSpec;

use crate::Plan;
use crate::ir::{Graph, Home, Node, Op, ValueId};

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Path of the layer in the module (`layer1.0.conv1`); what has no parameters is numbered
    /// (`max pool 1`).
    pub name: String,
    /// What it computes.
    pub op: String,
    /// Other operations that it does before it stores.
    pub fused: Vec<String>,
    /// How it is computed, where there is a choice.
    pub algorithm: Option<String>,
    /// Shape of its first input, as it was in the module; empty if it reads nothing.
    pub input: Vec<usize>,
    /// Shapes of its outputs.
    pub outputs: Vec<Vec<usize>>,
    /// The joint tensor that it stores into, with the channels there (`mixed_5b[64..128]`), for
    /// each output that lies in one.
    pub joint: Vec<String>,
}

/// The steps of a graph whose values have places.
pub(crate) fn steps(graph: &Graph) -> Vec<StepInfo> {
    let joints = joints(graph);
    let mut numbers = BTreeMap::new();
    let info = |node: &Node| {
        let name = if node.name.is_empty() {
            let word = node.op.word();
            let size = word
                .rfind(' ')
                .filter(|at| word[at + 1..].starts_with(char::is_numeric));
            let kind = &word[..size.unwrap_or(word.len())];
            let number: &mut usize = numbers.entry(kind.to_owned()).or_default();
            *number += 1;
            format!("{kind} {number}")
        } else {
            node.name.clone()
        };
        StepInfo {
            name,
            op: op(&node.op),
            fused: node.fused.clone(),
            algorithm: None,
            input: node
                .inputs
                .first()
                .map_or_else(Vec::new, |it| graph.shape(*it).to_vec()),
            outputs: node
                .outputs
                .iter()
                .map(|it| graph.shape(*it).to_vec())
                .collect(),
            joint: node
                .outputs
                .iter()
                .filter_map(|it| stored(graph, &joints, *it))
                .collect(),
        }
    };
    graph.nodes.iter().map(info).collect()
}

fn op(op: &Op) -> String {
    let strided = |stride: [usize; 2]| match stride {
        [1, 1] => String::new(),
        [rows, columns] if rows == columns => format!(" / {rows}"),
        [rows, columns] => format!(" / {rows}x{columns}"),
    };
    match op {
        Op::Conv(conv) => {
            let Conv2dSpec { stride, groups, .. } = conv.spec;
            let groups = if groups == 1 {
                String::new()
            } else {
                format!(", {groups} groups")
            };
            format!("{}{}{groups}", op.word(), strided(stride))
        }
        Op::MaxPool(spec) | Op::AveragePool(spec, _) => {
            format!("{}{}", op.word(), strided(spec.stride))
        }
        _ => op.word(),
    }
}

/// Names of the joint tensors: what the layers that store there have in common.
fn joints(graph: &Graph) -> BTreeMap<ValueId, String> {
    let mut makers: BTreeMap<ValueId, Vec<&str>> = BTreeMap::new();
    for node in &graph.nodes {
        for output in &node.outputs {
            let joined = matches!(graph.values[output.0].home, Home::In(..))
                || matches!(node.op, Op::Place { .. });
            if joined {
                makers
                    .entry(graph.root(*output).0)
                    .or_default()
                    .push(&node.name);
            }
        }
    }
    let named = makers
        .into_iter()
        .enumerate()
        .map(|(number, (joint, names))| {
            let mut names = names.into_iter().filter(|name| !name.is_empty());
            let first: Vec<_> = names.next().unwrap_or_default().split(['.', '{']).collect();
            let shared = names.fold(first.len().saturating_sub(1), |shared, name| {
                let same = name
                    .split(['.', '{'])
                    .zip(&first)
                    .take_while(|(a, b)| a == *b);
                same.count().min(shared)
            });
            let name = first[..shared].join(".");
            let name = Some(name).filter(|name| !name.is_empty());
            (
                joint,
                name.unwrap_or_else(|| format!("joint {}", number + 1)),
            )
        });
    named.collect()
}

fn stored(graph: &Graph, joints: &BTreeMap<ValueId, String>, value: ValueId) -> Option<String> {
    let (root, block) = graph.root(value);
    let name = joints.get(&root)?;
    let first = block * burn_zoo_kernels::LANES;
    let channels = graph.dims(value)?.channels;
    Some(format!("{name}[{first}..{}]", first + channels))
}

impl<const D: usize> Plan<D> {
    /// What became of the recorded operations, in sentences.
    pub fn explain(&self) -> Vec<String> {
        let Some(program) = self.program() else {
            let names = self.fell_back().join(", ");
            return vec![format!(
                "the engine cannot compile {names}: the whole network runs on Burn as it is"
            )];
        };
        let changes = self.changes;
        let mut lines = vec![format!(
            "{} recorded operations became {} steps, for {} and {} threads:",
            self.recorded,
            self.infos.len(),
            program.isa(),
            rayon::current_num_threads(),
        )];
        let rows = [
            (
                changes.norms,
                "batch norms, biases and scales are part of the weights before them",
            ),
            (
                changes.residuals,
                "residuals are added before the only store of a convolution",
            ),
            (
                changes.activations,
                "activations are applied before that store",
            ),
            (
                changes.patterns,
                "gates and local response norms, recorded as many operations, are one step each",
            ),
            (
                changes.in_place,
                "branches store straight into their channels of a joint tensor: joining costs nothing",
            ),
            (
                changes.copied,
                "branches are copied into a joint tensor, since they do not begin at a multiple of 16 channels",
            ),
            (
                changes.siblings,
                "1x1 convolutions are computed by one that reads the same input",
            ),
            (
                changes.dead,
                "operations were dropped, since nothing reads what they compute",
            ),
            (
                changes.conversions,
                "conversions between Burn's layout and blocks of 16 channels",
            ),
        ];
        let told = rows.into_iter().filter(|(count, _)| *count > 0);
        lines.extend(told.map(|(count, text)| format!("  {count:4} {text}")));
        let megabytes = |bytes: usize| bytes as f64 / 1e6;
        let [activations, weights] = self.bytes();
        lines.push(format!(
            "activations take {:.1} MB (each in memory of its own: {:.1} MB), packed weights {:.1} \
             MB; compiled in {:.0} ms",
            megabytes(activations),
            megabytes(program.unshared),
            megabytes(weights),
            1e3 * self.compiled_in().as_secs_f64(),
        ));
        lines
    }
}
