//! The model that a run begins with.

use std::str::FromStr as _;

use anyhow::{Result, bail};
use burn_zoo::{Adapt, AnyClassifier, AuxHeads, Options};
use burn_zoo_core::Preprocess;
use burn_zoo_train::Recipe;

use crate::failure::Usage;
use crate::source::Source;
use crate::{device, fetch, model, run};

/// The recipe's model of so many classes with its weights, random ones unless it names some, and what its images go
/// through: what the weights were trained with, where that is known.
///
/// Random weights are drawn on the processor, so that a seed's are the same whatever trains.
pub(crate) fn model(recipe: &Recipe, classes: usize) -> Result<(AnyClassifier, Preprocess)> {
    let architecture = burn_zoo::architecture(&recipe.model)?;
    let usual = architecture.preprocess(recipe.channels);
    let device = &device::parse("flex")?;
    device.seed(recipe.seed);
    let Some(weights) = &recipe.weights else {
        let options = Options {
            classes,
            channels: recipe.channels,
            aux_heads: true,
            zero_pad: recipe.zero_pad.unwrap_or_default(),
        };
        return Ok((burn_zoo::create(&recipe.model, options, device)?, usual));
    };
    let adapt = Adapt {
        classes: Some(classes),
        channels: Some(recipe.channels),
        aux_heads: AuxHeads::Kept,
        zero_pad: recipe.zero_pad,
        select: recipe.select.clone(),
        ..Adapt::default()
    };
    let named = burn_zoo::find(weights).ok();
    if let Some(entry) = named.filter(|entry| entry.weights.is_some()) {
        if entry.architecture != architecture.name {
            bail!(
                "weights = {weights} is a {}, but model = {}",
                entry.architecture,
                recipe.model
            );
        }
        let preprocess = entry.preprocess(recipe.channels)?;
        return Ok((
            fetch::pretrained(weights, &adapt, device)?.network,
            preprocess,
        ));
    }
    let source = Source::from_str(weights).map_err(Usage)?;
    let found = model::from_file(&recipe.model, &source, &adapt, device)?;
    let usual = match found.architecture.name == architecture.name {
        true => usual,
        false => found.architecture.preprocess(recipe.channels),
    };
    let usual = run::preprocess(Some(&source), usual);
    Ok((found.network, found.said.preprocess(usual)))
}
