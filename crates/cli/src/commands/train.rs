//! `burn-zoo train`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn_zoo::AnyClassifier;
use burn_zoo::weights::Dtype;
use burn_zoo_core::TrainingKernels;
use burn_zoo_train::{Display, Ended, EpochReport, Exchange, Recipe, Run, Start, TrainReport};
use serde_json::{Value, json};

use crate::data;
use crate::device::DeviceArgs;
use crate::failure::{Outcome, Usage};
use crate::kernels::KernelArgs;
use crate::{device, initial, report, stop};

/// Trains a model from a recipe file: validates after each epoch, keeps the best weights, and
/// can go on after it was stopped
///
/// On a terminal a dashboard shows the progress (q, then s, ends it), else one line an epoch on standard
/// error. Ctrl-C finishes the step and writes a checkpoint to go on from.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo train recipes/digits-resnet20.toml --set epochs=2 --set optimizer.lr=0.05
  burn-zoo train recipes/finetune.toml --data FOLDER
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
    /// Several devices instead of --device's one, each with a slice of every batch: flex,remote:ws://host:port
    #[arg(long, value_name = "DEVICE,DEVICE", value_delimiter = ',')]
    devices: Vec<String>,
    /// How several devices come to the same weights
    #[arg(long, value_enum, default_value_t = Strategy::Gather, requires = "devices")]
    strategy: Strategy,
    #[command(flatten)]
    kernels: KernelArgs,
    /// One line an epoch instead of the dashboard
    #[arg(long)]
    plain: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// How several devices come to the same weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Strategy {
    /// The first has the weights and gathers the gradients: any backend, remote devices too
    Gather,
    /// Each has the weights, and gradients are added between them by the backend's collectives: CUDA
    AllReduce,
}

impl Strategy {
    /// An error for devices that it does not work on.
    fn check(self, devices: &[String]) -> Result<(), Usage> {
        if self == Self::Gather {
            return Ok(());
        }
        let fail = |reason: String| Err(Usage(format!("--strategy all-reduce: {reason}")));
        if devices.len() < 2 {
            return fail("one device has nobody to exchange gradients with".to_owned());
        }
        for (index, name) in devices.iter().enumerate() {
            if !device::has_collectives(name) {
                return fail(format!(
                    "{name} has no collectives in Burn (only cuda has); --strategy gather works on it"
                ));
            }
            if devices[..index].contains(name) {
                return fail(format!(
                    "{name} is named twice, but collectives are between devices"
                ));
            }
        }
        Ok(())
    }
}

impl Args {
    /// Whether the calling thread trains, not one for each of several devices.
    pub(crate) fn is_on_one_device(&self) -> bool {
        self.devices.is_empty()
    }

    pub(crate) fn run(self) -> Result<Outcome> {
        self.kernels.choice().choose();
        let (mut recipe, start) = match (&self.recipe, &self.resume) {
            (_, Some(folder)) => (Recipe::of_run(folder)?, Start::Resumed),
            (Some(path), None) => (Recipe::read(path, &self.set)?, Start::Fresh),
            (None, None) => unreachable!("clap asks for one of the two"),
        };
        if let Some(path) = &self.data {
            recipe.data.path.clone_from(path);
        }
        self.strategy.check(&self.devices)?;
        let devices = match self.devices.as_slice() {
            [] => vec![self.device.open()?],
            names => {
                let opened = names.iter().map(|name| device::parse(name));
                opened.collect::<Result<_>>()?
            }
        };
        let images = data::resolve(&recipe.data.path)?;
        let (training, validation) = recipe.datasets(Some(&images))?;
        let (model, preprocess) = initial::model(&recipe, training.num_classes())?;
        report::note(&format!(
            "{} {} on {} images of {} classes, validating on {}, into {}",
            match start {
                Start::Fresh => "training",
                Start::Resumed => "resuming",
            },
            recipe.model,
            training.len(),
            training.num_classes(),
            validation.len(),
            recipe.output.display()
        ));
        let display = self.display();
        let total = recipe.epochs;
        let progress = move |epoch: &EpochReport| {
            // A line would be written across the dashboard.
            if display == Display::Silent {
                report::note(&format!("epoch {}/{total}: {}", epoch.epoch, epoch.line()));
            }
        };
        let run = Run {
            recipe: &recipe,
            start,
            preprocess,
            training,
            validation,
            save: |model: &AnyClassifier, path| model.save(path, Dtype::F32),
            stop: stop::flag()?,
            display,
            exchange: match self.strategy {
                Strategy::Gather => Exchange::Gather,
                Strategy::AllReduce => Exchange::AllReduce,
            },
        };
        let done = burn_zoo_train::train(model, run, &devices, progress)?;
        let resume = (done.ended == Ended::Stopped).then(|| self.resumes(&recipe));
        if self.json {
            report::json(&document(&done, resume))?;
        } else {
            report::text(&told(&done, resume))?;
        }
        Ok(Outcome::Done)
    }

