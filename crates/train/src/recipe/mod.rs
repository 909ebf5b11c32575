//! Recipes: one TOML file per training run.

mod data;
mod extras;
mod optimizer;
mod overrides;
mod schedule;

use std::ops::Range;
use std::path::{Path, PathBuf};

use burn_zoo_core::weights::Select;
use burn_zoo_core::{Error, PreprocessOverrides, ZeroPad};
use serde::{Deserialize, Serialize};
use toml::Table;

pub use data::{Data, Valid};
pub use extras::{EarlyStopping, Ema, FineTune};
pub use optimizer::{Algorithm, Decayed, Optimizer};
pub(crate) use optimizer::{BETAS, MOMENTUM};
pub use schedule::{Decay, ScheduleConfig};

use crate::data::Dataset;
use crate::mix::Mix;

/// Name of the recipe in the folder of its run.
pub(crate) const OF_RUN: &str = "recipe.toml";

/// All that a training run is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Architecture, as `burn-zoo list` names it.
    pub model: String,
    /// Number of classes; as many as the images have, where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// Number of image channels.
    pub channels: usize,
    /// Weights to begin with, where not random ones: named ones, as `resnet50.tv2_in1k`, or a
    /// file. Their last layer is drawn anew where the classes differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Where parameter-free shortcuts put the zeros for new channels. By default, as in the initial
    /// weights, or all at the end for random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_pad: Option<ZeroPad>,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images that are in memory at a time.
    pub batch: usize,
    /// Batches whose gradients are averaged for one step.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Seed of the initial weights, the order and the augmentation.
    pub seed: u64,
    /// Share of the target that is spread over all classes; 0 for none.
    #[serde(default)]
    pub label_smoothing: f32,
    /// Probability of dropping the last residual branch in training; earlier ones are dropped
    /// less, in equal steps down to 0 (see
    /// [`StochasticDepth`](burn_zoo_core::StochasticDepth)). 0 for none.
    #[serde(default)]
    pub stochastic_depth: f64,
    /// Computes cheap results again in the backward pass rather than keep them: less memory, more
    /// time.
    #[serde(default)]
    pub gradient_checkpointing: bool,
    /// Folder of the run, which must not hold one yet.
    pub output: PathBuf,
    /// Where the weights are in the file of `weights`, instead of a search.
    #[serde(default, skip_serializing_if = "is_default")]
    pub select: Select,
    /// The images.
    pub data: Data,
    /// Overrides of the model's own preprocessing. In a run's folder, this is the complete preprocessing of
    /// the run's weights.
    #[serde(default, skip_serializing_if = "PreprocessOverrides::is_empty")]
    pub preprocess: PreprocessOverrides,
    /// Mixing of the training images with each other.
    #[serde(default)]
    pub mix: Mix,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The learning rate over time.
    pub schedule: ScheduleConfig,
    /// Averages the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<Ema>,
    /// Ends the run early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// Trains parts of the network less, or not at all.
    #[serde(default, skip_serializing_if = "FineTune::is_plain")]
    pub fine_tune: FineTune,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> usize {
    1
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
        let mut recipe: Self = if unchanged {
            toml::from_str(text).map_err(|error| failed(one_line(&error.to_string())))?
        } else {
            let mut table: Table =
                toml::from_str(text).map_err(|error| failed(one_line(&error.to_string())))?;
            for (key, value) in overrides {
                overrides::set(&mut table, key, value).map_err(failed)?;
            }
            table
                .try_into()
                .map_err(|error: toml::de::Error| failed(one_line(&error.to_string())))?
        };
        recipe.check().map_err(failed)?;
        recipe.optimizer.resolve();
        recipe.schedule.resolve();
        Ok(recipe)
    }

    /// Opens the data and keeps a part back: training images and validation images. `path`
    /// replaces the recipe's own.
    ///
    /// # Errors
    ///
    /// What [`Dataset::open`] says, and [`Error::Dataset`] if nothing is left to train on, or if
    /// the recipe has no number of classes and the data do not tell.
    pub fn datasets(&self, path: Option<&Path>) -> Result<(Dataset, Dataset), Error> {
        self.data.open(path, self.classes, self.seed)
    }

    /// Checks what the types leave open.
    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("classes", self.classes.unwrap_or(1), 1_000_000),
            ("channels", self.channels, 1_000),
            ("epochs", self.epochs, 1_000_000),
            ("batch", self.batch, 1_000_000),
            ("accumulate", self.accumulate, 1_000_000),
        ];
        for (key, value, most) in sizes {
            if value == 0 {
                return Err(format!("{key} = 0, but must be at least 1"));
            }
            if value > most {
                return Err(format!("{key} = {value}, but must be at most {most}"));
            }
        }
        if self.weights.is_none() && self.select != Select::default() {
            return Err(
                "[select] says where weights are in a file, but weights names none".to_owned(),
            );
        }
        range("label_smoothing", f64::from(self.label_smoothing), 0.0..1.0)?;
        range("stochastic_depth", self.stochastic_depth, 0.0..1.0)?;
        self.data.check()?;
        self.mix.check()?;
        self.optimizer.check()?;
        self.schedule.check(self.epochs, self.optimizer.lr)?;
        if let Some(ema) = &self.ema {
            ema.check()?;
        }
        if let Some(early) = self.early_stopping {
            early.check()?;
        }
        self.fine_tune.check()
    }
}

