//! Trains a network from a recipe, as `burn-zoo train` does: checkpoints, figures and weights are in the
//! recipe's output folder.
//!
//! `cargo run --release --example train_recipe -- recipes/digits-small.toml epochs=1 output=runs/mine`

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::path::Path;

use burn::tensor::Device;
use burn_zoo::weights::Dtype;
use burn_zoo::{AnyClassifier, Error, Options};
use burn_zoo_train::{Recipe, Run, train};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next();
    let path = path.as_deref().unwrap_or("recipes/digits-small.toml");
    let settings: Vec<(String, String)> = arguments
        .filter_map(|it| {
            it.split_once('=')
                .map(|(key, value)| (key.into(), value.into()))
        })
        .collect();
    let recipe = Recipe::read(Path::new(path), &settings)?;
    let (training, validation) = recipe.datasets(None)?;

    let device = Device::flex();
    device.seed(recipe.seed);
    let architecture = burn_zoo::architecture(&recipe.model)?;
    let options = Options {
        classes: training.num_classes(),
        channels: recipe.channels,
        ..architecture.options()
    };
    // Or with weights to begin with: `burn_zoo::load_adapted`.
    let model = burn_zoo::create(&recipe.model, options, &device)?;

    let run = Run::new(
        &recipe,
        architecture.preprocess(recipe.channels),
        (training, validation),
        |model: &AnyClassifier, path| model.save(path, Dtype::F32),
    );
    let report = train(model, run, &[device], |epoch| {
        println!("epoch {}: {}", epoch.epoch, epoch.line());
    })?;
    println!("weights: {}", report.checkpoint.display());
    Ok(())
}
