//! What a run needs to go on after it was stopped: one folder per finished epoch, and one for an
//! epoch that was stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::train::checkpoint::{
    AsyncCheckpointer, Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction,
    CheckpointingStrategy, FileCheckpointer,
};
use burn::train::metric::store::EventStoreClient;
use burn::train::{Interrupter, Learner, LearnerModel, LearningCheckpointer};
use burn_zoo_core::Error;
use serde::{Deserialize, Serialize};

use crate::average::Average;
use crate::output::{CHECKPOINTS, Saw};
use crate::report::{Best, EpochReport};

const MODEL: &str = "model";
const OPTIMIZER: &str = "optimizer";
const SCHEDULE: &str = "schedule";
const AVERAGE: &str = "average";
const STATE: &str = "state.json";

/// Where a run stands, beside its tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Number of finished epochs.
    pub(crate) epoch: usize,
    /// What is done of the epoch after them; nothing unless it was stopped.
    #[serde(flatten)]
    pub(crate) part: Part,
    /// Steps that went into the average of the weights, where there is one.
    pub(crate) average_updates: usize,
    /// Seed of the run; those of an epoch are functions of it and the epoch's number.
    pub(crate) seed: u64,
    /// The images that it saw; absent from checkpoints of the first versions.
    pub(crate) saw: Option<Saw>,
    /// The finished epochs.
    pub(crate) epochs: Vec<EpochReport>,
    /// The best of them.
    pub(crate) best: Option<Best>,
}

/// The part of an epoch that is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Number of batches.
    pub(crate) batch: usize,
    /// Number of their images.
    pub(crate) images: usize,
    /// Sum of the images' losses.
    pub(crate) loss: f64,
    /// Learning rate of the last step.
    pub(crate) lr: f64,
    /// Time taken.
    pub(crate) seconds: f64,
    /// Time of the training steps and of reading the images for them.
    pub(crate) trained: f64,
    /// Time of that in which no batch was ready.
    pub(crate) waited: f64,
    /// Images that could not be read.
    pub(crate) skipped: usize,
}

/// The folder of a run's checkpoints: `epoch-7` holds the state after seven epochs,
/// `epoch-7-batch-3` that after three batches of the eighth. Each is written aside, as
/// `epoch-7.partial`, and renamed as the last act.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoints(PathBuf);

impl Checkpoints {
    /// The checkpoints in the folder of a run.
    pub(crate) fn of_run(output: &Path) -> Self {
        Self(output.join(CHECKPOINTS))
    }

    fn folder(&self, (epoch, batch): Place) -> PathBuf {
        self.0.join(match batch {
            0 => format!("epoch-{epoch}"),
            _ => format!("epoch-{epoch}-batch-{batch}"),
        })
    }

    /// Writes what follows from `state` and the learner, then removes older checkpoints except
    /// the last and the best.
    pub(crate) fn save<M: LearnerModel>(
        &self,
        learner: &Learner<M>,
        average: Option<&Average<M>>,
        state: &State,
        store: &EventStoreClient,
    ) -> Result<(), Error> {
        let finished = self.folder(state.place());
        let aside = finished.with_extension("partial");
        remove(&aside)?;
        fs::create_dir_all(&aside).map_err(|source| write(&aside, source))?;
        parts(&aside, learner, state.epoch, store)?;
        if let Some(average) = average {
            let record = average.model.clone().into_record();
            let saved = FileCheckpointer::new(&aside, AVERAGE).save(state.epoch, record);
            saved.map_err(|error| write(&aside, std::io::Error::other(error.to_string())))?;
        }
        let path = aside.join(STATE);
        let text = serde_json::to_vec_pretty(state).map_err(|error| write(&path, error.into()))?;
        fs::write(&path, text).map_err(|source| write(&path, source))?;
        sync(&aside).map_err(|source| write(&aside, source))?;
        remove(&finished)?;
        fs::rename(&aside, &finished).map_err(|source| write(&finished, source))?;
        self.prune(state)
    }

    /// Where the newest checkpoint stands, if there is one.
    pub(crate) fn newest(&self) -> Result<Option<State>, Error> {
        let Some(place) = self.places()?.into_iter().max() else {
            return Ok(None);
        };
        let path = self.folder(place).join(STATE);
        let bytes = fs::read(&path).map_err(|source| read(&path, source))?;
        let state = serde_json::from_slice(&bytes);
        state.map_err(|error| read(&path, error.into())).map(Some)
    }

    /// The model as it was. Burn's own way back ends the process where a file is broken.
    pub(crate) fn model<M: Module>(&self, state: &State, model: M) -> Result<M, Error> {
        self.module(state, MODEL, model)
    }