    #[cfg(feature = "dashboard")]
    fn display(&self) -> Display {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        if self.plain || self.json || !terminal {
            Display::Silent
        } else {
            Display::Dashboard
        }
    }

    #[cfg(not(feature = "dashboard"))]
    fn display(&self) -> Display {
        Display::Silent
    }

    /// The command that goes on with a run.
    fn resumes(&self, recipe: &Recipe) -> String {
        // A new run keeps in its recipe where its images are.
        let data = match (&self.resume, &self.data) {
            (Some(_), Some(path)) => format!(" --data {}", quoted(path)),
            _ => String::new(),
        };
        let device = match (self.devices.as_slice(), self.device.name()) {
            ([], "flex") => String::new(),
            ([], name) => format!(" --device {name}"),
            (names, _) => format!(" --devices {}", names.join(",")),
        };
        let strategy = match self.strategy {
            Strategy::Gather => "",
            Strategy::AllReduce => " --strategy all-reduce",
        };
        // Others would not go on to the same losses.
        let kernels = match self.kernels.choice() {
            TrainingKernels::Fast => "",
            TrainingKernels::Exact => " --exact",
            TrainingKernels::Off => " --engine off",
        };
        let folder = quoted(&recipe.output);
        format!("burn-zoo train --resume {folder}{data}{device}{strategy}{kernels}")
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+:@%".contains(letter);
    if path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

fn told(done: &TrainReport, resume: Option<String>) -> String {
    if let Some(command) = resume {
        return format!(
            "stopped after {} complete epochs; go on with\n  {command}",
            done.epochs.len()
        );
    }
    let best = match done.best.top1 {
        Some(top1) => format!("best top-1 {top1:.2} % in epoch {}", done.best.epoch),
        None => format!("nothing to validate on; epoch {}", done.best.epoch),
    };
    let early = match done.ended {
        Ended::Early => ", stopped early",
        _ => "",
    };
    format!("{best}{early}, kept in {}", done.checkpoint.display())
}

fn document(done: &TrainReport, resume: Option<String>) -> Value {
    let epochs = done.epochs.iter().map(|epoch| {
        json!({
            "epoch": epoch.epoch,
            "train_loss": epoch.train_loss,
            "valid_loss": epoch.valid_loss,
            "top1": epoch.top1,
            "lr": epoch.lr,
            "seconds": epoch.seconds,
            "data_wait": epoch.data_wait,
            "skipped": epoch.skipped,
        })
    });
    json!({
        "epochs": epochs.collect::<Vec<_>>(),
        "best": { "epoch": done.best.epoch, "top1": done.best.top1 },
        "checkpoint": done.checkpoint.display().to_string(),
        "ended": match done.ended {
            Ended::Finished => "finished",
            Ended::Early => "early",
            Ended::Stopped => "stopped",
        },
        "resume": resume,
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE, as optimizer.lr=0.05".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_quoted_only_where_a_shell_needs_it() {
        assert_eq!(quoted(Path::new("runs/net-1.2")), "runs/net-1.2");
        assert_eq!(quoted(Path::new("my run")), "'my run'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }
}
