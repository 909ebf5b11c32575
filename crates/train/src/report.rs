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
    /// Time taken.
    pub seconds: f64,
    /// Share of the training pass in which no batch was ready.
    #[serde(default)]
    pub data_wait: f64,
    /// Training images that could not be read and were left out.
    #[serde(default)]
    pub skipped: usize,
}

/// The best epoch: the last where there are no validation images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Its accuracy on the validation images, in percent, where there are some.
    pub top1: Option<f64>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainReport {
    /// All epochs, those before a resumption as well.
    pub epochs: Vec<EpochReport>,
    /// The best one.
    pub best: Best,
    /// Its weights; `last.safetensors` lies beside it.
    pub checkpoint: PathBuf,
}
