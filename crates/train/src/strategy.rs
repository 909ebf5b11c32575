//! One device, a checkpoint after each epoch, errors instead of panics.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use burn::train::metric::store::{Aggregate, EventStoreClient, Split};
use burn::train::{
    EventProcessorError, EventProcessorTraining, InferenceStep, Learner, LearnerEvent,
    SupervisedLearningStrategy, SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents,
    TrainingItem, ValidLoader,
};
use burn_zoo_core::Error;

use crate::checkpoints::{Checkpoints, State};
use crate::loader::{Waited, Watch, unpack};
use crate::random::Random;
use crate::report::{Best, EpochReport};
use crate::trainee::{Trainable, Trainee};

/// Names of Burn's metrics.
const LOSS: &str = "Loss";
const ACCURACY: &str = "Accuracy";

/// Less than one image makes, more than a figure loses on its way through a file.
const BETTER: f64 = 1e-6;

type Processor<M> = SupervisedTrainingEventProcessor<Trainee<M>>;

/// Burn's own strategy for one device stops before it checkpoints, and takes a loss that is no
/// number for one.
pub(crate) struct OneDevice<M, P> {
    pub(crate) device: Device,
    pub(crate) output: PathBuf,
    pub(crate) checkpoints: Checkpoints,
    /// Whether there are validation images.
    pub(crate) validated: bool,
    /// How long training waits for images.
    pub(crate) watch: Arc<Watch>,
    pub(crate) save: fn(&M, &Path) -> Result<(), Error>,
    pub(crate) progress: Mutex<P>,
    pub(crate) state: Mutex<State>,
    pub(crate) failure: Mutex<Option<Error>>,
}

impl<M, P> SupervisedLearningStrategy<Trainee<M>> for OneDevice<M, P>
where
    M: Trainable,
    P: FnMut(&EpochReport),
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
        for epoch in starting_epoch..=components.num_epochs {
            let start = Instant::now();
            let mut passed = 0.0;
            let done = self
                .train(epoch, &mut learner, &training, &mut processor)
                .and_then(|()| {
                    passed = start.elapsed().as_secs_f64();
                    validate(epoch, &learner, &validation, &mut processor)
                })
                .and_then(|()| {
                    let found = self.figures(epoch, &components.event_store, start, passed);
                    self.keep(found, &learner, &components.event_store)
                });
            if let Err(error) = done {
                components.interrupter.stop(Some(&error.to_string()));
                *lock(&self.failure) = Some(error);
                break;
            }
        }
        (learner.model(), processor)
    }
}

impl<M: Trainable, P: FnMut(&EpochReport)> OneDevice<M, P> {
    fn train(
        &self,
        epoch: usize,
        learner: &mut Learner<Trainee<M>>,
        images: &TrainLoader<Trainee<M>>,
        processor: &mut Processor<M>,
    ) -> Result<(), Error> {
        // What dropout draws is then a function of seed and epoch too. The complement keeps it
        // apart from the stream that orders the images.
        let seed = lock(&self.state).seed;
        self.device
            .seed(Random::new(!seed, epoch as u64 - 1, 0).next());
        let start = LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: images.num_items(),
        };
        processor.process_train(start).map_err(failed)?;
        let mut batches = images.iter();
        let mut step = 0;
        while let Some(batch) = batches.next() {
            let output = learner.train_step(batch.map_err(|error| unpack(&error))?);
            let loss: f32 = output.item.loss.clone().into_scalar();
            if !loss.is_finite() {
                let reason = format!(
                    "the loss is {loss} in epoch {epoch}, step {step}; try a lower optimizer.lr"
                );
                return Err(Error::Training { reason });
            }
            learner.lr_step();
            learner.optimizer_step(output.grads);
            step += 1;
            let item = TrainingItem::new(
                output.item,
                batches.progress(),
                Some(step),
                Some(learner.lr_current()),
            );
            let event = LearnerEvent::ProcessedItem(item);
            processor.process_train(event).map_err(failed)?;
        }
        let end = LearnerEvent::EndSplit(epoch);
        processor.process_train(end).map_err(failed)
    }

    /// The figures of an epoch whose training pass took so many seconds.
    fn figures(
        &self,
        epoch: usize,
        store: &EventStoreClient,
        start: Instant,
        passed: f64,
    ) -> EpochReport {
        let Waited { seconds, skipped } = self.watch.take();
        let mean = |name, split| {
            let found = store.find_metric(name, epoch, Aggregate::Mean, &split);
            found.unwrap_or_default()
        };
        let valid = |name| self.validated.then(|| mean(name, Split::Valid));
        EpochReport {
            epoch,
            train_loss: mean(LOSS, Split::Train),
            valid_loss: valid(LOSS),
            top1: valid(ACCURACY),
            seconds: start.elapsed().as_secs_f64(),
            data_wait: seconds / passed.max(f64::MIN_POSITIVE),
            skipped,
        }
    }

    /// Keeps an epoch's weights and the run's state, and tells of it when all is written.
    fn keep(
        &self,
        found: EpochReport,
        learner: &Learner<Trainee<M>>,
        store: &EventStoreClient,
    ) -> Result<(), Error> {
        let mut state = lock(&self.state).clone();
        let trainee = learner.model().valid();
        (self.save)(trainee.model(), &self.output.join("last.safetensors"))?;
        // Without validation images every epoch has the same score: the last counts as the best.
        let better = match state.best {
            Some(Best {
                top1: Some(best), ..
            }) => found.top1.is_some_and(|top1| top1 > best + BETTER),
            _ => true,
        };
        if better {
            state.best = Some(Best {
                epoch: found.epoch,
                top1: found.top1,
            });
            (self.save)(trainee.model(), &self.output.join("best.safetensors"))?;
        }
        state.epoch = found.epoch;
        state.epochs.push(found);
        self.checkpoints.save(learner, &state, store)?;
        *lock(&self.state) = state;
        (*lock(&self.progress))(&found);
        Ok(())
    }
}

/// One pass over the validation images; when it returns, all metrics of the epoch are in.
fn validate<M: Trainable>(
    epoch: usize,
    learner: &Learner<Trainee<M>>,
    images: &ValidLoader<Trainee<M>>,
    processor: &mut Processor<M>,
) -> Result<(), Error> {
    let start = LearnerEvent::StartSplit {
        epoch_number: epoch,
        total_items: images.num_items(),
    };
    processor.process_valid(start).map_err(failed)?;
    let trainee = learner.model().valid();
    let mut batches = images.iter();
    let mut step = 0;
    while let Some(batch) = batches.next() {
        let guess = InferenceStep::step(&trainee, batch.map_err(|error| unpack(&error))?);
        step += 1;
        let item = TrainingItem::new(guess, batches.progress(), Some(step), None);
        let event = LearnerEvent::ProcessedItem(item);
        processor.process_valid(event).map_err(failed)?;
    }
    let end = LearnerEvent::EndSplit(epoch);
    processor.process_valid(end).map_err(failed)?;
    let end = LearnerEvent::EndEpoch(epoch);
    processor.process_train(end).map_err(failed)?;
    processor.flush().map_err(failed)
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
