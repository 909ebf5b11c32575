//! Fine-tunes the shipped digits model to another task: is a digit odd or even?
//!
//! An ordinary Burn training loop; `burn_zoo_train::train` runs such a loop from a recipe.

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::path::Path;

use burn::module::Module as _;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use burn_zoo::{AnyClassifier, Classifier as _, DIGITS, Error, weighted_loss};
use burn_zoo_train::{Classes, Dataset};

const STEPS: usize = 40;
const BATCH: usize = 32;

fn main() -> Result<(), Error> {
    let device = Device::flex();
    device.seed(0);
    let open = |split| Dataset::open(Path::new("assets/mnist"), split, &Classes::unnamed(10));
    let (digits, test) = (open("train")?, open("test")?);

    // The body keeps what it knows of digits; only the last layer is new.
    let model = burn_zoo::pretrained(DIGITS.name, &device)?.with_classes(2);
    println!("before: {:5.1} % right", accuracy(&model, &test, &device)?);

    let training = device.clone().autodiff();
    let mut model = model.to_device(&training).train();
    let mut optimizer = AdamConfig::new().init();
    let loss = CrossEntropyLossConfig::new().init(&training);
    for step in 0..STEPS {
        let batch: Vec<usize> = (step * BATCH..(step + 1) * BATCH).collect();
        let (images, labels) = digits.batch(&batch, &DIGITS.preprocess, &training)?;
        let odd = labels.remainder_scalar(2);
        // Every head: Inception v1 and v3 have auxiliary ones in training.
        let heads = model.forward_train(images);
        let loss = weighted_loss(heads, |logits| loss.forward(logits, odd.clone()));
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-3, model, gradients);
    }
    println!(
        "after:  {:5.1} % right",
        accuracy(&model.valid(), &test, &device)?
    );
    Ok(())
}

/// Share of the first 500 test digits that are told right, in percent.
fn accuracy(model: &AnyClassifier, test: &Dataset, device: &Device) -> Result<f64, Error> {
    let first: Vec<usize> = (0..500).collect();
    let (images, labels) = test.batch(&first, &DIGITS.preprocess, device)?;
    let guesses = model.forward(images).argmax(1).flatten(0, 1);
    let right: i64 = guesses
        .equal(labels.remainder_scalar(2))
        .int()
        .sum()
        .into_scalar();
    Ok(right as f64 / 5.0)
}
