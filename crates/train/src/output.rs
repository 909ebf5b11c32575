//! The folder of a run: new or its own, and nobody else's as long as it runs.

use std::path::Path;

use burn_zoo_core::{Error, FileLock, weights};
use flate2::Crc;
use serde::{Deserialize, Serialize};

use crate::checkpoints::{Checkpoints, State};
use crate::data::Dataset;
use crate::recipe::{OF_RUN, Recipe};

/// Folder of the checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// Weights of the best epoch.
pub(crate) const BEST: &str = "best.safetensors";
/// Weights of the last epoch.
pub(crate) const LAST: &str = "last.safetensors";
/// Weights of the last epoch, where those of [`LAST`] are averaged.
pub(crate) const LAST_PLAIN: &str = "last-plain.safetensors";
/// Figures of the epochs.
pub(crate) const METRICS: &str = "metrics.csv";
/// When what happened.
pub(crate) const LOG: &str = "train.log";
/// The figures as curves.
pub(crate) const CURVES: &str = "curves.svg";
/// Which classes were taken for which in the best epoch.
pub(crate) const CONFUSION: &str = "confusion.svg";
/// The run in words.
pub(crate) const REPORT: &str = "report.md";
/// Names of the classes.
const LABELS: &str = "labels.txt";

/// What a run writes into its folder beside the recipe.
const WRITTEN: [&str; 10] = [
    CHECKPOINTS,
    BEST,
    LAST,
    LAST_PLAIN,
    METRICS,
    LOG,
    CURVES,
    CONFUSION,
    REPORT,
    LABELS,
];

/// The right to write a run's folder.
fn claim(folder: &Path) -> Result<FileLock, Error> {
    let path = folder.join(".lock");
    match FileLock::if_free(&path) {
        Ok(Some(claim)) => Ok(claim),
        Ok(None) => Err(of_folder(folder, "is being trained in already")),
        Err(source) => Err(Error::Write { path, source }),
    }
}

/// Makes the folder of a new run, with the names of the classes and the recipe in it.
pub(crate) fn make(recipe: &Recipe, images: &Dataset) -> Result<FileLock, Error> {
    let folder = &recipe.output;
    unused(folder)?;
    let text = toml::to_string(recipe).map_err(|error| Error::Training {
        reason: format!("the recipe cannot be kept, its data.path or output perhaps: {error}"),
    })?;
    std::fs::create_dir_all(folder).map_err(|source| Error::Write {
        path: folder.clone(),
        source,
    })?;
    let claim = claim(folder)?;
    // Whoever had the folder until now may have left a run.
    unused(folder)?;
    let names: Option<Vec<_>> = (0..images.num_classes())
        .map(|class| images.class_name(class))
        .collect();
    if let Some(names) = names {
        let text = names.join("\n") + "\n";
        weights::write(&folder.join(LABELS), text.as_bytes())?;
    }
    weights::write(&folder.join(OF_RUN), text.as_bytes())?;
    Ok(claim)
}

/// An error if a folder has what a new run would write.
fn unused(folder: &Path) -> Result<(), Error> {
    if folder.join(OF_RUN).exists() {
        let what = "holds a run already; resume it, move it away or set another output";
        return Err(of_folder(folder, what));
    }
    match WRITTEN.iter().find(|name| folder.join(name).exists()) {
        None => Ok(()),
        Some(name) => Err(of_folder(
            folder,
            &format!(
                "has {name} already, which the run would write; move it away or set another output"
            ),
        )),
    }
}

/// The folder of a run that goes on, if it is this very run's, and the state to go on from.
pub(crate) fn reopen(
    recipe: &Recipe,
    checkpoints: &Checkpoints,
    saw: Saw,
) -> Result<(FileLock, Option<State>), Error> {
    let folder = &recipe.output;
    let mut kept = Recipe::of_run(folder)?;
    let claim = claim(folder)?;
    // The images may have been moved.
    kept.data.path.clone_from(&recipe.data.path);
    // A run of an earlier version did not record its preprocessing.
    if kept.preprocess.is_empty() {
        kept.preprocess = recipe.preprocess;
    }
    if kept != *recipe {
        return Err(of_folder(folder, "holds a run of another recipe"));
    }
    let state = checkpoints.newest()?;
    if let Some(state) = &state {
        if state.seed != recipe.seed {
            return Err(of_folder(folder, "holds a run of another seed"));
        }
        if let Some(before) = state.saw {
            let differs = before.difference(saw);
            differs.map_err(|what| of_folder(folder, &format!("holds a run of {what}")))?;
        }
    }
    Ok((claim, state))
}

fn of_folder(folder: &Path, what: &str) -> Error {
    Error::Training {
        reason: format!("{} {what}", folder.display()),
    }
}

/// Which images a run saw: those it learned from, those it was watched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saw {
    training: Images,
    validation: Images,
}

/// Images by their number and a checksum of their classes and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Images {
    count: usize,
    crc32: u32,
}

impl Saw {
    pub(crate) fn of(training: &Dataset, validation: &Dataset) -> Self {
        Self {
            training: Images::of(training),
            validation: Images::of(validation),
        }
    }

    /// An error that says what differs.
    fn difference(self, other: Self) -> Result<(), String> {
        let pairs = [
            ("training", self.training, other.training),
            ("validation", self.validation, other.validation),
        ];
        match pairs.into_iter().find(|(_, before, now)| before != now) {
            None => Ok(()),
            Some((part, before, now)) => Err(format!(
                "other {part} images (then {}, now {}{}); give it those with --data, or begin a new \
                 run with its last.safetensors as weights",
                before.count,
                now.count,
                if before.count == now.count {
                    " of other names or classes"
                } else {
                    ""
                }
            )),
        }
    }
}

impl Images {
    fn of(dataset: &Dataset) -> Self {
        let mut crc = Crc::new();
        dataset.each(|class, name| {
            crc.update(&(class as u64).to_le_bytes());
            crc.update(name.as_bytes());
            // No name has one.
            crc.update(b"\0");
        });
        Self {
            count: dataset.len(),
            crc32: crc.sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Classes;

    #[test]
    fn a_folder_is_claimed_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let first = claim(folder.path()).unwrap();
        let message = claim(folder.path()).unwrap_err().to_string();
        assert!(message.contains("is being trained in already"), "{message}");
        drop(first);
        claim(folder.path()).unwrap();
    }

    fn saw(names: &[&str]) -> (tempfile::TempDir, Saw) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let all = Dataset::open(folder.path(), "train", &Classes::unnamed(2)).unwrap();
        let (training, validation) = all.hold_out(1, 7).unwrap();
        let saw = Saw::of(&training, &validation);
        (folder, saw)
    }

    #[test]
    fn images_are_told_apart_by_number_and_name_but_not_by_where_they_are() {
        let names = ["ant/1.png", "ant/2.png", "bee/1.png", "bee/2.png"];
        let (_kept, before) = saw(&names);
        let (_kept, moved) = saw(&names);
        assert_eq!(before.difference(moved), Ok(()));
        let (_kept, renamed) = saw(&["ant/1.png", "ant/3.png", "bee/1.png", "bee/3.png"]);
        let message = before.difference(renamed).unwrap_err();
        assert!(message.contains("of other names or classes"), "{message}");
        let (_kept, more) = saw(&[&names[..], &["bee/3.png"]].concat());
        let message = before.difference(more).unwrap_err();
        assert!(
            message.contains("training images (then 3, now 4)"),
            "{message}"
        );
    }
}
