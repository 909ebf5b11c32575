//! `burn-zoo evaluate`.

use std::path::PathBuf;

use anyhow::Result;
use burn_zoo_train::{ClassScore, Dataset, Evaluation, evaluate};
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::model::{Loaded, WeightArgs};
use crate::precision::InferenceArgs;
use crate::report;

/// Measures a model on a data set: accuracy, loss, precision and recall per class, confusion
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: burn-zoo evaluate --model resnet20_cifar.digits --data assets/mnist"
)]
pub(crate) struct Args {
    /// An architecture (resnet18, with --weights) or one with weights (resnet18.tv_in1k)
    #[arg(long)]
    model: String,
    /// Folder with IDX files (MNIST's form) or with one folder of images per class
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Part of the data set
    #[arg(long, value_name = "NAME", default_value = "test")]
    split: String,
    /// Images that go through the network at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = batch)]
    batch: usize,
    #[command(flatten)]
    device: InferenceArgs,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let device = self.device.open()?;
        let loaded = self.weights.load(&self.model, &device)?;
        let dataset = Dataset::open(&self.data, &self.split, &loaded.classes())?;
        report::note(&format!(
            "evaluating {} on {} images",
            loaded.name,
            dataset.len()
        ));
        let found = evaluate(
            &loaded.model,
            &dataset,
            &loaded.preprocess,
            self.batch,
            &device,
        )?;
        if self.json {
            report::json(&document(&found, &loaded))?;
        } else {
            table(&found, &loaded)?;
        }
        Ok(Outcome::Done)
    }
}

/// A label that the user gave or the weights have, else the data set's.
fn label<'a>(score: &'a ClassScore, loaded: &'a Loaded) -> Option<&'a str> {
    loaded.label(score.class).or(score.label.as_deref())
}

fn document(found: &Evaluation, loaded: &Loaded) -> Value {
    let per_class = found.per_class.iter().map(|score| {
        json!({
            "class": score.class,
            "label": label(score, loaded),
            "images": score.images,
            "precision": score.precision,
            "recall": score.recall,
        })
    });
    json!({
        "images": found.images,
        "top1": found.top1,
        "top5": found.top5,
        "loss": found.loss,
        "per_class": per_class.collect::<Vec<_>>(),
        "confusion": found.confusion,
        "seconds": found.seconds,
    })
}

fn table(found: &Evaluation, loaded: &Loaded) -> Result<()> {
    let share = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{:.2} %", 100.0 * value))
    };
    let mut table = report::table(&["class", "label", "images", "precision", "recall"]);
    for score in &found.per_class {
        table.add_row([
            score.class.to_string(),
            label(score, loaded).unwrap_or("-").to_owned(),
            score.images.to_string(),
            share(score.precision),
            share(score.recall),
        ]);
    }
    report::print(&table)?;
    report::text(&format!(
        "{} images: top-1 {:.2} %, top-5 {:.2} %, loss {:.4}, {:.1} s",
        found.images, found.top1, found.top5, found.loss, found.seconds
    ))
}

fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(batch @ 1..=65_536) => Ok(batch),
        _ => Err("expected a number of images from 1 to 65536".to_owned()),
    }
}
