//! `burn-zoo list`.

use anyhow::Result;
use burn::tensor::Device;
use burn_zoo::{Entry, Options};
use burn_zoo_core::Classifier as _;
use burn_zoo_graph::macs_of;
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::{count, device, fetch, model, report};

/// Lists the models: one row per weights, and one per architecture without any
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo list 'resnet50*'")]
pub(crate) struct Args {
    /// Only names that match; `*` stands for any text, `?` for one character
    #[arg(default_value = "*", hide_default_value = true)]
    pattern: String,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let device = device::parse("flex")?;
        let entries = burn_zoo::list(&self.pattern);
        let rows: Result<Vec<Row>> = entries
            .into_iter()
            .map(|entry| Row::of(entry, &device))
            .collect();
        let rows = rows?;
        if self.json {
            report::json(&rows.iter().map(Row::json).collect())?;
            return Ok(Outcome::Done);
        }
        if rows.is_empty() {
            report::note(&format!("no model matches {}", self.pattern));
        }
        let mut table = report::table(&[
            "name", "params", "macs", "input", "classes", "top-1 %", "top-5 %", "licence", "cached",
        ]);
        for row in &rows {
            table.add_row(row.cells());
        }
        report::print(&table)?;
        Ok(Outcome::Done)
    }
}

/// An entry with what only the built network knows.
struct Row {
    entry: Entry,
    params: u64,
    macs: u64,
    input: [usize; 3],
    classes: usize,
}

impl Row {
    fn of(entry: Entry, device: &Device) -> Result<Self> {
        // As `summary` counts them: heads that only train apart.
        let options = Options {
            aux_heads: false,
            ..model::options(&entry)?
        };
        let model = burn_zoo::create(&entry.architecture, options, device)?;
        let spec = model.input();
        let input = [spec.channels, spec.size[0], spec.size[1]];
        let build = |device: &Device| burn_zoo::create(&entry.architecture, options, device);
        let macs = macs_of(|device| build(device).expect("it was built before"), input);
        Ok(Self {
            entry,
            params: count::parameters(&model),
            macs,
            input,
            classes: model.num_classes(),
        })
    }

    /// Weights inside the program are always at hand.
    fn cached(&self) -> bool {
        self.entry.name == model::DEFAULT || self.entry.weights.is_some_and(fetch::is_cached)
    }

    fn json(&self) -> Value {
        let meta = self.entry.weights;
        let tag = meta
            .and_then(|meta| meta.name.split_once('.'))
            .map(|(_, tag)| tag);
        json!({
            "name": self.entry.name,
            "architecture": self.entry.architecture,
            "weights": tag,
            "params": self.params,
            "macs": self.macs,
            "input": self.input,
            "classes": self.classes,
            "top1": meta.and_then(|meta| meta.top1).map(report::number),
            "top5": meta.and_then(|meta| meta.top5).map(report::number),
            "licence": meta.map(|meta| meta.licence.to_string()),
            "cached": self.cached(),
        })
    }

    fn cells(&self) -> Vec<String> {
        let meta = self.entry.weights;
        vec![
            self.entry.name.to_owned(),
            report::grouped(self.params),
            report::grouped(self.macs),
            report::shape(&self.input),
            self.classes.to_string(),
            report::percent(meta.and_then(|meta| meta.top1)),
            report::percent(meta.and_then(|meta| meta.top5)),
            meta.map_or_else(|| "-".to_owned(), |meta| meta.licence.to_string()),
            if self.cached() { "yes" } else { "no" }.to_owned(),
        ]
    }
}
