//! The commands, one file each.

mod bench;
#[cfg(feature = "fetch")]
mod cache;
mod classify;
mod compare;
mod completions;
mod convert;
mod devices;
mod evaluate;
mod features;
mod inspect;
mod list;
mod plan;
#[cfg(feature = "fetch")]
mod pull;
mod serve_device;
mod summary;
mod train;

use clap::{Parser, Subcommand};

use crate::failure::Outcome;
use crate::worker;

/// Image classifiers for Burn: every model by name, with pretrained weights.
#[derive(Debug, Parser)]
#[command(
    name = "burn-zoo",
    version,
    about,
    after_help = "Example: burn-zoo classify assets/digits/3.png"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Summary(summary::Args),
    Inspect(inspect::Args),
    Classify(classify::Args),
    Features(features::Args),
    Evaluate(evaluate::Args),
    Plan(plan::Args),
    Train(train::Args),
    Convert(convert::Args),
    #[cfg(feature = "fetch")]
    Pull(pull::Args),
    #[cfg(feature = "fetch")]
    Cache(cache::Args),
    Devices(devices::Args),
    Compare(compare::Args),
    Bench(bench::Args),
    ServeDevice(serve_device::Args),
    #[command(hide = true)]
    Measure(worker::Args),
    Completions(completions::Args),
}

impl Command {
    /// Whether the main thread is the one that networks run on. It is not where others are served or
    /// waited for; and where no network runs, no threads need to start.
    pub(crate) fn computes_here(&self) -> bool {
        match self {
            Self::Classify(_)
            | Self::Features(_)
            | Self::Evaluate(_)
            | Self::Plan(_)
            | Self::Measure(_) => true,
            Self::Train(args) => args.is_on_one_device(),
            _ => false,
        }
    }
}

/// Runs one command to its end.
pub(crate) fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::List(args) => args.run(),
        Command::Summary(args) => args.run(),
        Command::Inspect(args) => args.run(),
        Command::Classify(args) => args.run(),
        Command::Features(args) => args.run(),
        Command::Evaluate(args) => args.run(),
        Command::Plan(args) => args.run(),
        Command::Train(args) => args.run(),
        Command::Convert(args) => args.run(),
        #[cfg(feature = "fetch")]
        Command::Pull(args) => args.run(),
        #[cfg(feature = "fetch")]
        Command::Cache(args) => args.run(),
        Command::Devices(args) => args.run(),
        Command::Compare(args) => args.run(),
        Command::Bench(args) => args.run(),
        Command::ServeDevice(args) => args.run(),
        Command::Measure(args) => args.run(),
        Command::Completions(args) => args.run(),
    }
}

/// A time in seconds, for a flag.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds @ 0.0..=86_400.0) => Ok(seconds),
        _ => Err("expected seconds, from 0 to 86400".to_owned()),
    }
}
