//! The commands, one file each.

#[cfg(feature = "fetch")]
mod cache;
mod classify;
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
mod summary;
mod train;

use clap::{Parser, Subcommand};

use crate::failure::Outcome;

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
    Completions(completions::Args),
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
        Command::Completions(args) => args.run(),
    }
}
