//! The learning rate of a run over time.

use serde::{Deserialize, Serialize};

use super::range;

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

fn gamma() -> f64 {
    0.1
}

impl ScheduleConfig {
    /// Checks what the types leave open, for a run of so many epochs.
    pub(super) fn check(&self, epochs: usize) -> Result<(), String> {
        let end = epochs as f64 + 1e-9;
        range("schedule.warmup_epochs", self.warmup_epochs, 0.0..end)?;
        range("schedule.gamma", self.gamma, 0.0..f64::INFINITY)?;
        match (self.decay, self.milestones.is_empty()) {
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
