//! What a run may do beside: averaged weights, early stopping, fine-tuning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::range;

/// An exponential moving average of the weights, running statistics of norms included, which is
/// validated and saved in the place of the weights themselves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ema {
    /// Share of the average that a step keeps.
    pub decay: f64,
    /// Keeps less in the first steps: `(1 + n) / (10 + n)` after `n` of them where that is less,
    /// as TensorFlow does.
    #[serde(default)]
    pub warmup: bool,
}

impl Ema {
    pub(super) fn check(&self) -> Result<(), String> {
        range("ema.decay", self.decay, 0.0..1.0)
    }

    /// Share of the average that is kept after `updates` steps.
    pub(crate) fn kept(&self, updates: usize) -> f64 {
        let steps = updates as f64;
        if self.warmup {
            self.decay.min((1.0 + steps) / (10.0 + steps))
        } else {
            self.decay
        }
    }
}

/// Ends a run that no longer gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs after the best one, by accuracy on the validation images, before the run ends.
    pub patience: usize,
}

impl EarlyStopping {
    pub(super) fn check(self) -> Result<(), String> {
        if self.patience == 0 {
            return Err("early_stopping.patience = 0, but must be at least 1".to_owned());
        }
        Ok(())
    }
}

/// How the parts of a network take part in training. Parts are the stages that
/// [`Classifier::features`](burn_zoo_core::Classifier::features) names, `head` for all that comes
/// after the last of them (auxiliary heads too), and `backbone` for all that comes before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTune {
    /// Parts that stay as they are: no gradients, and norms by their running statistics.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// Factors of parts on the learning rate; a stage's own goes before `backbone`'s.
    #[serde(default)]
    pub lr_factors: BTreeMap<String, f64>,
}

impl FineTune {
    pub(super) fn check(&self) -> Result<(), String> {
        for (part, &factor) in &self.lr_factors {
            range(
                &format!("fine_tune.lr_factors.{part}"),
                factor,
                0.0..f64::INFINITY,
            )?;
        }
        Ok(())
    }

    /// Whether every part trains alike.
    pub(crate) fn is_plain(&self) -> bool {
        self.freeze.is_empty() && self.lr_factors.is_empty()
    }
}
