//! `burn-zoo summary`.

use anyhow::Result;
use burn_zoo_core::Classifier as _;
use serde_json::json;

use crate::failure::Outcome;
use crate::inside::InsideArgs;
use crate::preprocessing::size;
use crate::source::Source;
use crate::{device, model, report};

/// Shows a network stage by stage: output shape, parameters, multiply-accumulates
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo summary resnet50 --input 224x224")]
pub(crate) struct Args {
    /// An architecture (resnet18) or one with weights (resnet18.tv_in1k)
    model: String,
    /// Height and width of the image in pixels
    #[arg(long, value_name = "HxW", value_parser = size)]
    input: Option<[usize; 2]>,
    /// Weight file that determines classes and channels: path, URL or hf:owner/repo[@revision][/file]
    #[arg(long, value_name = "FILE")]
    weights: Option<Source>,
    #[command(flatten)]
    inside: InsideArgs,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let random = self.weights.is_none();
        let device = device::parse("flex")?;
        device.seed(0);
        let (name, model) =
            model::build(&self.model, self.weights.as_ref(), &self.inside, &device)?;
        let spec = model.input();
        let [height, width] = self.input.unwrap_or(spec.size);
        spec.check([1, spec.channels, height, width])?;
        let summary = burn_zoo_graph::summarise(&model, height, width)?;
        if random {
            report::note(&format!("{name}: counted on random weights"));
        }
        if self.json {
            let stages = summary.stages.iter().map(|stage| {
                json!({
                    "name": stage.name,
                    "shape": stage.shape,
                    "params": stage.params,
                    "macs": stage.macs,
                })
            });
            report::json(&json!({
                "name": name,
                "input": summary.input,
                "params": summary.params,
                "params_aux": summary.params_aux,
                "macs": summary.macs,
                "stages": stages.collect::<Vec<_>>(),
            }))?;
            return Ok(Outcome::Done);
        }
        let mut table = report::table(&["stage", "output", "params", "macs"]);
        table.add_row([
            "input".to_owned(),
            report::shape(&summary.input),
            String::new(),
        ]);
        for stage in &summary.stages {
            table.add_row([
                stage.name.clone(),
                report::shape(&stage.shape),
                report::grouped(stage.params as u64),
                report::grouped(stage.macs),
            ]);
        }
        table.add_row([
            "total".to_owned(),
            String::new(),
            report::grouped(summary.params as u64),
            report::grouped(summary.macs),
        ]);
        report::print(&table)?;
        if summary.params_aux > 0 {
            let count = report::grouped(summary.params_aux as u64);
            report::text(&format!(
                "auxiliary heads, in training only: {count} parameters"
            ))?;
        }
        Ok(Outcome::Done)
    }
}
