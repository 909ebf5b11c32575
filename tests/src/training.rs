//! Runs of recipes, and networks to train.

use std::path::Path;

use burn::tensor::Device;
use burn_zoo::weights::Dtype;
use burn_zoo::{AnyClassifier, Error, Options, ZeroPad};
use burn_zoo_train::{EpochReport, Recipe, Run, TrainReport};

/// A new run of a recipe on its own data.
///
/// # Errors
///
/// If the data cannot be had.
pub fn run_of(recipe: &Recipe) -> Result<Run<'_, AnyClassifier>, Error> {
    let preprocess = burn_zoo::architecture(&recipe.model)?.preprocess(recipe.channels);
    let save = |model: &AnyClassifier, path: &Path| model.save(path, Dtype::F32);
    Ok(Run::new(recipe, preprocess, recipe.datasets(None)?, save))
}

/// A recipe's network with random weights from its seed, for ten classes.
///
/// # Errors
///
/// If there is no such network.
pub fn untrained(recipe: &Recipe, device: &Device) -> Result<AnyClassifier, Error> {
    device.seed(recipe.seed);
    let options = Options {
        classes: 10,
        channels: recipe.channels,
        aux_heads: true,
        zero_pad: ZeroPad::End,
    };
    burn_zoo::create(&recipe.model, options, device)
}

/// [`burn_zoo_train::train`] of a network by name. What it compiles to, a minute's work, is shared by
/// the tests that call it from here.
///
/// # Errors
///
/// As there.
pub fn train(
    model: AnyClassifier,
    run: Run<'_, AnyClassifier>,
    devices: &[Device],
    progress: impl FnMut(&EpochReport) + 'static,
) -> Result<TrainReport, Error> {
    train_boxed(model, run, devices, Box::new(progress))
}

fn train_boxed(
    model: AnyClassifier,
    run: Run<'_, AnyClassifier>,
    devices: &[Device],
    progress: Box<dyn FnMut(&EpochReport)>,
) -> Result<TrainReport, Error> {
    burn_zoo_train::train(model, run, devices, progress)
}
