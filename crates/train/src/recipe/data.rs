//! The images of a run, and how they are changed.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use burn_zoo_core::Error;
use serde::{Deserialize, Serialize};

use super::range;
use crate::augment::Augment;
use crate::classes::Classes;
use crate::data::Dataset;
use crate::idx::dataset;
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
    /// Threads that read images and change them, at most 256; as many as there are cores, at most 8, if
    /// absent. Their number changes no result.
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
        classes: Option<usize>,
        seed: u64,
    ) -> Result<(Dataset, Dataset), Error> {
        let path = path.unwrap_or(&self.path);
        let all = match classes {
            Some(count) => Dataset::open(path, &self.train, &Classes::unnamed(count))?
                .with_images_of_every_folder()?,
            None => Dataset::open_whole(path, &self.train)?,
        };
        let count = match &self.valid {
            Valid::Count(count) => *count,
            Valid::Fraction(share) => (all.len() as f64 * share).round() as usize,
            Valid::Split(name) => {
                let validation = Dataset::open(path, name, &all.classes())?;
                if validation.is_in_folder(all.path()) {
                    let reason = format!(
                        "no split {name} in it; data.valid = 0.1 keeps a part of the images back"
                    );
                    return Err(dataset(path, reason));
                }
                return Ok((all, validation));
            }
        };
        all.hold_out(count, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Auto, Flip};

    fn data(more: &str) -> Result<Data, String> {
        let text = format!("path = \"images\"\nvalid = 0.1\n{more}");
        let data: Data = toml::from_str(&text).map_err(|error| error.to_string())?;
        data.check().map(|()| data)
    }

    #[test]
    fn every_augmentation_has_keys_of_its_own() {
        let found = data(
            r#"
            workers = 3
            skip_bad_images = true
            [augment]
            flip = "horizontal"
            auto = "trivial"
            crop = { scale = [0.2, 1.0], size = 176 }
            jitter = { hue = 0.1 }
            erase = { probability = 0.1 }
            "#,
        )
        .unwrap();
        assert_eq!(found.bad_images(), BadImages::Skip);
        assert_eq!(found.workers.map(NonZeroUsize::get), Some(3));
        let augment = found.augment;
        assert_eq!(
            (augment.flip, augment.auto),
            (Flip::Horizontal, Auto::Trivial)
        );
        let crop = augment.crop.unwrap();
        // torchvision's default ratio.
        assert_eq!((crop.ratio, crop.size), ([0.75, 4.0 / 3.0], Some(176)));
        assert_eq!(augment.erase.unwrap().scale, [0.02, 0.33]);
        let again: Data = toml::from_str(&toml::to_string(&found).unwrap()).unwrap();
        assert_eq!(again, found);
        assert_eq!(data("").unwrap().bad_images(), BadImages::Stop);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (text, named) in [
            ("workers = 0", "workers"),
            ("augment.crop.scale = [0.5, 0.1]", "data.augment.crop.scale"),
            ("augment.crop.ratio = [0, 1]", "ratio"),
            ("augment.crop.size = 0", "data.augment.crop.size"),
            ("augment.jitter.hue = 0.6", "data.augment.jitter.hue"),
            (
                "augment.erase.probability = 2",
                "data.augment.erase.probability",
            ),
            ("augment.auto = \"rand\"", "trivial"),
            ("augment.crop.zoom = 1", "scale"),
        ] {
            let message = data(text).unwrap_err();
            assert!(message.contains(named), "{text}: {message}");
        }
        let same = "path = \"images\"\nvalid = \"train\"";
        let same: Data = toml::from_str(same).unwrap();
        assert!(same.check().unwrap_err().contains("what is trained on"));
    }

    #[test]
    fn another_split_validates_with_the_classes_of_training() {
        let folder = tempfile::tempdir().unwrap();
        let image = |split: &str, class: &str| {
            let folder = folder.path().join(split).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("1.png"), "").unwrap();
        };
        for class in ["ant", "bee", "cat"] {
            image("train", class);
        }
        image("val", "cat");
        let text = format!("path = {:?}\nvalid = \"val\"", folder.path());
        let data: Data = toml::from_str(&text).unwrap();
        let (training, validation) = data.open(None, Some(3), 1).unwrap();
        assert_eq!((training.len(), validation.len()), (3, 1));
        assert_eq!(validation.label(0), 2);
        std::fs::create_dir_all(folder.path().join("val/ant")).unwrap();
        let (_, validation) = data.open(None, None, 1).unwrap();
        assert_eq!((validation.len(), validation.num_classes()), (1, 3));
        std::fs::create_dir_all(folder.path().join("train/cow")).unwrap();
        for classes in [None, Some(4)] {
            let message = data.open(None, classes, 1).unwrap_err().to_string();
            let cow = folder.path().join("train/cow").display().to_string();
            assert!(message.contains(&format!("{cow}: no images")), "{message}");
        }
        std::fs::remove_dir(folder.path().join("train/cow")).unwrap();
        image("val", "dog");
        let message = data.open(None, Some(3), 1).unwrap_err().to_string();
        assert!(message.contains("(dog)"), "{message}");
    }
}
