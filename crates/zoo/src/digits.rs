//! The model that is shipped inside this crate.

use burn_zoo_core::weights::{Licence, WeightsMeta};
use burn_zoo_core::{ChannelOrder, Interpolation, Orientation, Preprocess, ValueRange};

/// ResNet-20 on 28x28 grey digits, trained by `recipes/digits-resnet20.toml`.
pub const DIGITS: WeightsMeta = WeightsMeta {
    name: "resnet20_cifar.digits",
    architecture: "resnet20_cifar",
    urls: &[],
    file: "resnet20_cifar.digits.safetensors",
    sha256: None,
    classes: 10,
    preprocess: GREY,
    top1: None,
    top5: None,
    licence: Licence::MitOrApache2,
    origin: "burn-zoo, recipes/digits-resnet20.toml on 8,000 digits of MNIST",
};

/// Anything with one channel.
pub(crate) const GREY: Preprocess = Preprocess {
    resize: 28,
    crop: [28, 28],
    interpolation: Interpolation::Bilinear,
    channels: 1,
    order: ChannelOrder::Rgb,
    range: ValueRange::Unit,
    mean: [0.1307; 3],
    std: [0.3081; 3],
    orientation: Orientation::Ignore,
};

/// The file, f16 safetensors.
pub(crate) const FILE: &[u8] = include_bytes!("../assets/resnet20_cifar.digits.safetensors");
