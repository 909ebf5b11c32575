//! Trains and evaluates anything that is a [`burn_zoo_core::Classifier`], from a [`Recipe`].
//!
//! The order of the images and their augmentation are functions of the seed, the epoch and the
//! image's index alone, so that a run can be repeated and later continued exactly.

mod augment;
mod classes;
mod data;
mod evaluate;
mod folder;
mod idx;
mod random;
mod recipe;
mod schedule;
mod train;

pub use augment::{Augment, Flip};
pub use classes::Classes;
pub use data::Dataset;
pub use evaluate::{ClassScore, Evaluation, evaluate};
pub use recipe::{Algorithm, Data, Decay, Optimizer, Recipe, ScheduleConfig, Valid};
pub use schedule::Schedule;
pub use train::{Best, EpochReport, Run, TrainReport, train};
