//! The learning rate of each step.

use std::f64::consts::PI;

use burn::optim::LearningRate;
use burn::optim::lr_scheduler::{LrScheduler, LrSchedulerRecord};

use crate::recipe::{Decay, Recipe};

/// Linear warm-up followed by a [`Decay`], one value per step.
#[derive(Clone, Debug)]
pub struct Schedule {
    peak: f64,
    curve: Curve,
    warmup: usize,
    total: usize,
    steps_per_epoch: usize,
}

/// A [`Decay`] with its numbers.
#[derive(Clone, Debug)]
enum Curve {
    Constant,
    MultiStep { milestones: Vec<usize>, gamma: f64 },
    Exponential { gamma: f64, every_epochs: f64 },
    Polynomial { power: f64, end: f64 },
    Cosine { end: f64 },
    OneCycle { rise: f64, first: f64, last: f64 },
}

impl Schedule {
    /// The schedule of a recipe whose epochs have `steps_per_epoch` steps.
    pub fn new(recipe: &Recipe, steps_per_epoch: usize) -> Self {
        let config = &recipe.schedule;
        let peak = recipe.optimizer.lr;
        let end = config.min_lr.unwrap_or(0.0);
        let curve = match config.decay {
            Decay::Constant => Curve::Constant,
            Decay::MultiStep => Curve::MultiStep {
                milestones: config.milestones.clone(),
                gamma: config.gamma(),
            },
            Decay::Exponential => Curve::Exponential {
                gamma: config.gamma(),
                every_epochs: config.every_epochs.unwrap_or(1.0),
            },
            Decay::Polynomial => Curve::Polynomial {
                power: config.power.unwrap_or(1.0),
                end,
            },
            Decay::Cosine => Curve::Cosine { end },
            Decay::OneCycle => {
                let first = peak / config.start_divisor.unwrap_or(25.0);
                Curve::OneCycle {
                    rise: config.rise.unwrap_or(0.3),
                    first,
                    last: first / config.end_divisor.unwrap_or(1e4),
                }
            }
        };
        Self {
            peak,
            curve,
            warmup: (config.warmup_epochs * steps_per_epoch as f64).round() as usize,
            total: recipe.epochs * steps_per_epoch,
            steps_per_epoch: steps_per_epoch.max(1),
        }
    }

    /// The learning rate of step `step`, counted from 0.
    ///
    /// The last warm-up step has the full rate already; cosine and polynomial reach their end one
    /// step after the last. Those and one-cycle begin after the warm-up; multi-step and
    /// exponential count epochs from the start of the run.
    pub fn rate(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let span = self.total.saturating_sub(self.warmup).max(1) as f64;
        let step_of_span = (step - self.warmup) as f64;
        let left = (1.0 - step_of_span / span).max(0.0);
        let peak = self.peak;
        match &self.curve {
            Curve::Constant => peak,
            Curve::MultiStep { milestones, gamma } => {
                let epoch = step / self.steps_per_epoch;
                let passed = milestones.iter().filter(|&&milestone| milestone <= epoch);
                peak * gamma.powi(passed.count() as i32)
            }
            Curve::Exponential {
                gamma,
                every_epochs,
            } => {
                let every = every_epochs * self.steps_per_epoch as f64;
                // A quotient that ought to be whole may come out just below.
                peak * gamma.powf((step as f64 / every + 1e-9).floor())
            }
            Curve::Polynomial { power, end } => end + (peak - end) * left.powf(*power),
            Curve::Cosine { end } => half_cosine(peak, *end, 1.0 - left),
            Curve::OneCycle { rise, first, last } => {
                let (top, bottom) = (rise * span - 1.0, span - 1.0);
                if step_of_span <= top {
                    let done = if top > 0.0 { step_of_span / top } else { 1.0 };
                    half_cosine(*first, peak, done)
                } else {
                    let done = (step_of_span - top) / (bottom - top);
                    half_cosine(peak, *last, done.min(1.0))
                }
            }
        }
    }
}

/// From `start` to `end` along half a cosine, of which the share `done` is behind.
fn half_cosine(start: f64, end: f64, done: f64) -> f64 {
    end + (start - end) * 0.5 * (1.0 + (PI * done).cos())
}

/// A schedule that knows which step is next, as Burn's learner wants it.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    schedule: Schedule,
    factor: f64,
    next: usize,
}

/// Name of the next step in a record.
const NEXT: &str = "next";

impl Steps {
    /// The steps of a schedule from the first on, each rate times `factor`.
    pub(crate) fn new(schedule: Schedule, factor: f64) -> Self {
        Self {
            schedule,
            factor,
            next: 0,
        }
    }
}

