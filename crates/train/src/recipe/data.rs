//! The images of a run, and how they are changed.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn_zoo_core::Error;
use serde::{Deserialize, Serialize};

use super::range;
use crate::augment::Augment;
use crate::classes::Classes;
use crate::data::Dataset;
use crate::loader::BadImages;

/// The images of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Folder or archive of the data set.
    pub path: PathBuf,
    /// Split that is trained on.
    #[serde(default = "train_split")]
    pub train: String,
    /// What is kept for validation.
    pub valid: Valid,
    /// Threads that read images and change them; as many as there are cores, at most 8, if absent.
    /// Their number changes no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<NonZeroUsize>,
    /// Counts images that cannot be read and goes on without them; else the first ends the run.
    #[serde(default)]
    pub skip_bad_images: bool,
    /// Random changes of the training images.
    #[serde(default)]
    pub augment: Augment,
}

/// What is kept for validation: a part of the training split, of each class as large a share as
/// of all, or another split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Valid {
    /// This many images.
    Count(usize),
    /// This share, between 0 and 1.
    Fraction(f64),
    /// The split of this name.
    Split(String),
}

fn train_split() -> String {
    "train".to_owned()
}

impl Data {
    /// What happens to images that cannot be read.
    pub fn bad_images(&self) -> BadImages {
        if self.skip_bad_images {
            BadImages::Skip
        } else {
            BadImages::Stop
        }
    }

    /// Checks what the types leave open.
    pub(super) fn check(&self) -> Result<(), String> {
        self.augment.check()?;
        match &self.valid {
            Valid::Fraction(share) => range("data.valid", *share, 0.0..1.0),
            Valid::Split(name) if *name == self.train => Err(format!(
                "data.valid = {name:?}, but that is what is trained on"
            )),
            Valid::Count(_) | Valid::Split(_) => Ok(()),
        }
    }

    /// Training images and validation images; `path` replaces the recipe's own.
    pub(super) fn open(
        &self,
        path: Option<&Path>,
        classes: usize,
        seed: u64,
    ) -> Result<(Dataset, Dataset), Error> {
        let path = path.unwrap_or(&self.path);
        let all = Dataset::open(path, &self.train, &Classes::unnamed(classes))?;
        let count = match &self.valid {
            Valid::Count(count) => *count,
            Valid::Fraction(share) => (all.len() as f64 * share).round() as usize,
            Valid::Split(name) => {
                let validation = Dataset::open(path, name, &all.classes(classes))?;
                return Ok((all, validation));
            }
        };
        all.hold_out(count, seed)
    }
}
