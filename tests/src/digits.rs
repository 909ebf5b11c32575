//! A few real digits.

use std::path::Path;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use burn_zoo::{Classifier, DIGITS};
use burn_zoo_train::{Classes, Dataset};

use crate::golden::values;

const DIGITS_LEARNED: usize = 64;
const BATCH: usize = 16;
const EPOCHS: usize = 80;

/// Trains a network for one channel on 64 digits until it knows them by heart: the first mean
/// loss of an epoch below `goal`, or that of the last.
///
/// # Panics
///
/// If the digits under `assets` cannot be read.
pub fn learn_by_heart<M: Classifier>(model: M, lr: f64, goal: f32, device: &Device) -> f32 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/mnist");
    let digits = Dataset::open(&folder, "train", &Classes::unnamed(10)).expect("the digits");
    let device = device.clone().autodiff();
    let mut model = model.to_device(&device).train();
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let order: Vec<usize> = (0..DIGITS_LEARNED).collect();
    let mut mean = f32::INFINITY;
    for _ in 0..EPOCHS {
        let mut sum = 0.0;
        for batch in order.chunks(BATCH) {
            let (images, labels) = digits
                .batch(batch, &DIGITS.preprocess, &device)
                .expect("they are in memory");
            let heads = model.forward_train(images).into_iter();
            let losses =
                heads.map(|head| cross_entropy.forward(head.logits, labels.clone()) * head.weight);
            let loss: Tensor<1> = losses.reduce(|a, b| a + b).expect("a main head");
            sum += values(loss.clone())[0];
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(lr, model, gradients);
        }
        mean = sum * BATCH as f32 / DIGITS_LEARNED as f32;
        if mean < goal {
            break;
        }
    }
    mean
}