impl LrScheduler for Steps {
    fn step(&mut self) -> LearningRate {
        let rate = self.schedule.rate(self.next) * self.factor;
        self.next += 1;
        rate
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new().with_scalar(NEXT, self.next)
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        self.next = record.scalar(NEXT).unwrap_or(self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::tests::SMALL;

    /// Of four epochs of four steps, up to 0.4.
    fn schedule(decay: &str, settings: &[(&str, &str)]) -> Schedule {
        let usual = [
            ("epochs", "4"),
            ("optimizer.lr", "0.4"),
            ("schedule.decay", decay),
        ];
        let all = usual.iter().chain(settings);
        let all: Vec<_> = all
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Schedule::new(&Recipe::parse("small", SMALL, &all).unwrap(), 4)
    }

    const WARM: (&str, &str) = ("schedule.warmup_epochs", "1");

    #[track_caller]
    fn assert_rates(schedule: &Schedule, expected: impl IntoIterator<Item = f64>) {
        for (step, expected) in expected.into_iter().enumerate() {
            let found = schedule.rate(step);
            // The reference is printed with nine digits.
            assert!(
                (found - expected).abs() < 1e-9,
                "step {step}: {found} is not {expected}"
            );
        }
    }

    /// Each value for the four steps of an epoch.
    fn by_epoch(rates: &[f64]) -> impl Iterator<Item = f64> {
        rates.iter().flat_map(|&rate| [rate; 4])
    }

    #[test]
    fn one_cycle_may_begin_at_its_top() {
        // A sixteenth of sixteen steps.
        let schedule = schedule("one-cycle", &[("schedule.rise", "0.0625")]);
        assert_rates(&schedule, [0.4]);
        assert!((0..16).all(|step| (0.0..=0.4).contains(&schedule.rate(step))));
    }

    #[test]
    fn the_warm_up_is_linear_and_ends_at_the_peak() {
        let schedule = schedule("constant", &[WARM]);
        assert_rates(&schedule, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]);
        assert_eq!(schedule.rate(99), 0.4);
    }

    // The numbers below are PyTorch's, printed by tools/reference/training_numbers.py.

    /// `SequentialLR([LinearLR(o, 1 / 4, 1, 3), CosineAnnealingLR(o, 12)], [4])`
    #[test]
    fn cosine_is_pytorchs() {
        let rates = [
            0.1,
            0.2,
            0.3,
            0.4,
            0.4,
            0.393185165,
            0.373205081,
            0.341421356,
            0.3,
            0.251763809,
            0.2,
            0.148236191,
            0.1,
            0.0585786438,
            0.0267949192,
            0.00681483474,
        ];
        let schedule = schedule("cosine", &[WARM]);
        assert_rates(&schedule, rates);
        assert_eq!(schedule.rate(99), 0.0);
    }

    /// `CosineAnnealingLR(o, 12, 0.04)` after the warm-up
    #[test]
    fn cosine_ends_where_it_is_told() {
        let rates = [
            0.1,
            0.2,
            0.3,
            0.4,
            0.4,
            0.393866649,
            0.375884573,
            0.347279221,
            0.31,
            0.266587428,
            0.22,
            0.173412572,
            0.13,
            0.0927207794,
            0.0641154273,
            0.0461333513,
        ];
        assert_rates(
            &schedule("cosine", &[WARM, ("schedule.min_lr", "0.04")]),
            rates,
        );
    }

    /// `PolynomialLR(o, 12, 2)` after the warm-up
    #[test]
    fn polynomial_is_pytorchs() {
        let rates = [
            0.1,
            0.2,
            0.3,
            0.4,
            0.4,
            0.336111111,
            0.277777778,
            0.225,
            0.177777778,
            0.136111111,
            0.1,
            0.0694444444,
            0.0444444444,
            0.025,
            0.0111111111,
            0.00277777778,
        ];
        assert_rates(
            &schedule("polynomial", &[WARM, ("schedule.power", "2.0")]),
            rates,
        );
    }

    /// `OneCycleLR(o, 0.4, total_steps=16, cycle_momentum=False)`
    #[test]
    fn one_cycle_is_pytorchs() {
        let rates = [
            0.016,
            0.0779619382,
            0.223855234,
            0.359514978,
            0.399685364,
            0.388776711,
            0.363112321,
            0.324698262,
            0.27653718,
            0.222393606,
            0.166499689,
            0.113224399,
            0.0667320175,
            0.0306566375,
            0.00781810434,
            1.6e-06,
        ];
        assert_rates(&schedule("one-cycle", &[]), rates);
    }

    /// `OneCycleLR(o, 0.4, total_steps=12, cycle_momentum=False)` after the warm-up
    #[test]
    fn one_cycle_begins_after_the_warm_up() {
        let rates = [
            0.1,
            0.2,
            0.3,
            0.4,
            0.016,
            0.139915862,
            0.351714064,
            0.397766174,
            0.373205188,
            0.324698262,
            0.258951599,
            0.185054841,
            0.113224399,
            0.0533910121,
            0.013826795,
            1.6e-06,
        ];
        assert_rates(&schedule("one-cycle", &[WARM]), rates);
    }

    /// `ExponentialLR(o, 0.5)` and `StepLR(o, 2, 0.94)`, stepped after each epoch
    #[test]
    fn exponential_is_pytorchs() {
        let each = schedule("exponential", &[("schedule.gamma", "0.5")]);
        assert_rates(&each, by_epoch(&[0.4, 0.2, 0.1, 0.05]));
        let second = [("schedule.gamma", "0.94"), ("schedule.every_epochs", "2.0")];
        let rates = [
            0.4, 0.4, 0.376, 0.376, 0.35344, 0.35344, 0.3322336, 0.3322336,
        ];
        assert_rates(&schedule("exponential", &second), by_epoch(&rates));
    }

    /// `MultiStepLR(o, [2, 3], 0.1)`, stepped after each epoch
    #[test]
    fn multi_step_is_pytorchs() {
        let schedule = schedule("multi-step", &[("schedule.milestones", "[2, 3]")]);
        assert_rates(&schedule, by_epoch(&[0.4, 0.4, 0.04, 0.004]));
    }

    #[test]
    fn steps_follow_the_schedule_and_go_on_from_a_record() {
        let steps = |factor| Steps::new(schedule("constant", &[WARM]), factor);
        let mut whole = steps(1.0);
        assert_eq!([whole.step(), whole.step()], [0.1, 0.2]);
        let mut resumed = steps(0.5);
        resumed.load_record(whole.to_record());
        assert!((resumed.step() - 0.15).abs() < 1e-12);
    }
}
