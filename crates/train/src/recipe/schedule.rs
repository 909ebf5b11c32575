//! The learning rate of a run over time.

use serde::{Deserialize, Serialize};

use super::{belongs, range};

/// Factor of `multi-step` and `exponential`, where a recipe does not say.
const GAMMA: f64 = 0.1;

/// The learning rate over time: a linear warm-up, then a decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// What happens after the warm-up.
    pub decay: Decay,
    /// Epochs over which the rate rises from 0.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// Epochs before which `multi-step` multiplies by `gamma`, counted from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<usize>,
    /// Factor of `multi-step` and `exponential`; 0.1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// Epochs, counted from the run's start, after each of which `exponential` multiplies; 1
    /// unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_epochs: Option<f64>,
    /// Exponent of `polynomial`; 1 unless given, which is a straight line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
    /// Rate at which `cosine` and `polynomial` end; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_lr: Option<f64>,
    /// Share of the steps of `one-cycle` in which the rate rises; 0.3 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rise: Option<f64>,
    /// What the highest rate of `one-cycle` is divided by for the first one; 25 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_divisor: Option<f64>,
    /// What the first rate of `one-cycle` is divided by for the last one; 10,000 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_divisor: Option<f64>,
}

/// What the learning rate does after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Nothing.
    Constant,
    /// Falls by a factor at each milestone.
    MultiStep,
    /// Falls by a factor every so many epochs.
    Exponential,
    /// Falls as a power of the share of steps that are left.
    Polynomial,
    /// Falls along half a cosine (Loshchilov and Hutter 2016, arXiv:1608.03983).
    Cosine,
    /// Rises along half a cosine and falls along another (Smith and Topin 2017,
    /// arXiv:1708.07120; as in PyTorch, but for the momentum, which stays).
    OneCycle,
}

impl ScheduleConfig {
    /// Factor of `multi-step` and `exponential`.
    pub(crate) fn gamma(&self) -> f64 {
        self.gamma.unwrap_or(GAMMA)
    }

    /// Fills in what the decay takes and the recipe does not give.
    pub(super) fn resolve(&mut self) {
        match self.decay {
            Decay::Constant => {}
            Decay::MultiStep => self.gamma = Some(self.gamma()),
            Decay::Exponential => {
                self.gamma = Some(self.gamma());
                self.every_epochs.get_or_insert(1.0);
            }
            Decay::Polynomial => {
                self.power.get_or_insert(1.0);
                self.min_lr.get_or_insert(0.0);
            }
            Decay::Cosine => {
                self.min_lr.get_or_insert(0.0);
            }
            Decay::OneCycle => {
                self.rise.get_or_insert(0.3);
                self.start_divisor.get_or_insert(25.0);
                self.end_divisor.get_or_insert(1e4);
            }
        }
    }

    /// Checks what the types leave open, for a run of so many epochs up to a rate of `lr`.
    pub(super) fn check(&self, epochs: usize, lr: f64) -> Result<(), String> {
        use Decay::{Cosine, Exponential, MultiStep, OneCycle, Polynomial};
        let is = |decays: &[Decay]| decays.contains(&self.decay);
        for (key, given, fits, decays) in [
            (
                "milestones",
                !self.milestones.is_empty(),
                is(&[MultiStep]),
                "multi-step",
            ),
            (
                "gamma",
                self.gamma.is_some(),
                is(&[MultiStep, Exponential]),
                "multi-step, exponential",
            ),
            (
                "every_epochs",
                self.every_epochs.is_some(),
                is(&[Exponential]),
                "exponential",
            ),
            (
                "power",
                self.power.is_some(),
                is(&[Polynomial]),
                "polynomial",
            ),
            (
                "min_lr",
                self.min_lr.is_some(),
                is(&[Cosine, Polynomial]),
                "cosine, polynomial",
            ),
            ("rise", self.rise.is_some(), is(&[OneCycle]), "one-cycle"),
            (
                "start_divisor",
                self.start_divisor.is_some(),
                is(&[OneCycle]),
                "one-cycle",
            ),
            (
                "end_divisor",
                self.end_divisor.is_some(),
                is(&[OneCycle]),
                "one-cycle",
            ),
        ] {
            belongs(
                &format!("schedule.{key}"),
                given,
                fits,
                "schedule.decay",
                decays,
            )?;
        }
        if self.decay == MultiStep && self.milestones.is_empty() {
            return Err("schedule.decay = \"multi-step\" needs schedule.milestones".to_owned());
        }
        let end = epochs as f64 + 1e-9;
        range("schedule.warmup_epochs", self.warmup_epochs, 0.0..end)?;
        let positive = f64::MIN_POSITIVE..f64::INFINITY;
        for (key, value, allowed) in [
            ("gamma", self.gamma, 0.0..f64::INFINITY),
            ("every_epochs", self.every_epochs, positive.clone()),
            ("power", self.power, positive),
            ("min_lr", self.min_lr, 0.0..lr),
            ("rise", self.rise, 0.0..1.0),
            ("start_divisor", self.start_divisor, 1.0..f64::INFINITY),
            ("end_divisor", self.end_divisor, 1.0..f64::INFINITY),
        ] {
            if let Some(value) = value {
                range(&format!("schedule.{key}"), value, allowed)?;
            }
        }
        Ok(())
    }
}
