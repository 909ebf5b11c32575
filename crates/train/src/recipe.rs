//! Recipes: one TOML file per training run.

use std::path::{Path, PathBuf};

use burn_zoo_core::Error;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::augment::Augment;
use crate::classes::Classes;
use crate::data::Dataset;

/// Name of the recipe in the folder of its run.
pub(crate) const OF_RUN: &str = "recipe.toml";

/// All that a training run is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Architecture, as `burn-zoo list` names it.
    pub model: String,
    /// Number of classes.
    pub classes: usize,
    /// Number of image channels.
    pub channels: usize,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images per step.
    pub batch: usize,
    /// Seed of the initial weights, the order and the augmentation.
    pub seed: u64,
    /// Share of the target that is spread over all classes; 0 for none.
    #[serde(default)]
    pub label_smoothing: f32,
    /// Folder of the run, which must not hold one yet.
    pub output: PathBuf,
    /// The images.
    pub data: Data,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The learning rate over time.
    pub schedule: ScheduleConfig,
}

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

/// Stochastic gradient descent, always without dampening, as in the papers and in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The algorithm.
    #[serde(default)]
    pub kind: Algorithm,
    /// Learning rate at its highest.
    pub lr: f64,
    /// Share of the last update that is kept; 0 for none.
    #[serde(default = "momentum")]
    pub momentum: f64,
    /// Looks one step ahead (Nesterov).
    #[serde(default)]
    pub nesterov: bool,
    /// Penalty on the squared parameters.
    #[serde(default)]
    pub weight_decay: f32,
}

/// Known optimizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Stochastic gradient descent with momentum.
    #[default]
    Sgd,
}

/// The learning rate over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// What happens after the warm-up.
    pub decay: Decay,
    /// Epochs over which the rate rises from 0.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// Epochs before which `multi-step` multiplies by `gamma`, counted from 0.
    #[serde(default)]
    pub milestones: Vec<usize>,
    /// Factor at each milestone.
    #[serde(default = "gamma")]
    pub gamma: f64,
}

/// What the learning rate does after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Nothing.
    Constant,
    /// Falls to 0 along half a cosine.
    Cosine,
    /// Falls by a factor at each milestone.
    MultiStep,
}

fn train_split() -> String {
    "train".to_owned()
}

fn momentum() -> f64 {
    0.9
}

fn gamma() -> f64 {
    0.1
}

