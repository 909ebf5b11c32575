//! A checkpoint after each epoch or where the run is stopped, errors instead of panics.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use burn::module::Module as _;
use burn::tensor::Device;
use burn::train::metric::store::{Aggregate, EventStoreClient, Split};
use burn::train::{
    EventProcessorError, EventProcessorTraining, InferenceStep, Interrupter, Learner, LearnerEvent,
    SupervisedLearningStrategy, SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents,
    TrainingItem, ValidLoader,
};
use burn_zoo_core::Error;

use crate::average::Average;
use crate::checkpoints::{Checkpoints, State};
use crate::files::Files;
use crate::gradients::{Accumulation, update};
use crate::loader::{Watch, unpack};
use crate::output::{BEST, LAST, LAST_PLAIN};
use crate::random::Random;
use crate::recipe::Recipe;
use crate::report::{Best, Ended, EpochReport};
use crate::team::Team;
use crate::trainee::{Trainable, Trainee};

/// Names of Burn's metrics.
const LOSS: &str = "Loss";
const ACCURACY: &str = "Accuracy";

/// Less than one image makes, more than a figure loses on its way through a file.
const BETTER: f64 = 1e-6;

type Processor<M> = SupervisedTrainingEventProcessor<Trainee<M>>;

/// Who hears of each epoch. Not a type of its own for each caller: the loop would be compiled for each.
type Progress = Box<dyn FnMut(&EpochReport)>;

/// Burn's own strategies stop before they checkpoint, and take a loss that is no number for one.
pub(crate) struct Checkpointed<M: Trainable> {
    /// With gradients; one or more.
    pub(crate) devices: Vec<Device>,
    /// Where there are several devices.
    pub(crate) team: Mutex<Option<Team<M>>>,
    pub(crate) recipe: Recipe,
    pub(crate) output: PathBuf,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) files: Files,
    /// Whether there are validation images.
    pub(crate) validated: bool,
    /// How long training waits for images.
    pub(crate) watch: Arc<Watch>,
    pub(crate) save: fn(&M, &Path) -> Result<(), Error>,
    pub(crate) progress: Mutex<Progress>,
    /// Whether somebody wants the run to stop.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) state: Mutex<State>,
    pub(crate) average: Mutex<Option<Average<Trainee<M>>>>,
    pub(crate) ended: Mutex<Result<Ended, Error>>,
}

/// Whether an epoch went on to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Done,
    Stopped,
}

impl<M> SupervisedLearningStrategy<Trainee<M>> for Checkpointed<M>
where
    M: Trainable,
{
    fn fit(
        &self,
        components: TrainingComponents<Trainee<M>>,
        mut learner: Learner<Trainee<M>>,
        training: TrainLoader<Trainee<M>>,
        validation: ValidLoader<Trainee<M>>,
        starting_epoch: usize,
    ) -> (Trainee<M>, Processor<M>) {
        let mut processor = components.event_processor;
        let mut epochs = Epochs {
            all: self,
            team: lock(&self.team).take(),
            interrupter: &components.interrupter,
            store: &components.event_store,
            processor: &mut processor,
            learner: &mut learner,
            confusion: Vec::new(),
        };
        let ended = epochs.run(
            starting_epoch..=components.num_epochs,
            &training,
            &validation,
        );
        if let Err(error) = &ended {
            components.interrupter.stop(Some(&error.to_string()));
        }
        *lock(&self.ended) = ended;
        (learner.model(), processor)
    }
}

/// The loop with what it needs of Burn.
struct Epochs<'a, M: Trainable> {
    all: &'a Checkpointed<M>,
    /// Where there are several devices.
    team: Option<Team<M>>,
    interrupter: &'a Interrupter,
    store: &'a EventStoreClient,
    processor: &'a mut Processor<M>,
    learner: &'a mut Learner<Trainee<M>>,
    /// Validation images by true class (row) and first guess, of the newest epoch.
    confusion: Vec<Vec<usize>>,
}

