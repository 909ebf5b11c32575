//! A few real digits.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use burn_zoo::{Classifier, DIGITS, weighted_loss};
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
            let heads = model.forward_train(images);
            let loss = weighted_loss(heads, |logits| {
                cross_entropy.forward(logits, labels.clone())
            });
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

/// The first `count` training digits as a data set of their own in `folder`, its test split the
/// same images.
///
/// # Panics
///
/// If the digits under `assets` cannot be read, or the folder not written.
pub fn few_digits(folder: &Path, count: usize) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/mnist");
    for (name, header, each) in [
        ("images-idx3-ubyte", 16, 28 * 28),
        ("labels-idx1-ubyte", 8, 1),
    ] {
        let file = File::open(source.join(format!("train-{name}.gz"))).expect("the digits");
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file)
            .read_to_end(&mut bytes)
            .expect("a gzip file");
        bytes.truncate(header + count * each);
        bytes[4..8].copy_from_slice(&u32::try_from(count).expect("few").to_be_bytes());
        for split in ["train", "t10k"] {
            let path = folder.join(format!("{split}-{name}"));
            std::fs::write(path, &bytes).expect("a folder to write to");
        }
    }
}
