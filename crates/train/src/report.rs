//! What a run tells.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One epoch's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// Cross entropy on the validation images, where there are some.
    pub valid_loss: Option<f64>,
    /// Accuracy on the validation images, in percent, where there are some.
    pub top1: Option<f64>,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Time taken.
    pub seconds: f64,
    /// Share of the training pass in which no batch was ready.
    pub data_wait: f64,
    /// Training images that could not be read and were left out.
    pub skipped: usize,
}

impl EpochReport {
    /// The figures on one line, for people.
    pub fn line(&self) -> String {
        let valid = match (self.valid_loss, self.top1) {
            (Some(loss), Some(top1)) => format!("valid loss {loss:.4}, top-1 {top1:.2} %, "),
            _ => String::new(),
        };
        let skipped = match self.skipped {
            0 => String::new(),
            count => format!(", {count} images cannot be read"),
        };
        format!(
            "train loss {:.4}, {valid}{:.1} s, waiting for data {:.1} %{skipped}",
            self.train_loss,
            self.seconds,
            100.0 * self.data_wait
        )
    }
}

/// The best epoch: the last where there are no validation images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Its accuracy on the validation images, in percent, where there are some.
    pub top1: Option<f64>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// All its epochs are done.
    #[default]
    Finished,
    /// It no longer got better (see [`EarlyStopping`](crate::EarlyStopping)).
    Early,
    /// It was told to stop. It goes on with [`Start::Resumed`](crate::Start::Resumed), from the
    /// batch it stopped at.
    Stopped,
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainReport {
    /// Why.
    pub ended: Ended,
    /// All epochs, those before a resumption as well.
    pub epochs: Vec<EpochReport>,
    /// The best one.
    pub best: Best,
    /// Its weights; `last.safetensors` lies beside it.
    pub checkpoint: PathBuf,
}
