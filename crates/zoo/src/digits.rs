//! The model that is shipped inside this crate.

use burn_zoo_core::weights::{Licence, WeightsMeta};

use burn_zoo_core::Preprocess;

/// ResNet-20 on 28x28 grey digits, trained by `recipes/digits-resnet20.toml`.
pub const DIGITS: WeightsMeta = WeightsMeta {
    name: "resnet20_cifar.digits",
    architecture: "resnet20_cifar",
    urls: &[],
    file: "resnet20_cifar.digits.safetensors",
    sha256: None,
    classes: 10,
    preprocess: Preprocess::GREY,
    top1: None,
    top5: None,
    licence: Licence::MitOrApache2,
    origin: "burn-zoo, recipes/digits-resnet20.toml on 8,000 digits of MNIST",
};

/// The file, f16 safetensors.
pub(crate) const FILE: &[u8] = include_bytes!("../assets/resnet20_cifar.digits.safetensors");
