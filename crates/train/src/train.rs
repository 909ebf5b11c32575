//! Puts a run together and starts it.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use burn::module::{Module as _, ModuleDisplay, ModuleMapper, ModuleVisitor, Param};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::tensor::{Device, GradientCheckpointingStrategy, Tensor};
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::renderer::MetricsRenderer;
use burn::train::{Interrupter, Learner, SupervisedTraining, TrainingStrategy};
use burn_zoo_core::{Classifier, Error, Preprocess};

use crate::average::Average;
use crate::checkpoints::{Checkpoints, State};
use crate::data::Dataset;
use crate::files::{About, Files};
use crate::history::History;
use crate::loader::{Loader, Order, Source, Views, workers};
use crate::optimizer::optimizer;
use crate::output::{self, BEST, Saw};
use crate::parts::Parts;
use crate::recipe::Recipe;
use crate::report::{Ended, EpochReport, TrainReport};
use crate::schedule::{Schedule, Steps};
use crate::silent::Silent;
use crate::strategy::{Checkpointed, lock};
use crate::team::Team;
use crate::trainee::{Trainable, Trainee};

/// What a run needs beside the model.
#[derive(Debug)]
pub struct Run<'a, M> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// Whether the run is new.
    pub start: Start,
    /// The preprocessing of images, before the recipe's overrides.
    pub preprocess: Preprocess,
    /// Images to learn from.
    pub training: Dataset,
    /// Images to watch the progress on; may be empty.
    pub validation: Dataset,
    /// Writes a model's weights to a file, under the keys that belong to it, aside first.
    pub save: fn(&M, &Path) -> Result<(), Error>,
    /// Set by whoever wants the run to stop: the step is finished, a checkpoint written.
    pub stop: Arc<AtomicBool>,
    /// What is shown while it runs.
    pub display: Display,
    /// How several devices come to the same weights.
    pub exchange: Exchange,
}

impl<'a, M> Run<'a, M> {
    /// A new run on training and validation images, which nothing stops or shows.
    pub fn new(
        recipe: &'a Recipe,
        preprocess: Preprocess,
        (training, validation): (Dataset, Dataset),
        save: fn(&M, &Path) -> Result<(), Error>,
    ) -> Self {
        Self {
            recipe,
            start: Start::Fresh,
            preprocess,
            training,
            validation,
            save,
            stop: Arc::default(),
            display: Display::Silent,
            exchange: Exchange::Gather,
        }
    }
}

/// How several devices come to the same weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exchange {
    /// The first has the weights, lends them to the others for each step and gathers their gradients:
    /// Burn's multi-device workers, on any backend.
    #[default]
    Gather,
    /// Each has the weights and an optimizer, and the gradients are added between the devices, by the
    /// collectives of a backend that has them: of Burn 0.22's that is CUDA, where
    /// [`train()`] panics on others. (Burn's own data-parallel loop has no part in it: it shares the
    /// running statistics of batch norms between its devices, and keeps other checkpoints.)
    AllReduce,
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

/// What is shown while a run is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Display {
    /// Nothing.
    #[default]
    Silent,
    /// Burn's dashboard, on standard output, which must be a terminal.
    #[cfg(feature = "dashboard")]
    Dashboard,
}

impl Display {
    fn renderer(self, _interrupter: &Interrupter) -> Box<dyn MetricsRenderer> {
        match self {
            Self::Silent => Box::new(Silent),
            #[cfg(feature = "dashboard")]
            Self::Dashboard => {
                use burn::train::renderer::tui::TuiMetricsRendererWrapper;
                Box::new(TuiMetricsRendererWrapper::new(_interrupter.clone(), None))
            }
        }
    }
}

