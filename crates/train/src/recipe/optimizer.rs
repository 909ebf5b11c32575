//! The optimizer of a run.

use serde::{Deserialize, Serialize};

use super::range;

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

fn momentum() -> f64 {
    0.9
}

impl Optimizer {
    /// Checks what the types leave open.
    pub(super) fn check(&self) -> Result<(), String> {
        range("optimizer.lr", self.lr, f64::MIN_POSITIVE..f64::INFINITY)?;
        range("optimizer.momentum", self.momentum, 0.0..1.0)?;
        let decay = f64::from(self.weight_decay);
        range("optimizer.weight_decay", decay, 0.0..f64::INFINITY)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err("optimizer.nesterov needs optimizer.momentum above 0".to_owned());
        }
        Ok(())
    }
}
