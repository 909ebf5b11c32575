//! Trains and evaluates anything that is a [`burn_zoo_core::Classifier`], from a [`Recipe`].
//!
//! The order of the images and their augmentation are functions of the seed, the epoch and the
//! image's index alone, so that a run can be repeated, and one that was stopped continued exactly.
//!
//! `examples/train_recipe.rs` is the whole way from a recipe file to weights, in one page. A [`Run`] has
//! what [`train()`] needs beside the model, whose architecture and first weights are the caller's choice;
//! [`evaluate()`] measures a model on a [`Dataset`].
//!
//! The loop is Burn's `SupervisedTraining` with its metrics, learner and checkpointers; what is
//! our own is the order of the images, the schedule, and the strategy that keeps checkpoints.

mod area;
mod augment;
mod average;
mod calibration;
mod checkpoints;
mod cifar;
mod classes;
mod data;
mod evaluate;
mod files;
mod folder;
mod gradients;
mod history;
mod idx;
mod loader;
mod loss;
mod mix;
mod optimizer;
mod output;
mod parts;
pub mod picture;
mod random;
mod recipe;
mod records;
mod replicas;
mod report;
mod schedule;
mod silent;
mod strategy;
mod team;
mod train;
mod trainee;

pub use augment::{Augment, Auto, Erase, Flip, Jitter, RandomCrop};
pub use cifar::{Archive, CIFAR};
pub use classes::Classes;
pub use data::Dataset;
pub use evaluate::{
    ClassScore, Crops, Evaluation, Options as EvaluateOptions, evaluate, evaluate_by,
};
pub use loader::BadImages;
pub use mix::Mix;
pub use recipe::{
    Algorithm, Data, Decay, Decayed, EarlyStopping, Ema, FineTune, Optimizer, Recipe,
    ScheduleConfig, Valid,
};
pub use report::{Best, Ended, EpochReport, TrainReport};
pub use schedule::Schedule;
pub use train::{Display, Exchange, Run, Start, train};