/// Trains a model and keeps what it finds in the recipe's output folder. Of several `devices`, each
/// takes a slice of every batch: their losses are those of one
/// device but for batch norms, which see a slice, and dropout.
///
/// In the folder are:
///
/// - `best.safetensors` and `last.safetensors`, the weights (their average, where the recipe asks
///   for one; then `last-plain.safetensors` has the weights themselves);
/// - `checkpoints`, the state after the last two epochs and the best one, or where the run was
///   stopped;
/// - `recipe.toml`, with the number of classes and the whole preprocessing, `metrics.csv`, `train.log`, `curves.svg`, `report.md`, and with validation
///   images `confusion.svg`, of the best epoch;
/// - `labels.txt`, the names of the classes, where they are folders.
///
/// `progress` hears of each epoch when its checkpoint is complete.
///
/// # Errors
///
/// [`Error::Training`] if the folder holds a run already (or, to be resumed, another one), a
/// checkpoint is broken, the recipe asks for what the network cannot do, or the loss is no longer
/// a number; [`Error::Input`], [`Error::Write`], and those of reading the images.
pub fn train<M: Classifier + ModuleDisplay + 'static>(
    model: M,
    run: Run<'_, M>,
    devices: &[Device],
    progress: impl FnMut(&EpochReport) + 'static,
) -> Result<TrainReport, Error> {
    let classes = run.training.num_classes();
    let preprocess = run.recipe.preprocess.apply(run.preprocess);
    let wrong = |reason: String| Error::Training { reason };
    preprocess.check().map_err(wrong)?;
    let run = Run { preprocess, ..run };
    let recipe = &Recipe {
        classes: Some(classes),
        preprocess: preprocess.into(),
        ..run.recipe.clone()
    };
    if recipe.early_stopping.is_some() && run.validation.is_empty() {
        let reason = "early_stopping needs validation images; set data.valid above 0".to_owned();
        return Err(Error::Training { reason });
    }
    check_size(&model, recipe, &run)?;
    let model = with_stochastic_depth(model, recipe)?;
    let checkpoints = Checkpoints::of_run(&recipe.output);
    let saw = Saw::of(&run.training, &run.validation);
    let (claim, state) = match run.start {
        Start::Fresh => (None, None),
        Start::Resumed => {
            let (claim, state) = output::reopen(recipe, &checkpoints, saw)?;
            (Some(claim), state)
        }
    };

    let with_gradients = |device: &Device| match recipe.gradient_checkpointing {
        false => device.clone().autodiff(),
        true => device.clone().autodiff().gradient_checkpointing(),
    };
    let devices: Vec<_> = devices.iter().map(with_gradients).collect();
    let Some(device) = devices.first().cloned() else {
        let reason = "no device to train on was given".to_owned();
        return Err(Error::Training { reason });
    };
    let [trained, input] = [model.training_input(), model.input()];
    let batches = run.training.len().div_ceil(recipe.batch);
    let schedule = Schedule::new(recipe, batches.div_ceil(recipe.accumulate));
    let learns = |model: M, device: &Device| {
        learner(
            model,
            recipe,
            schedule.clone(),
            state.as_ref(),
            &checkpoints,
            device,
        )
    };
    model.visit(&mut Draw);
    let other = |device: &Device| Ok(learns(model.valid(), device)?.0);
    let team = Team::of(&devices, run.exchange, recipe.accumulate, other)?;
    let (learner, average) = learns(model, &device)?;
    let about = About::new(&learner.model(), &run, &devices);
    // Not before: a recipe that cannot be run leaves no folder.
    let _claim = match claim {
        Some(claim) => claim,
        None => output::make(recipe, &run.training)?,
    };
    let name = |class| run.training.class_name(class).map(str::to_owned);
    let labels = (0..classes).map(name).collect();
    let files = Files::new(&recipe.output, about, labels);
    files.start(state.as_ref().map(|state| state.epoch))?;
    let state = state.unwrap_or(State {
        seed: recipe.seed,
        saw: Some(saw),
        ..State::default()
    });

    let loader = |dataset, order, input, device| {
        let source = Source {
            dataset,
            preprocess: run.preprocess,
            input,
            classes,
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
    let training = loader(run.training, shuffled, trained, device.clone());
    let validation = loader(
        run.validation,
        Order::Stored(Views::One),
        input,
        device.clone().inner(),
    );
    let interrupter = Interrupter::new();
    let strategy = Arc::new(Checkpointed {
        devices,
        team: Mutex::new(team),
        recipe: recipe.clone(),
        output: recipe.output.clone(),
        checkpoints,
        files,
        validated,
        watch: training.watch(),
        save: run.save,
        progress: Mutex::new(Box::new(progress)),
        stop: run.stop,
        state: Mutex::new(state.clone()),
        average: Mutex::new(average),
        ended: Mutex::new(Ok(Ended::Finished)),
    });
    SupervisedTraining::new(&recipe.output, training, validation)
        .metrics((LossMetric::new(), AccuracyMetric::new()))
        .with_metric_logger(History::default())
        .with_application_logger(None)
        .renderer(run.display.renderer(&interrupter))
        .with_interrupter(interrupter)
        .with_training_strategy(TrainingStrategy::Custom(strategy.clone()))
        .num_epochs(recipe.epochs)
        .checkpoint(state.epoch)
        .launch(learner);
    let ended = std::mem::replace(&mut *lock(&strategy.ended), Ok(Ended::Finished));
    // Of two errors the run's own says more.
    let noted = strategy.files.end(ended.as_ref().ok().copied());
    let ended = ended?;
    noted?;
    let state = lock(&strategy.state).clone();
    Ok(TrainReport {
        ended,
        epochs: state.epochs,
        best: state.best.unwrap_or_default(),
        checkpoint: recipe.output.join(BEST),
    })
}

/// An error if images do not fit the network: those it is trained on, as the recipe crops them, with its
/// auxiliary head, and those it is validated on.
fn check_size<M: Classifier>(model: &M, recipe: &Recipe, run: &Run<'_, M>) -> Result<(), Error> {
    let Preprocess { channels, crop, .. } = run.preprocess;
    let batch = |[height, width]: [usize; 2]| [recipe.batch, channels, height, width];
    let size = recipe.data.augment.crop.and_then(|crop| crop.size);
    let trained = size.map_or(crop, |size| [size; 2]);
    model.input().check(batch(trained))?;
    if model.training_input().check(batch(trained)).is_err() {
        let [height, width] = trained;
        let [least_height, least_width] = model.training_input().min_size;
        return Err(Error::Training {
            reason: format!(
                "training images have {height}x{width} pixels, but the auxiliary head of {} needs at \
                 least {least_height}x{least_width} (as in torchvision; only without the head do \
                 smaller ones do)",
                recipe.model
            ),
        });
    }
    if !run.validation.is_empty() {
        model.input().check(batch(crop))?;
    }
    Ok(())
}

fn with_stochastic_depth<M: Classifier>(model: M, recipe: &Recipe) -> Result<M, Error> {
    if recipe.stochastic_depth == 0.0 {
        return Ok(model);
    }
    model
        .with_stochastic_depth(recipe.stochastic_depth)
        .ok_or_else(|| Error::Training {
            reason: format!(
                "stochastic_depth: {} has no residual branches",
                recipe.model
            ),
        })
}

/// What learns, and the average of its weights.
type Learns<M> = (Learner<Trainee<M>>, Option<Average<Trainee<M>>>);

/// What learns, as it is at first or as a checkpoint has it.
fn learner<M: Trainable>(
    model: M,
    recipe: &Recipe,
    schedule: Schedule,
    state: Option<&State>,
    checkpoints: &Checkpoints,
    device: &Device,
) -> Result<Learns<M>, Error> {
    let model = model.to_device(device).train();
    let mut model = Trainee::new(model, recipe.label_smoothing);
    if let Some(state) = state {
        model = checkpoints.model(state, model)?;
    }
    if recipe.gradient_checkpointing {
        model = model.map(&mut Checkpointing);
    }
    let mut schedules = ModuleLrScheduler::new(Steps::new(schedule.clone(), 1.0));
    if !recipe.fine_tune.is_plain() {
        let parts = Parts::of(model.model(), device);
        model = model.freeze_group(parts.frozen(&recipe.fine_tune)?);
        schedules = parts.schedules(&recipe.fine_tune, &schedule)?;
    }
    let mut optimizer = optimizer(&recipe.optimizer, &model);
    let mut average = recipe.ema.map(|settings| Average::new(settings, &model));
    if let Some(state) = state {
        (optimizer, schedules) = checkpoints.steps(state, optimizer, schedules)?;
        average = match average {
            Some(average) => Some(checkpoints.average(state, average)?),
            None => None,
        };
    }
    Ok((Learner::new(model, optimizer, schedules), average))
}

/// `train` puts parameters on a device with autodiff, but without gradient checkpointing, and
/// Burn refuses to mix the two.
struct Checkpointing;

impl ModuleMapper for Checkpointing {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let balanced = GradientCheckpointingStrategy::Balanced;
        param.map(|tensor| tensor.with_gradient_checkpointing_strategy(balanced))
    }
}

/// Burn draws a weight when it is first used. All are drawn where the model was made, since each
/// backend's generator would draw others, and before the first epoch, which has a seed of its own.
struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let _: Tensor<D> = param.val();
    }
}
