//! `burn-zoo train`.

use std::path::PathBuf;

use anyhow::Result;
use burn_zoo::weights::Dtype;
use burn_zoo::{AnyClassifier, Options};
use burn_zoo_train::{EpochReport, Recipe, Run, Start, TrainReport};
use serde_json::{Value, json};

use crate::device::DeviceArgs;
use crate::failure::Outcome;
use crate::{model, report};

/// Trains a model from a recipe file: validates after each epoch, keeps the best weights, and
/// can go on after it was stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo train recipes/digits-resnet20.toml --set epochs=2 --set optimizer.lr=0.05
  burn-zoo train --resume runs/digits-resnet20")]
pub(crate) struct Args {
    /// The recipe, a TOML file
    #[arg(required_unless_present = "resume")]
    recipe: Option<PathBuf>,
    /// Goes on with the run in this folder, after its newest complete checkpoint
    #[arg(long, value_name = "DIR", conflicts_with_all = ["recipe", "set"])]
    resume: Option<PathBuf>,
    /// Folder of the data set, instead of the recipe's
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Replaces one value of the recipe, as optimizer.lr=0.05; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    device: DeviceArgs,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let (recipe, start) = match (&self.recipe, &self.resume) {
            (_, Some(folder)) => (Recipe::of_run(folder)?, Start::Resumed),
            (Some(path), None) => (Recipe::read(path, &self.set)?, Start::Fresh),
            (None, None) => unreachable!("clap asks for one of the two"),
        };
        let device = self.device.open()?;
        let (training, validation) = recipe.datasets(self.data.as_deref())?;
        let options = Options {
            classes: recipe.classes,
            channels: recipe.channels,
            aux_heads: true,
        };
        let model = model::drawn(&recipe.model, options, recipe.seed)?;
        let preprocess = burn_zoo::architecture(&recipe.model)?.preprocess(recipe.channels);
        report::note(&format!(
            "{} {} on {} images, validating on {}, into {}",
            match start {
                Start::Fresh => "training",
                Start::Resumed => "resuming",
            },
            recipe.model,
            training.len(),
            validation.len(),
            recipe.output.display()
        ));
        let total = recipe.epochs;
        let progress = move |epoch: &EpochReport| report::note(&line(epoch, total));
        let run = Run {
            recipe: &recipe,
            start,
            preprocess,
            training,
            validation,
            save: |model: &AnyClassifier, path| model.save(path, Dtype::F32),
        };
        let done = burn_zoo_train::train(model, run, &device, progress)?;
        if self.json {
            report::json(&document(&done))?;
        } else {
            let best = match done.best.top1 {
                Some(top1) => format!("best top-1 {top1:.2} % in epoch {}", done.best.epoch),
                None => format!("nothing to validate on; epoch {}", done.best.epoch),
            };
            report::text(&format!("{best}, kept in {}", done.checkpoint.display()))?;
        }
        Ok(Outcome::Done)
    }
}

fn document(done: &TrainReport) -> Value {
    let epochs = done.epochs.iter().map(|epoch| {
        json!({
            "epoch": epoch.epoch,
            "train_loss": epoch.train_loss,
            "valid_loss": epoch.valid_loss,
            "top1": epoch.top1,
            "seconds": epoch.seconds,
        })
    });
    json!({
        "epochs": epochs.collect::<Vec<_>>(),
        "best": { "epoch": done.best.epoch, "top1": done.best.top1 },
        "checkpoint": done.checkpoint,
    })
}

fn line(epoch: &EpochReport, total: usize) -> String {
    let valid = match (epoch.valid_loss, epoch.top1) {
        (Some(loss), Some(top1)) => format!("valid loss {loss:.4}, top-1 {top1:.2} %, "),
        _ => String::new(),
    };
    format!(
        "epoch {}/{total}: train loss {:.4}, {valid}{:.1} s",
        epoch.epoch, epoch.train_loss, epoch.seconds
    )
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE, as optimizer.lr=0.05".to_owned()),
    }
}