impl<M: Trainable> Epochs<'_, M> {
    fn run(
        &mut self,
        numbers: impl Iterator<Item = usize>,
        training: &TrainLoader<Trainee<M>>,
        validation: &ValidLoader<Trainee<M>>,
    ) -> Result<Ended, Error> {
        for epoch in numbers {
            if self.is_over() {
                return Ok(Ended::Early);
            }
            let start = Instant::now();
            let mut flow = self.train(epoch, training)?;
            self.count(start.elapsed());
            if flow == Flow::Done {
                flow = self.validate(epoch, validation)?;
            }
            lock(&self.all.state).part.seconds += start.elapsed().as_secs_f64();
            if flow == Flow::Stopped {
                self.keep_part()?;
                return Ok(Ended::Stopped);
            }
            self.keep(epoch)?;
        }
        Ok(Ended::Finished)
    }

    /// Counts a training pass that took so long. What cannot be read is counted anew when a stopped
    /// epoch goes on, since all its images are read again.
    fn count(&self, trained: Duration) {
        let waited = self.all.watch.take();
        let part = &mut lock(&self.all.state).part;
        part.trained += trained.as_secs_f64();
        part.waited += waited.seconds;
        part.skipped = waited.skipped;
    }

    /// Whether early stopping ends the run here.
    fn is_over(&self) -> bool {
        let state = lock(&self.all.state);
        match (self.all.recipe.early_stopping, state.best) {
            (Some(early), Some(best)) => state.epoch - best.epoch >= early.patience,
            _ => false,
        }
    }

    /// Whether somebody wants the run to stop: the caller, or who sits before the dashboard.
    fn stops(&self) -> bool {
        self.all.stop.load(Ordering::Relaxed) || self.interrupter.should_stop()
    }

    /// The steps of an epoch, from where it was stopped.
    fn train(&mut self, epoch: usize, images: &TrainLoader<Trainee<M>>) -> Result<Flow, Error> {
        let start = LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: images.num_items(),
        };
        self.processor.process_train(start).map_err(failed)?;
        let mut part = lock(&self.all.state).part;
        let mut batches = images.iter();
        // What an image looks like is no function of the batches before it, but its place in the
        // order is: those that are done are made again and thrown away.
        for _ in 0..part.batch {
            if let Some(batch) = batches.next() {
                batch.map_err(|error| unpack(&error))?;
            }
        }
        let mut gradients = Accumulation::new(self.all.recipe.accumulate);
        while let Some(batch) = batches.next() {
            let batch = batch.map_err(|error| unpack(&error))?;
            self.seed(epoch, part.batch);
            let output = match &mut self.team {
                Some(team) => team.step(&self.learner.model(), batch)?,
                None => self.learner.train_step(batch),
            };
            let loss: f32 = output.item.loss.clone().into_scalar();
            if !loss.is_finite() {
                let reason = format!(
                    "the loss is {loss} in epoch {epoch}, step {}; try a lower optimizer.lr",
                    part.batch
                );
                return Err(Error::Training { reason });
            }
            let count = output.item.images();
            part.batch += 1;
            part.images += count;
            part.loss += f64::from(loss) * count as f64;
            let done = batches.progress();
            let last = done.is_completed();
            gradients.add(&self.learner.model(), output.grads, count);
            if let Some(team) = &mut self.team {
                team.add(count);
            }
            let stepped = gradients.is_full() || last;
            if stepped {
                self.step(&mut gradients);
            }
            let rate = self.learner.lr_current();
            part.lr = rate.base();
            let item = TrainingItem::new(output.item, done, Some(part.batch), Some(rate));
            let event = LearnerEvent::ProcessedItem(item);
            self.processor.process_train(event).map_err(failed)?;
            if stepped && self.stops() {
                lock(&self.all.state).part = part;
                return Ok(Flow::Stopped);
            }
        }
        // Behind the last batch may have been images that cannot be read.
        if !gradients.is_empty() {
            self.step(&mut gradients);
            part.lr = self.learner.lr_current().base();
        }
        if part.images == 0 {
            return Err(none_left("training", images.num_items()));
        }
        lock(&self.all.state).part = part;
        let end = LearnerEvent::EndSplit(epoch);
        self.processor.process_train(end).map_err(failed)?;
        Ok(Flow::Done)
    }

    /// What dropout draws is a function of seed, epoch and batch, so that an epoch can be gone on
    /// with. The complement keeps it apart from the stream that orders the images.
    fn seed(&self, epoch: usize, batch: usize) {
        let seed = lock(&self.all.state).seed;
        let draws = Random::new(!seed, epoch as u64 - 1, batch as u64).next();
        for (index, device) in self.all.devices.iter().enumerate() {
            device.seed(draws.wrapping_add(index as u64));
        }
    }

    /// Moves the weights, and their average after them.
    fn step(&mut self, gradients: &mut Accumulation<Trainee<M>>) {
        let gradients = gradients.take(&self.learner.model());
        let settings = &self.all.recipe.optimizer;
        update(self.learner, gradients, settings);
        if let Some(team) = &mut self.team {
            team.update(settings);
        }
        if let Some(average) = lock(&self.all.average).as_mut() {
            average.update(&self.learner.model());
        }
    }

    /// The weights that count: the average, where there is one.
    fn valid(&self) -> Trainee<M> {
        match lock(&self.all.average).as_ref() {
            Some(average) => average.model.clone(),
            None => self.learner.model().valid(),
        }
    }

    /// One pass over the validation images; when it returns, all metrics of the epoch are in.
    fn validate(&mut self, epoch: usize, images: &ValidLoader<Trainee<M>>) -> Result<Flow, Error> {
        let start = LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: images.num_items(),
        };
        self.processor.process_valid(start).map_err(failed)?;
        let trainee = self.valid();
        let classes = trainee.model().num_classes();
        self.confusion = vec![vec![0; classes]; classes];
        let mut batches = images.iter();
        let mut step = 0;
        while let Some(batch) = batches.next() {
            let guess = InferenceStep::step(&trainee, batch.map_err(|error| unpack(&error))?);
            step += 1;
            for (class, guess) in guess.answers() {
                self.confusion[class][guess] += 1;
            }
            let item = TrainingItem::new(guess, batches.progress(), Some(step), None);
            let event = LearnerEvent::ProcessedItem(item);
            self.processor.process_valid(event).map_err(failed)?;
            if self.stops() {
                return Ok(Flow::Stopped);
            }
        }
        if step == 0 && images.num_items() > 0 {
            return Err(none_left("validation", images.num_items()));
        }
        let end = LearnerEvent::EndSplit(epoch);
        self.processor.process_valid(end).map_err(failed)?;
        let end = LearnerEvent::EndEpoch(epoch);
        self.processor.process_train(end).map_err(failed)?;
        self.processor.flush().map_err(failed)?;
        Ok(Flow::Done)
    }

    fn figures(&self, epoch: usize, state: &State) -> EpochReport {
        let mean = |name| {
            let found = self
                .store
                .find_metric(name, epoch, Aggregate::Mean, &Split::Valid);
            self.all.validated.then(|| found.unwrap_or_default())
        };
        EpochReport {
            epoch,
            train_loss: state.part.loss / state.part.images.max(1) as f64,
            valid_loss: mean(LOSS),
            top1: mean(ACCURACY),
            lr: state.part.lr,
            seconds: state.part.seconds,
            data_wait: state.part.waited / state.part.trained.max(f64::MIN_POSITIVE),
            skipped: state.part.skipped,
        }
    }

    /// Keeps an epoch's weights and the run's state, and tells of it when all is written.
    fn keep(&self, epoch: usize) -> Result<(), Error> {
        let mut state = lock(&self.all.state).clone();
        let found = self.figures(epoch, &state);
        let write = |trainee: &Trainee<M>, name: &str| {
            (self.all.save)(trainee.model(), &self.all.output.join(name))
        };
        let trainee = self.valid();
        write(&trainee, LAST)?;
        if self.all.recipe.ema.is_some() {
            write(&self.learner.model().valid(), LAST_PLAIN)?;
        }
        // Without validation images every epoch has the same score: the last counts as the best.
        let better = match state.best {
            Some(Best {
                top1: Some(best), ..
            }) => found.top1.is_some_and(|top1| top1 > best + BETTER),
            _ => true,
        };
        if better {
            state.best = Some(Best {
                epoch,
                top1: found.top1,
            });
            write(&trainee, BEST)?;
            if self.all.validated {
                self.all.files.confusion(&self.confusion)?;
            }
        }
        state.epoch = epoch;
        state.epochs.push(found);
        state.part = Default::default();
        self.checkpoint(&mut state)?;
        self.all
            .files
            .epoch(&state.epochs, self.all.recipe.epochs)?;
        *lock(&self.all.state) = state;
        lock(&self.all.progress)(&found);
        Ok(())
    }

    /// Keeps what is done of an epoch that was stopped.
    fn keep_part(&self) -> Result<(), Error> {
        let mut state = lock(&self.all.state).clone();
        self.checkpoint(&mut state)?;
        *lock(&self.all.state) = state;
        Ok(())
    }

    fn checkpoint(&self, state: &mut State) -> Result<(), Error> {
        // Burn keeps the newest running statistics apart until somebody asks for them, which a
        // record does not.
        drop(self.learner.model().valid());
        let average = lock(&self.all.average);
        state.average_updates = average.as_ref().map_or(0, |average| average.updates);
        let checkpoints = &self.all.checkpoints;
        checkpoints.save(self.learner, average.as_ref(), state, self.store)
    }
}

fn none_left(images: &str, count: usize) -> Error {
    Error::Training {
        reason: format!("none of the {count} {images} images can be read"),
    }
}

fn failed(error: EventProcessorError) -> Error {
    Error::Training {
        reason: error.to_string(),
    }
}

/// A value whose last owner panicked is as good as any: nothing here is half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
