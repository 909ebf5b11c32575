//! Puts a run together and starts it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::module::{ModuleDisplay, ModuleVisitor, Param};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::tensor::{Device, Tensor};
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};
use burn_zoo_core::{Classifier, Error, Preprocess};

use crate::checkpoints::{Checkpoints, State};
use crate::data::Dataset;
use crate::history::History;
use crate::loader::{Loader, Order, Source, Views, workers};
use crate::optimizer::optimizer;
use crate::recipe::{OF_RUN, Recipe};
use crate::report::{EpochReport, TrainReport};
use crate::schedule::{Schedule, Steps};
use crate::silent::Silent;
use crate::strategy::{OneDevice, lock};
use crate::trainee::Trainee;

/// What a run needs beside the model.
#[derive(Debug)]
pub struct Run<'a, M> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// Whether the run is new.
    pub start: Start,
    /// What an image goes through first.
    pub preprocess: Preprocess,
    /// Images to learn from.
    pub training: Dataset,
    /// Images to watch the progress on; may be empty.
    pub validation: Dataset,
    /// Writes a model's weights to a file, under the keys that belong to it, aside first.
    pub save: fn(&M, &Path) -> Result<(), Error>,
}

/// Where a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// In a folder that holds no run yet.
    #[default]
    Fresh,
    /// After the newest complete checkpoint in its folder, or from the start if there is none.
    /// The recipe is [`Recipe::of_run`]'s and the model as it was at first.
    Resumed,
}

/// Trains a model on `device` and keeps in the recipe's output folder `best.safetensors`,
/// `last.safetensors` and, under `checkpoints`, the state after the last two and the best epoch.
/// `progress` hears of each epoch when its checkpoint is complete.
///
/// # Errors
///
/// [`Error::Training`] if the folder holds a run already (or, to be resumed, another one), a
/// checkpoint is broken, or the loss is no longer a number; [`Error::Input`], [`Error::Write`],
/// and those of reading the images.
pub fn train<M: Classifier + ModuleDisplay + 'static>(
    model: M,
    run: Run<'_, M>,
    device: &Device,
    progress: impl FnMut(&EpochReport) + 'static,
) -> Result<TrainReport, Error> {
    let recipe = run.recipe;
    let checkpoints = Checkpoints::of_run(&recipe.output);
    let state = match run.start {
        Start::Fresh => {
            prepare(recipe)?;
            None
        }
        Start::Resumed => resumable(recipe, &checkpoints)?,
    };

    let device = device.clone().autodiff();
    let input = model.input();
    let steps = run.training.len().div_ceil(recipe.batch);
    let model = model.to_device(&device).train();
    model.visit(&mut Draw);
    let mut model = Trainee::new(model, recipe.label_smoothing);
    let mut optimizer = optimizer(&recipe.optimizer);
    let mut schedule = ModuleLrScheduler::new(Steps::new(Schedule::new(recipe, steps)));
    if let Some(state) = &state {
        (model, optimizer, schedule) =
            checkpoints.restore(state.epoch, model, optimizer, schedule)?;
    }
    let state = state.unwrap_or(State {
        seed: recipe.seed,
        ..State::default()
    });

    let loader = |dataset, order, device| {
        let source = Source {
            dataset,
            preprocess: run.preprocess,
            input,
            classes: recipe.classes,
            batch: recipe.batch,
            order,
            bad_images: recipe.data.bad_images(),
            workers: workers(recipe.data.workers),
        };
        Arc::new(Loader::new(source, state.epoch, device))
    };
    let shuffled = Order::Shuffled {
        seed: recipe.seed,
        augment: recipe.data.augment,
        mix: recipe.mix,
    };
    let validated = !run.validation.is_empty();
    let training = loader(run.training, shuffled, device.clone());
    let validation = loader(
        run.validation,
        Order::Stored(Views::One),
        device.clone().inner(),
    );
    let strategy = Arc::new(OneDevice {
        device,
        output: recipe.output.clone(),
        checkpoints,
        validated,
        watch: training.watch(),
        save: run.save,
        progress: Mutex::new(progress),
        state: Mutex::new(state.clone()),
        failure: Mutex::new(None),
    });
    SupervisedTraining::new(&recipe.output, training, validation)
        .metrics((LossMetric::new(), AccuracyMetric::new()))
        .with_metric_logger(History::default())
        .with_application_logger(None)
        .renderer(Box::new(Silent))
        .with_training_strategy(TrainingStrategy::Custom(strategy.clone()))
        .num_epochs(recipe.epochs)
        .checkpoint(state.epoch)
        .launch(Learner::new(model, optimizer, schedule));
    if let Some(error) = lock(&strategy.failure).take() {
        return Err(error);
    }
    let state = lock(&strategy.state).clone();
    Ok(TrainReport {
        epochs: state.epochs,
        best: state.best.unwrap_or_default(),
        checkpoint: recipe.output.join("best.safetensors"),
    })
}

/// Burn draws a weight when it is first used. All are drawn before the first epoch, which has a
/// seed of its own.
struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let _: Tensor<D> = param.val();
    }
}

/// Makes the run's folder, with the recipe in it.
fn prepare(recipe: &Recipe) -> Result<(), Error> {
    let folder = &recipe.output;
    let kept = folder.join(OF_RUN);
    if kept.exists() {
        let reason = format!(
            "{} holds a run already; resume it, move it away or set another output",
            folder.display()
        );
        return Err(Error::Training { reason });
    }
    let write = |path: &Path, source| Error::Write {
        path: path.into(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(|source| write(folder, source))?;
    let text = toml::to_string(recipe).map_err(|error| Error::Training {
        reason: error.to_string(),
    })?;
    let aside = kept.with_extension("partial");
    std::fs::write(&aside, text).map_err(|source| write(&aside, source))?;
    std::fs::rename(&aside, &kept).map_err(|source| write(&kept, source))
}

/// The state to go on from, if the folder holds this very run.
fn resumable(recipe: &Recipe, checkpoints: &Checkpoints) -> Result<Option<State>, Error> {
    let folder = &recipe.output;
    let differs = |what: &str| Error::Training {
        reason: format!("{} holds a run of another {what}", folder.display()),
    };
    let mut kept = Recipe::of_run(folder)?;
    // The images may have been moved.
    kept.data.path.clone_from(&recipe.data.path);
    if kept != *recipe {
        return Err(differs("recipe"));
    }
    let state = checkpoints.newest()?;
    match &state {
        Some(state) if state.seed != recipe.seed => Err(differs("seed")),
        _ => Ok(state),
    }
}