impl Recipe {
    /// Reads a file; `overrides` are keys like `optimizer.lr` with values in TOML or plain words.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] without the file, [`Error::Recipe`] for a wrong key or value.
    pub fn read(path: &Path, overrides: &[(String, String)]) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text, overrides)
    }

    /// The recipe that the run in a folder was started with.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if there is no run, [`Error::Recipe`] if its recipe was changed for the
    /// worse.
    pub fn of_run(folder: &Path) -> Result<Self, Error> {
        let mut recipe = Self::read(&folder.join(OF_RUN), &[])?;
        // The run may have been moved since.
        recipe.output = folder.to_path_buf();
        Ok(recipe)
    }

    /// As [`Recipe::read`], from text; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`Error::Recipe`] for a wrong key or value.
    pub fn parse(name: &str, text: &str, overrides: &[(String, String)]) -> Result<Self, Error> {
        let failed = |reason: String| Error::Recipe {
            name: name.to_owned(),
            reason,
        };
        // Read as it stands first, since only then messages have line numbers.
        let unchanged = overrides.is_empty();
        let recipe: Self = if unchanged {
            toml::from_str(text).map_err(|error| failed(one_line(&error.to_string())))?
        } else {
            let mut table: Table =
                toml::from_str(text).map_err(|error| failed(one_line(&error.to_string())))?;
            for (key, value) in overrides {
                set(&mut table, key, value).map_err(failed)?;
            }
            table
                .try_into()
                .map_err(|error: toml::de::Error| failed(one_line(&error.to_string())))?
        };
        recipe.check().map_err(failed)?;
        Ok(recipe)
    }

    /// Opens the data and keeps its end back: training images and validation images. `path`
    /// replaces the recipe's own.
    ///
    /// # Errors
    ///
    /// What [`Dataset::open`] says, and [`Error::Dataset`] if nothing is left to train on.
    pub fn datasets(&self, path: Option<&Path>) -> Result<(Dataset, Dataset), Error> {
        let path = path.unwrap_or(&self.data.path);
        let all = Dataset::open(path, &self.data.train, &Classes::unnamed(self.classes))?;
        let count = match self.data.valid {
            Valid::Count(count) => count,
            Valid::Fraction(share) => (all.len() as f64 * share).round() as usize,
        };
        all.split_last(count)
    }

    /// Checks what the types leave open.
    fn check(&self) -> Result<(), String> {
        let positive = [
            ("classes", self.classes),
            ("channels", self.channels),
            ("epochs", self.epochs),
            ("batch", self.batch),
        ];
        for (key, value) in positive {
            if value == 0 {
                return Err(format!("{key} = 0, but must be at least 1"));
            }
        }
        let fraction = match self.data.valid {
            Valid::Fraction(share) => share,
            Valid::Count(_) => 0.0,
        };
        let schedule = &self.schedule;
        let ranges = [
            ("label_smoothing", f64::from(self.label_smoothing), 0.0..1.0),
            ("data.valid", fraction, 0.0..1.0),
            (
                "optimizer.lr",
                self.optimizer.lr,
                f64::MIN_POSITIVE..f64::INFINITY,
            ),
            ("optimizer.momentum", self.optimizer.momentum, 0.0..1.0),
            (
                "optimizer.weight_decay",
                f64::from(self.optimizer.weight_decay),
                0.0..f64::INFINITY,
            ),
            (
                "schedule.warmup_epochs",
                schedule.warmup_epochs,
                0.0..self.epochs as f64 + 1e-9,
            ),
            ("schedule.gamma", schedule.gamma, 0.0..f64::INFINITY),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let (start, end) = (range.start, range.end);
                return Err(format!("{key} = {value}, but must be in {start}..{end}"));
            }
        }
        if self.optimizer.nesterov && self.optimizer.momentum == 0.0 {
            return Err("optimizer.nesterov needs optimizer.momentum above 0".to_owned());
        }
        match (schedule.decay, schedule.milestones.is_empty()) {
            (Decay::MultiStep, true) => {
                Err("schedule.decay = \"multi-step\" needs schedule.milestones".to_owned())
            }
            (Decay::Constant | Decay::Cosine, false) => {
                Err("schedule.milestones needs schedule.decay = \"multi-step\"".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Sets `a.b = value` in nested tables.
fn set(table: &mut Table, key: &str, value: &str) -> Result<(), String> {
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let mut table = table;
    for part in parts {
        let inner = table
            .entry(part)
            .or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(inner) = inner else {
            return Err(format!("cannot set {key}: {part} is a value, not a table"));
        };
        table = inner;
    }
    table.insert(last.to_owned(), value_of(value));
    Ok(())
}

/// A TOML value, or a string where it is none.
fn value_of(text: &str) -> Value {
    let document: Result<Table, _> = toml::from_str(&format!("value = {text}"));
    match document.ok().and_then(|mut table| table.remove("value")) {
        Some(value) => value,
        None => Value::String(text.to_owned()),
    }
}

/// Messages of the command line are one line.
fn one_line(message: &str) -> String {
    message
        .split('\n')
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SMALL: &str = r#"
        model = "tiny"
        classes = 3
        channels = 1
        epochs = 2
        batch = 4
        seed = 7
        output = "run"
        [data]
        path = "digits"
        valid = 5
        [optimizer]
        lr = 0.1
        [schedule]
        decay = "cosine"
    "#;

    fn with(key: &str, value: &str) -> Result<Recipe, Error> {
        Recipe::parse("small", SMALL, &[(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn defaults_are_the_papers() {
        let recipe = Recipe::parse("small", SMALL, &[]).unwrap();
        assert_eq!(recipe.optimizer.momentum, 0.9);
        assert_eq!(recipe.optimizer.weight_decay, 0.0);
        assert_eq!(recipe.data.valid, Valid::Count(5));
        assert_eq!(recipe.data.train, "train");
        assert_eq!(recipe.data.augment, Augment::default());
    }

    #[test]
    fn an_unknown_key_is_an_error_that_lists_the_allowed_ones() {
        for (text, wrong, allowed) in [
            (SMALL.replace("seed", "sed"), "sed", "epochs"),
            (SMALL.replace("lr =", "rate ="), "rate", "weight_decay"),
            (
                SMALL.replace("valid =", "validation ="),
                "validation",
                "augment",
            ),
        ] {
            let message = Recipe::parse("small", &text, &[]).unwrap_err().to_string();
            assert!(message.contains("recipe small"), "{message}");
            assert!(
                message.contains(wrong) && message.contains(allowed),
                "{message}"
            );
            assert!(!message.contains('\n'), "{message}");
        }
        let message = with("data.augment.turn", "3").unwrap_err().to_string();
        assert!(
            message.contains("turn") && message.contains("shift"),
            "{message}"
        );
    }

    #[test]
    fn overrides_reach_nested_keys_with_values_of_any_type() {
        assert_eq!(with("optimizer.lr", "0.5").unwrap().optimizer.lr, 0.5);
        assert_eq!(with("model", "resnet18").unwrap().model, "resnet18");
        assert_eq!(
            with("data.augment.shift", "2").unwrap().data.augment.shift,
            2
        );
        assert_eq!(
            with("data.valid", "0.25").unwrap().data.valid,
            Valid::Fraction(0.25)
        );
        let flat = with("model.name", "x").unwrap_err().to_string();
        assert!(flat.contains("model.name"), "{flat}");
    }

    #[test]
    fn values_out_of_range_are_errors_that_name_the_key() {
        for (key, value) in [
            ("batch", "0"),
            ("optimizer.momentum", "1.0"),
            ("optimizer.lr", "0"),
            ("optimizer.lr", "nan"),
            ("label_smoothing", "1"),
            ("schedule.warmup_epochs", "3"),
            ("schedule.milestones", "[1]"),
            ("data.valid", "1.5"),
        ] {
            let message = with(key, value).unwrap_err().to_string();
            assert!(message.contains(key), "{key}: {message}");
        }
    }

    #[test]
    fn a_recipe_survives_writing_and_reading() {
        let recipe = with("data.valid", "0.5").unwrap();
        let text = toml::to_string(&recipe).unwrap();
        assert_eq!(Recipe::parse("again", &text, &[]).unwrap(), recipe);
    }
}