/// Says which values of `of` a key goes with, if it is `given` and `fits` none of them.
fn belongs(key: &str, given: bool, fits: bool, of: &str, values: &str) -> Result<(), String> {
    if given && !fits {
        return Err(format!(
            "{key} has no meaning here; it goes with {of} = {values}"
        ));
    }
    Ok(())
}

/// Says which values a key takes, if this is none of them.
fn range(key: &str, value: f64, allowed: Range<f64>) -> Result<(), String> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let Range { start, end } = allowed;
    Err(format!("{key} = {value}, but must be in {start}..{end}"))
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
    use crate::augment::Augment;

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
        assert_eq!(recipe.optimizer.momentum, Some(0.9));
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
            (format!("{SMALL}[ema]\nwarm = true"), "warm", "decay"),
            (
                format!("{SMALL}[fine_tune]\nfrozen = []"),
                "frozen",
                "freeze",
            ),
            (
                format!("{SMALL}[select]\nkeys = \"teacher\""),
                "keys",
                "prefix",
            ),
            (
                format!("{SMALL}[preprocess]\nsize = 3"),
                "size",
                "interpolation",
            ),
            (
                format!("{SMALL}[early_stopping]\nepochs = 3"),
                "epochs",
                "patience",
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
            ("schedule.gamma", "0.5"),
            ("schedule.min_lr", "0.2"),
            ("optimizer.betas", "[0.9, 0.99]"),
            ("optimizer.clip_norm", "0"),
            ("accumulate", "0"),
            ("stochastic_depth", "1"),
            ("ema.decay", "1.0"),
            ("early_stopping.patience", "0"),
            ("fine_tune.lr_factors.head", "-1"),
            ("data.valid", "1.5"),
            ("preprocess.resize", "0"),
            ("preprocess.std", "0"),
            ("zero_pad", "left"),
        ] {
            let message = with(key, value).unwrap_err().to_string();
            assert!(message.contains(key), "{key}: {message}");
        }
    }

    #[test]
    fn a_recipe_survives_writing_and_reading() {
        let given = [
            ("data.valid", "0.5"),
            ("weights", "net.safetensors"),
            ("zero_pad", "both"),
            ("select.key", "teacher.model"),
            ("select.rename", r#"['^stage(\d)=layer$1']"#),
            ("select.ignore", r#"["*.se.*"]"#),
            ("optimizer.kind", "rmsprop-tf"),
            ("optimizer.clip_value", "0.5"),
            ("schedule.decay", "one-cycle"),
            ("ema.decay", "0.99"),
            ("early_stopping.patience", "3"),
            ("fine_tune.freeze", "[\"backbone\"]"),
            ("fine_tune.lr_factors.stage1", "0.1"),
            ("preprocess.resize", "longest:64"),
            ("preprocess.crop", "64x48"),
            ("preprocess.interpolation", "area"),
            ("preprocess.mean", "[0.485, 0.456, 0.406]"),
            ("preprocess.std", "1"),
        ];
        let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let recipe = Recipe::parse("small", SMALL, &given).unwrap();
        let text = toml::to_string(&recipe).unwrap();
        assert_eq!(Recipe::parse("again", &text, &[]).unwrap(), recipe);
    }

    #[test]
    fn a_place_in_a_file_needs_a_file() {
        let message = with("select.key", "teacher").unwrap_err().to_string();
        assert!(message.contains("[select]"), "{message}");
    }

    #[test]
    fn what_a_recipe_leaves_open_is_filled_in() {
        let text = toml::to_string(&with("optimizer.kind", "adamw").unwrap()).unwrap();
        for line in [
            "betas = [0.9, 0.999]",
            "epsilon = 0.00000001",
            "min_lr = 0.0",
            "accumulate = 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("momentum"), "{text}");
    }
}
