//! What a run needs to go on after it was stopped: one folder per finished epoch.

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

use crate::report::{Best, EpochReport};

const MODEL: &str = "model";
const OPTIMIZER: &str = "optimizer";
const SCHEDULE: &str = "schedule";
const STATE: &str = "state.json";

/// Where a run stands, beside its tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Number of finished epochs.
    pub(crate) epoch: usize,
    /// Batches done of the epoch after them; a stopped epoch starts again, so always 0.
    pub(crate) batch: usize,
    /// Seed of the run; those of an epoch are functions of it and the epoch's number.
    pub(crate) seed: u64,
    /// The finished epochs.
    pub(crate) epochs: Vec<EpochReport>,
    /// The best of them.
    pub(crate) best: Option<Best>,
}

/// The folder of a run's checkpoints: `epoch-7` holds the state after seven epochs. Each is
/// written aside, as `epoch-7.partial`, and renamed as the last act.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoints(PathBuf);

impl Checkpoints {
    /// The checkpoints in the folder of a run.
    pub(crate) fn of_run(output: &Path) -> Self {
        Self(output.join("checkpoints"))
    }

    fn folder(&self, epoch: usize) -> PathBuf {
        self.0.join(format!("epoch-{epoch}"))
    }

    /// Writes what follows from `state` and the learner, then removes older checkpoints except
    /// the last and the best.
    pub(crate) fn save<M: LearnerModel>(
        &self,
        learner: &Learner<M>,
        state: &State,
        store: &EventStoreClient,
    ) -> Result<(), Error> {
        let finished = self.folder(state.epoch);
        let aside = finished.with_extension("partial");
        remove(&aside)?;
        fs::create_dir_all(&aside).map_err(|source| write(&aside, source))?;
        parts(&aside, learner, state.epoch, store)?;
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
        let Some(epoch) = self.epochs()?.into_iter().max() else {
            return Ok(None);
        };
        let path = self.folder(epoch).join(STATE);
        let bytes = fs::read(&path).map_err(|source| read(&path, source))?;
        let state = serde_json::from_slice(&bytes);
        state.map_err(|error| read(&path, error.into())).map(Some)
    }

    /// The learner's three parts as they were after `epoch` epochs. Burn's own way back ends the
    /// process where a file is broken.
    pub(crate) fn restore<M: Module>(
        &self,
        epoch: usize,
        model: M,
        optimizer: ModuleOptimizer,
        schedule: ModuleLrScheduler,
    ) -> Result<(M, ModuleOptimizer, ModuleLrScheduler), Error> {
        let folder = self.folder(epoch);
        let model = model.try_load_record(part(&folder, MODEL, epoch)?);
        Ok((
            model.map_err(|error| broken(&folder, &error))?,
            optimizer.load_record(part(&folder, OPTIMIZER, epoch)?),
            schedule.load_record(part(&folder, SCHEDULE, epoch)?),
        ))
    }

    /// The epochs that have a checkpoint.
    fn epochs(&self) -> Result<Vec<usize>, Error> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(read(&self.0, error)),
        };
        let mut epochs = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| read(&self.0, source))?.file_name();
            let epoch = name.to_str().and_then(|name| name.strip_prefix("epoch-"));
            epochs.extend(epoch.and_then(|epoch| epoch.parse::<usize>().ok()));
        }
        Ok(epochs)
    }

    fn prune(&self, state: &State) -> Result<(), Error> {
        let best = state.best.map(|best| best.epoch);
        for epoch in self.epochs()? {
            if epoch + 1 < state.epoch && best != Some(epoch) {
                remove(&self.folder(epoch))?;
            }
        }
        Ok(())
    }
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
        File::open(entry?.path())?.sync_all()?;
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
