//! The learning rate of each step.

use std::f64::consts::PI;

use burn::optim::LearningRate;
use burn::optim::lr_scheduler::{LrScheduler, LrSchedulerRecord};

use crate::recipe::{Decay, Recipe};

/// Linear warm-up followed by a [`Decay`], one value per step.
#[derive(Clone, Debug)]
pub struct Schedule {
    peak: f64,
    decay: Decay,
    milestones: Vec<usize>,
    gamma: f64,
    warmup: usize,
    total: usize,
    steps_per_epoch: usize,
}

impl Schedule {
    /// The schedule of a recipe whose epochs have `steps_per_epoch` steps.
    pub fn new(recipe: &Recipe, steps_per_epoch: usize) -> Self {
        let config = &recipe.schedule;
        Self {
            peak: recipe.optimizer.lr,
            decay: config.decay,
            milestones: config.milestones.clone(),
            gamma: config.gamma,
            warmup: (config.warmup_epochs * steps_per_epoch as f64).round() as usize,
            total: recipe.epochs * steps_per_epoch,
            steps_per_epoch,
        }
    }

    /// The learning rate of step `step`, counted from 0.
    ///
    /// The last warm-up step has the full rate already; cosine reaches 0 one step after the last.
    pub fn rate(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        match self.decay {
            Decay::Constant => self.peak,
            Decay::Cosine => {
                let span = self.total.saturating_sub(self.warmup).max(1);
                let done = ((step - self.warmup) as f64 / span as f64).min(1.0);
                self.peak * 0.5 * (1.0 + (PI * done).cos())
            }
            Decay::MultiStep => {
                let epoch = step / self.steps_per_epoch.max(1);
                let passed = self
                    .milestones
                    .iter()
                    .filter(|&&milestone| milestone <= epoch);
                self.peak * self.gamma.powi(passed.count() as i32)
            }
        }
    }
}

/// A schedule that knows which step is next, as Burn's learner wants it.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    schedule: Schedule,
    next: usize,
}

/// Name of the next step in a record.
const NEXT: &str = "next";

impl Steps {
    /// The steps of a schedule from the first on.
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self { schedule, next: 0 }
    }
}

impl LrScheduler for Steps {
    fn step(&mut self) -> LearningRate {
        let rate = self.schedule.rate(self.next);
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

    fn schedule(decay: Decay, warmup: usize) -> Schedule {
        Schedule {
            peak: 0.4,
            decay,
            milestones: vec![2, 3],
            gamma: 0.1,
            warmup,
            total: 16,
            steps_per_epoch: 4,
        }
    }

    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn the_warm_up_is_linear_and_ends_at_the_peak() {
        let schedule = schedule(Decay::Constant, 4);
        for (step, expected) in [(0, 0.1), (1, 0.2), (2, 0.3), (3, 0.4), (4, 0.4), (15, 0.4)] {
            close(schedule.rate(step), expected);
        }
    }

    #[test]
    fn the_cosine_passes_through_hand_computed_values() {
        // 12 steps after the warm-up: cos 0, cos 60 degrees, cos 90, cos 120, cos 180.
        let schedule = schedule(Decay::Cosine, 4);
        for (step, expected) in [
            (4, 0.4),
            (8, 0.3),
            (10, 0.2),
            (12, 0.1),
            (16, 0.0),
            (99, 0.0),
        ] {
            close(schedule.rate(step), expected);
        }
    }

    #[test]
    fn multi_step_multiplies_at_each_milestone() {
        let schedule = schedule(Decay::MultiStep, 0);
        for (step, expected) in [(0, 0.4), (7, 0.4), (8, 0.04), (11, 0.04), (12, 0.004)] {
            close(schedule.rate(step), expected);
        }
    }

    #[test]
    fn steps_follow_the_schedule_and_go_on_from_a_record() {
        let mut steps = Steps::new(schedule(Decay::Constant, 4));
        close(steps.step(), 0.1);
        close(steps.step(), 0.2);
        let mut resumed = Steps::new(schedule(Decay::Constant, 4));
        resumed.load_record(steps.to_record());
        close(resumed.step(), 0.3);
    }
}
