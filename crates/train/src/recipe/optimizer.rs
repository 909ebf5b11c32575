//! The optimizer of a run.

use serde::{Deserialize, Serialize};

use super::{belongs, range};

/// Which share of the last update is kept, where a recipe does not say.
pub(crate) const MOMENTUM: f64 = 0.9;

/// Adam's averages, where a recipe does not say.
pub(crate) const BETAS: [f32; 2] = [0.9, 0.999];

/// How a step follows from the gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The algorithm.
    #[serde(default)]
    pub kind: Algorithm,
    /// Learning rate at its highest.
    pub lr: f64,
    /// Share of the last update that is kept, 0 for none; for `sgd` and `rmsprop*`, 0.9 unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// Looks one step ahead (Nesterov); for `sgd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// Share of the last averages of the gradients and of their squares that is kept; for `adam`
    /// and `adamw`, 0.9 and 0.999 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f32; 2]>,
    /// Share of the last average of the squared gradients that is kept; for `rmsprop*`, 0.99
    /// (PyTorch's) or 0.9 (TensorFlow's) unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f32>,
    /// Keeps divisors away from zero; for all but `sgd`. Unless given, 1e-8 as in PyTorch, or
    /// 1e-10 as in TensorFlow's RMSprop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f32>,
    /// Penalty on the squared parameters; for `adamw` the share of a parameter that each step
    /// takes away, times the learning rate.
    #[serde(default)]
    pub weight_decay: f32,
    /// Which parameters decay.
    #[serde(default)]
    pub decayed: Decayed,
    /// Longest that the vector of all gradients may be; longer ones are shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
    /// Greatest that each single gradient may be, in either direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f32>,
}

/// Known optimizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Stochastic gradient descent with momentum and without dampening, as in the papers.
    #[default]
    Sgd,
    /// RMSprop as PyTorch has it.
    Rmsprop,
    /// RMSprop as TensorFlow has it, which trained the Inception networks (Szegedy et al. 2015,
    /// arXiv:1512.00567, section 8): the average of squares begins at 1, and epsilon is added
    /// before the root is taken.
    RmspropTf,
    /// Adam (Kingma and Ba 2014, arXiv:1412.6980).
    Adam,
    /// Adam with decay apart from the gradient (Loshchilov and Hutter 2017, arXiv:1711.05101).
    Adamw,
}

/// Which parameters decay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decayed {
    /// Those with more than one dimension: norms and biases are spared.
    #[default]
    Weights,
    /// All, as in the papers.
    All,
}

impl Optimizer {
    /// Fills in what the algorithm takes and the recipe does not give.
    pub(super) fn resolve(&mut self) {
        match self.kind {
            Algorithm::Sgd => {
                self.momentum.get_or_insert(MOMENTUM);
                self.nesterov.get_or_insert(false);
            }
            Algorithm::Rmsprop | Algorithm::RmspropTf => {
                self.momentum.get_or_insert(MOMENTUM);
                self.alpha = Some(self.alpha());
                self.epsilon = Some(self.epsilon());
            }
            Algorithm::Adam | Algorithm::Adamw => {
                self.betas.get_or_insert(BETAS);
                self.epsilon = Some(self.epsilon());
            }
        }
    }

    /// `alpha`, or its default.
    pub(crate) fn alpha(&self) -> f32 {
        let usual = match self.kind {
            Algorithm::RmspropTf => 0.9,
            _ => 0.99,
        };
        self.alpha.unwrap_or(usual)
    }

    /// `epsilon`, or its default.
    pub(crate) fn epsilon(&self) -> f32 {
        let usual = match self.kind {
            Algorithm::RmspropTf => 1e-10,
            _ => 1e-8,
        };
        self.epsilon.unwrap_or(usual)
    }

    /// Checks what the types leave open.
    pub(super) fn check(&self) -> Result<(), String> {
        use Algorithm::{Adam, Adamw, Rmsprop, RmspropTf, Sgd};
        let rms = [Rmsprop, RmspropTf];
        let adam = [Adam, Adamw];
        let is = |kinds: &[Algorithm]| kinds.contains(&self.kind);
        for (key, given, fits, kinds) in [
            (
                "momentum",
                self.momentum.is_some(),
                is(&[Sgd, Rmsprop, RmspropTf]),
                "sgd, rmsprop, rmsprop-tf",
            ),
            ("nesterov", self.nesterov.is_some(), is(&[Sgd]), "sgd"),
            ("betas", self.betas.is_some(), is(&adam), "adam, adamw"),
            (
                "alpha",
                self.alpha.is_some(),
                is(&rms),
                "rmsprop, rmsprop-tf",
            ),
            (
                "epsilon",
                self.epsilon.is_some(),
                !is(&[Sgd]),
                "rmsprop, rmsprop-tf, adam, adamw",
            ),
        ] {
            belongs(
                &format!("optimizer.{key}"),
                given,
                fits,
                "optimizer.kind",
                kinds,
            )?;
        }
        let positive = f64::MIN_POSITIVE..f64::INFINITY;
        let share = 0.0..1.0;
        range("optimizer.lr", self.lr, positive.clone())?;
        let momentum = self.momentum.unwrap_or_default();
        range("optimizer.momentum", momentum, share.clone())?;
        for beta in self.betas.unwrap_or_default() {
            range("optimizer.betas", f64::from(beta), share.clone())?;
        }
        let decay = f64::from(self.weight_decay);
        range("optimizer.weight_decay", decay, 0.0..f64::INFINITY)?;
        for (key, value, allowed) in [
            ("alpha", self.alpha, share),
            ("epsilon", self.epsilon, positive.clone()),
            ("clip_norm", self.clip_norm, positive.clone()),
            ("clip_value", self.clip_value, positive),
        ] {
            if let Some(value) = value {
                range(&format!("optimizer.{key}"), f64::from(value), allowed)?;
            }
        }
        if self.nesterov == Some(true) && self.momentum == Some(0.0) {
            return Err("optimizer.nesterov needs optimizer.momentum above 0".to_owned());
        }
        Ok(())
    }
}
