//! Runs the same model with the same weights on every device of the backends that are compiled in,
//! and shows how far apart the answers are and how long they take.
//!
//! `cargo run --release --example swap_device --features ndarray,wgpu`

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Instant;

use burn::tensor::{Device, DeviceType};
use burn_zoo::{Classifier as _, DIGITS, Error};

fn main() -> Result<(), Error> {
    let kinds = vec![
        #[cfg(feature = "flex")]
        DeviceType::Flex,
        #[cfg(feature = "ndarray")]
        DeviceType::NdArray,
        #[cfg(feature = "wgpu")]
        DeviceType::Wgpu,
        #[cfg(feature = "vulkan")]
        DeviceType::Vulkan,
        #[cfg(feature = "cuda")]
        DeviceType::Cuda,
        #[cfg(feature = "rocm")]
        DeviceType::Rocm,
        #[cfg(feature = "metal")]
        DeviceType::Metal,
    ];
    let mut first: Option<Vec<f32>> = None;
    for device in Device::enumerate(kinds) {
        let model = burn_zoo::pretrained(DIGITS.name, &device)?;
        let image = DIGITS.preprocess.open("assets/digits/7.png", &device)?;
        // Once to warm up: GPUs compile their kernels when they are first used.
        drop(model.forward(image.clone()).into_data());
        let start = Instant::now();
        let logits = model.forward(image).into_data();
        let seconds = start.elapsed().as_secs_f64();

        let logits: Vec<f32> = logits.iter::<f32>().collect();
        let reference = first.get_or_insert_with(|| logits.clone());
        let pairs = logits.iter().zip(reference.iter());
        let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let guess = (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        println!(
            "{device:?} sees a {}, differs by {difference:.1e}, takes {:.1} ms",
            guess.unwrap_or_default(),
            1e3 * seconds
        );
    }
    Ok(())
}
