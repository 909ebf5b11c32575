//! The images of a run, and how they are changed.

use std::path::{Path, PathBuf};

use burn_zoo_core::Error;
use serde::{Deserialize, Serialize};

use super::range;
use crate::augment::Augment;
use crate::classes::Classes;
use crate::data::Dataset;

/// The images of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Folder of the data set.
    pub path: PathBuf,
    /// Split that is trained on.
    #[serde(default = "train_split")]
    pub train: String,
    /// How much of the split's end is kept back for validation.
    pub valid: Valid,
    /// Random changes of the training images.
    #[serde(default)]
    pub augment: Augment,
}

/// How many images are kept back for validation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Valid {
    /// This many.
    Count(usize),
    /// This share, between 0 and 1.
    Fraction(f64),
}

fn train_split() -> String {
    "train".to_owned()
}

impl Data {
    /// Checks what the types leave open.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.valid {
            Valid::Fraction(share) => range("data.valid", share, 0.0..1.0),
            Valid::Count(_) => Ok(()),
        }
    }

    /// Training images and validation images; `path` replaces the recipe's own.
    pub(super) fn open(
        &self,
        path: Option<&Path>,
        classes: usize,
    ) -> Result<(Dataset, Dataset), Error> {
        let path = path.unwrap_or(&self.path);
        let all = Dataset::open(path, &self.train, &Classes::unnamed(classes))?;
        let count = match self.valid {
            Valid::Count(count) => count,
            Valid::Fraction(share) => (all.len() as f64 * share).round() as usize,
        };
        all.split_last(count)
    }
}
