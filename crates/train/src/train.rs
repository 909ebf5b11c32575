//! The training loop.

use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Device;
use burn_zoo_core::{Classifier, Error, Preprocess};

use crate::data::Dataset;
use crate::evaluate::evaluate;
use crate::random::Random;
use crate::recipe::Recipe;
use crate::schedule::Schedule;

/// What a run needs beside the model.
#[derive(Debug)]
pub struct Run<'a, M> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// What an image goes through first.
    pub preprocess: Preprocess,
    /// Images to learn from.
    pub training: Dataset,
    /// Images to watch the progress on; may be empty.
    pub validation: Dataset,
    /// Writes a model's weights to a file, under the keys that belong to it.
    pub save: fn(&M, &Path) -> Result<(), Error>,
}

/// One epoch's figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// Cross entropy on the validation images.
    pub valid_loss: f64,
    /// Accuracy on the validation images, in percent.
    pub top1: f64,
    /// Time taken.
    pub seconds: f64,
}

/// The best epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Its accuracy on the validation images, in percent.
    pub top1: f64,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainReport {
    /// All epochs.
    pub epochs: Vec<EpochReport>,
    /// The best one.
    pub best: Best,
    /// Its weights; `last.safetensors` lies beside it.
    pub checkpoint: PathBuf,
}

/// Trains a model on `device` and keeps `best.safetensors` and `last.safetensors` in the recipe's
/// output folder. `progress` hears of each epoch.
///
/// # Errors
///
/// [`Error::Training`] if the folder holds a run already or the loss is no longer a number;
/// [`Error::Input`], [`Error::Write`], and those of reading the images.
pub fn train<M: Classifier>(
    model: M,
    run: Run<'_, M>,
    device: &Device,
    mut progress: impl FnMut(&EpochReport),
) -> Result<TrainReport, Error> {
    let recipe = run.recipe;
    let checkpoint = prepare(recipe)?;
    let device = device.clone().autodiff();
    let mut model = model.to_device(&device).train();
    let mut optimizer = optimizer(recipe);
    let steps = run.training.len().div_ceil(recipe.batch);
    let schedule = Schedule::new(recipe, steps);

    let mut epochs: Vec<EpochReport> = Vec::new();
    let mut best = Best {
        epoch: 0,
        top1: -1.0,
    };
    for epoch in 0..recipe.epochs {
        let start = Instant::now();
        let order = Random::new(recipe.seed, epoch as u64, 0).permutation(run.training.len());
        let mut sum = 0.0;
        for (step, chunk) in order.chunks(recipe.batch).enumerate() {
            let change = (&recipe.data.augment, recipe.seed, epoch);
            let (images, labels) =
                run.training
                    .changed_batch(chunk, &run.preprocess, Some(change), &device)?;
            model.input().check(images.dims())?;
            let smoothing = (recipe.label_smoothing > 0.0).then_some(recipe.label_smoothing);
            let criterion = CrossEntropyLossConfig::new()
                .with_smoothing(smoothing)
                .init(&device);
            let loss = model
                .forward_train(images)
                .into_iter()
                .map(|head| criterion.forward(head.logits, labels.clone()) * head.weight)
                .reduce(|a, b| a + b)
                .expect("a network has a main head");
            let value: f32 = loss.clone().into_scalar();
            if !value.is_finite() {
                let reason = format!(
                    "the loss is {value} in epoch {}, step {step}; try a lower optimizer.lr",
                    epoch + 1
                );
                return Err(Error::Training { reason });
            }
            sum += f64::from(value) * chunk.len() as f64;
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(schedule.rate(epoch * steps + step), model, gradients);
        }

        let plain = model.valid();
        let found = evaluate(
            &plain,
            &run.validation,
            &run.preprocess,
            recipe.batch,
            &device,
        )?;
        let report = EpochReport {
            epoch: epoch + 1,
            train_loss: sum / run.training.len() as f64,
            valid_loss: found.loss,
            top1: found.top1,
            seconds: start.elapsed().as_secs_f64(),
        };
        (run.save)(&plain, &recipe.output.join("last.safetensors"))?;
        // Without validation images the last epoch counts as the best.
        if report.top1 > best.top1 || run.validation.is_empty() {
            best = Best {
                epoch: report.epoch,
                top1: report.top1,
            };
            (run.save)(&plain, &checkpoint)?;
        }
        progress(&report);
        epochs.push(report);
    }
    Ok(TrainReport {
        epochs,
        best,
        checkpoint,
    })
}

/// Makes the run's folder, with the recipe in it; where the best weights go.
fn prepare(recipe: &Recipe) -> Result<PathBuf, Error> {
    let folder = &recipe.output;
    let kept = folder.join("recipe.toml");
    if kept.exists() {
        let reason = format!(
            "{} holds a run already; move it away or set another output",
            folder.display()
        );
        return Err(Error::Training { reason });
    }
    std::fs::create_dir_all(folder).map_err(|source| Error::Write {
        path: folder.clone(),
        source,
    })?;
    let text = toml::to_string(recipe).map_err(|error| Error::Training {
        reason: error.to_string(),
    })?;
    std::fs::write(&kept, text).map_err(|source| Error::Write { path: kept, source })?;
    Ok(folder.join("best.safetensors"))
}

/// SGD without dampening, as PyTorch's.
fn optimizer(recipe: &Recipe) -> ModuleOptimizer {
    let settings = recipe.optimizer;
    let mut config = SgdConfig::new();
    if settings.momentum > 0.0 {
        let momentum = MomentumConfig::new()
            .with_momentum(settings.momentum)
            .with_dampening(0.0)
            .with_nesterov(settings.nesterov);
        config = config.with_momentum(Some(momentum));
    }
    if settings.weight_decay > 0.0 {
        config = config.with_weight_decay(Some(WeightDecayConfig::new(settings.weight_decay)));
    }
    config.init()
}