    /// The average of the weights as it was.
    pub(crate) fn average<M: Module>(
        &self,
        state: &State,
        mut average: Average<M>,
    ) -> Result<Average<M>, Error> {
        average.model = self.module(state, AVERAGE, average.model)?;
        average.updates = state.average_updates;
        Ok(average)
    }

    /// Optimizer and schedule as they were. The optimizer must be the one of the restored model.
    pub(crate) fn steps(
        &self,
        state: &State,
        optimizer: ModuleOptimizer,
        schedule: ModuleLrScheduler,
    ) -> Result<(ModuleOptimizer, ModuleLrScheduler), Error> {
        let folder = self.folder(state.place());
        Ok((
            optimizer.load_record(part(&folder, OPTIMIZER, state.epoch)?),
            schedule.load_record(part(&folder, SCHEDULE, state.epoch)?),
        ))
    }

    fn module<M: Module>(&self, state: &State, name: &str, module: M) -> Result<M, Error> {
        let folder = self.folder(state.place());
        let module = module.try_load_record(part(&folder, name, state.epoch)?);
        module.map_err(|error| broken(&folder, &error))
    }

    /// All that have a checkpoint.
    fn places(&self) -> Result<Vec<Place>, Error> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(read(&self.0, error)),
        };
        let mut places = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| read(&self.0, source))?.file_name();
            places.extend(name.to_str().and_then(place));
        }
        Ok(places)
    }

    fn prune(&self, state: &State) -> Result<(), Error> {
        let best = state.best.map(|best| best.epoch);
        for place in self.places()? {
            let (epoch, batch) = place;
            let old = match batch {
                0 => epoch + 1 < state.epoch && best != Some(epoch),
                _ => place != state.place(),
            };
            if old {
                remove(&self.folder(place))?;
            }
        }
        Ok(())
    }
}

/// Number of finished epochs, and of batches of the one after them.
type Place = (usize, usize);

impl State {
    fn place(&self) -> Place {
        (self.epoch, self.part.batch)
    }
}

/// The place that a folder is named for.
fn place(name: &str) -> Option<Place> {
    let rest = name.strip_prefix("epoch-")?;
    let (epoch, batch) = rest.split_once("-batch-").unwrap_or((rest, "0"));
    Some((epoch.parse().ok()?, batch.parse().ok()?))
}

/// Writes model, optimizer and schedule through Burn's checkpointers: nothing else can read a
/// learner's optimizer. Dropping them waits for their threads, so that all is written, or known
/// to have failed, at the end.
fn parts<M: LearnerModel>(
    folder: &Path,
    learner: &Learner<M>,
    epoch: usize,
    store: &EventStoreClient,
) -> Result<(), Error> {
    let failures = Interrupter::new();
    let mut checkpointer = LearningCheckpointer::new(
        writer(folder, MODEL, &failures),
        writer(folder, OPTIMIZER, &failures),
        writer(folder, SCHEDULE, &failures),
        Box::new(Always),
    );
    checkpointer.checkpoint(learner, epoch, store);
    drop(checkpointer);
    match failures.error() {
        None => Ok(()),
        Some(error) => Err(write(folder, std::io::Error::other(error.to_string()))),
    }
}

fn writer<R: Checkpoint>(
    folder: &Path,
    name: &str,
    failures: &Interrupter,
) -> AsyncCheckpointer<R> {
    AsyncCheckpointer::new(FileCheckpointer::new(folder, name)).with_interrupter(failures.clone())
}

fn part<R: Checkpoint>(folder: &Path, name: &str, epoch: usize) -> Result<R, Error> {
    let restored: Result<R, CheckpointerError> = FileCheckpointer::new(folder, name).restore(epoch);
    restored.map_err(|error| broken(folder, &error))
}

/// Which checkpoints stay is not up to Burn, which knows files, not folders.
struct Always;

impl CheckpointingStrategy for Always {
    fn checkpointing(&mut self, _: usize, _: &EventStoreClient) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}

/// Brings a folder's files to the disk, so that a rename never comes before what it names.
fn sync(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        // Windows syncs only what may be written to.
        let file = File::options().write(true).open(entry?.path())?;
        file.sync_all()?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(write(folder, error)),
        _ => Ok(()),
    }
}

fn read(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        path: path.into(),
        source,
    }
}

fn write(path: &Path, source: std::io::Error) -> Error {
    Error::Write {
        path: path.into(),
        source,
    }
}

fn broken(folder: &Path, error: &dyn std::fmt::Display) -> Error {
    let reason = format!(
        "the checkpoint {} cannot be used: {error}; remove it to go on from the one before",
        folder.display()
    );
    Error::Training { reason }
}
