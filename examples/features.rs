//! Shows the feature maps of a network, shallow to deep, as the paper names its stages.

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use burn::tensor::{Device, Tensor};
use burn_zoo::{Classifier as _, Error};

fn main() -> Result<(), Error> {
    let device = Device::flex();
    let model = burn_zoo::create(
        "resnet18",
        burn_zoo::architecture("resnet18")?.options(),
        &device,
    )?;
    let images = Tensor::zeros([1, 3, 224, 224], &device);
    for stage in model.features(images) {
        println!("{:8} {:?}", stage.name, stage.map.dims());
    }
    Ok(())
}
