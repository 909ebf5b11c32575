//! `burn-zoo plan`.

use anyhow::Result;
use burn::tensor::{Tensor, TensorData};
use burn_zoo_core::Classifier as _;
use burn_zoo_engine::{Compile as _, Plan, StepInfo};
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::inside::InsideArgs;
use crate::preprocessing::size;
use crate::source::Source;
use crate::{device, model, report};

/// Runs of which the median time counts.
const RUNS: usize = 11;

/// Shows how the engine runs a network: each step, what it takes in, how it is computed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo plan inception_v3 --profile")]
pub(crate) struct Args {
    /// An architecture (resnet18) or one with weights (resnet18.tv_in1k)
    model: String,
    /// Height and width of the images in pixels
    #[arg(long, value_name = "HxW", value_parser = size)]
    input: Option<[usize; 2]>,
    /// Images at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Weight file that determines classes and channels: path, URL or hf:owner/repo[@revision][/file]
    #[arg(long, value_name = "FILE")]
    weights: Option<Source>,
    #[command(flatten)]
    inside: InsideArgs,
    /// Runs the plan and shows each step's share of the time
    #[arg(long)]
    profile: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let device = device::parse("flex")?;
        device.seed(0);
        let (name, model) =
            model::build(&self.model, self.weights.as_ref(), &self.inside, &device)?;
        if self.weights.is_none() {
            report::note(&format!("{name}: built with random weights"));
        }
        let spec = model.input();
        let [height, width] = self.input.unwrap_or(spec.size);
        let shape = [usize::from(self.batch), spec.channels, height, width];
        let plan = model.compile(shape)?;
        let shares = if self.profile {
            shares(&plan, shape, &device)?
        } else {
            Vec::new()
        };
        if self.json {
            report::json(&document(&plan, &shares))?;
        } else {
            report::text(&format!("{name}, images {}\n", report::shape(&shape)))?;
            table(&plan, &shares)?;
            report::text(&format!("\n{}", plan.explain().join("\n")))?;
        }
        Ok(Outcome::Done)
    }
}

/// Each step's part of the time of a run, in `[0, 1]`.
fn shares(plan: &Plan, shape: [usize; 4], device: &burn::tensor::Device) -> Result<Vec<f64>> {
    let zeros = TensorData::zeros::<f32, _>(shape);
    let images = Tensor::from_data(zeros, device);
    let times = plan.profile(images, RUNS)?;
    let seconds: Vec<_> = times.iter().map(std::time::Duration::as_secs_f64).collect();
    let total: f64 = seconds.iter().sum();
    report::note(&format!("{:.1} ms, median of {RUNS} runs", 1e3 * total));
    Ok(seconds.into_iter().map(|it| it / total).collect())
}

fn document(plan: &Plan, shares: &[f64]) -> Value {
    let steps = plan.steps().iter().enumerate().map(|(index, step)| {
        let mut row = json!({
            "name": step.name,
            "op": step.op,
            "fused": step.fused,
            "algorithm": step.algorithm,
            "shapes": step.outputs.iter().map(|it| without_batch(it)).collect::<Vec<_>>(),
            "joint": step.joint,
        });
        if let Some(share) = shares.get(index) {
            row["share"] = json!(share);
        }
        row
    });
    let [activations, weights] = plan.bytes();
    json!({
        "steps": steps.collect::<Vec<_>>(),
        "fell_back": plan.fell_back(),
        "activation_bytes": activations,
        "weight_bytes": weights,
        "compile_seconds": plan.compiled_in().as_secs_f64(),
    })
}

fn table(plan: &Plan, shares: &[f64]) -> Result<()> {
    let mut header = vec![
        "step",
        "computes",
        "output",
        "and with it",
        "stores into",
        "algorithm",
    ];
    if !shares.is_empty() {
        header.push("time");
    }
    let mut table = report::table(&header);
    for (index, step) in plan.steps().iter().enumerate() {
        let mut row = vec![
            step.name.clone(),
            step.op.clone(),
            outputs(step),
            step.fused.join(", "),
            step.joint.join(", "),
            step.algorithm.clone().unwrap_or_default(),
        ];
        if let Some(share) = shares.get(index) {
            row.push(format!("{:.1} %", 100.0 * share));
        }
        table.add_row(row);
    }
    report::print(&table)
}

fn without_batch(shape: &[usize]) -> &[usize] {
    shape.get(1..).unwrap_or_default()
}

/// `64x35x35`, or `64+48x35x35` of two branches.
fn outputs(step: &StepInfo) -> String {
    let channels = step
        .outputs
        .iter()
        .filter_map(|it| it.get(1))
        .map(usize::to_string);
    let channels = channels.collect::<Vec<_>>().join("+");
    let grid = step
        .outputs
        .first()
        .and_then(|it| it.get(2..))
        .unwrap_or_default();
    let sizes = std::iter::once(channels).chain(grid.iter().map(usize::to_string));
    sizes.collect::<Vec<_>>().join("x")
}
