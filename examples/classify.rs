//! Classifies a picture with the shipped model.

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use burn::tensor::Device;
use burn::tensor::activation::softmax;
use burn_zoo::{Classifier as _, DIGITS, Error};

fn main() -> Result<(), Error> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "assets/digits/7.png".to_owned());
    let device = Device::flex();
    let model = burn_zoo::pretrained(DIGITS.name, &device)?;
    let image = DIGITS.preprocess.open(&path, &device)?; // [1, 1, 28, 28]
    let probabilities = softmax(model.forward(image), 1).into_data();
    for (digit, probability) in probabilities.iter::<f32>().enumerate() {
        println!("{digit}  {:6.2} %", 100.0 * probability);
    }
    Ok(())
}
