//! The `burn-zoo` command: lists, inspects, runs, evaluates and trains the models of burn-zoo.
//!
//! One JSON document or one table on standard output, everything else on standard error; exit
//! status 0 done, 1 failed, 2 wrong usage.

// Networks of a hundred layers are deeply nested types.
#![recursion_limit = "256"]

mod chart;
mod commands;
mod count;
mod data;
mod device;
mod engine;
mod failure;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(not(feature = "fetch"))]
#[path = "without_fetch.rs"]
mod fetch;
mod initial;
mod inputs;
mod inside;
mod kernels;
mod machine;
mod measure;
mod model;
mod precision;
mod preprocessing;
mod random;
mod report;
mod run;
mod source;
mod stop;
mod target;
mod tensors;
mod worker;

use std::process::ExitCode;

use burn_zoo_core::TrainingKernels;
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    if cli.command.computes_here() {
        TrainingKernels::enlist();
    }
    failure::catch(|| commands::run(cli.command))
}
