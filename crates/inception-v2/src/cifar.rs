//! A small network of the same modules. Its widths and depth are ours, not the paper's.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, ConvNormAct, FeatureMap, InputSpec, max_pool, with_outputs};

use crate::blocks::{
    InceptionModule, InceptionModuleConfig, Pool, conv, halving_pool, modules, run,
};
use crate::model::row;

/// Channels of the first convolution.
const STEM: usize = 24;

/// The modules: 1x1; 3x3 reduce and 3x3; double 3x3 reduce and double 3x3; pool and projection.
const MODULES: [(&str, InceptionModuleConfig); 5] = [
    (
        "inception_3a",
        row(16, [16, 24], [16, 24], Pool::Average(8)),
    ),
    (
        "inception_3c",
        row(0, [24, 32], [16, 24], Pool::PassThrough),
    ),
    (
        "inception_4a",
        row(48, [24, 32], [24, 32], Pool::Average(32)),
    ),
    (
        "inception_4e",
        row(0, [32, 48], [32, 48], Pool::PassThrough),
    ),
    ("inception_5b", row(64, [48, 64], [48, 64], Pool::Max(32))),
];

/// Configuration of [`CifarInceptionV2`].
#[derive(Config, Debug)]
pub struct CifarInceptionV2Config {
    /// Outputs of the last layer.
    #[config(default = "10")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
}

impl CifarInceptionV2Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> CifarInceptionV2 {
        let (inception, channels) = modules(&MODULES, STEM, device);
        CifarInceptionV2 {
            conv1: conv(self.in_channels, STEM, 3).init(device),
            max_pool: halving_pool(),
            inception,
            classifier: LinearConfig::new(channels, self.num_classes).init(device),
            input: InputSpec::small(self.in_channels, 2),
        }
    }
}

/// Inception v2 for images of 32x32 pixels, or 28x28 grey ones: five of the modules, of about a
/// quarter of the paper's widths, behind a 3x3 convolution and a pool. The widths are ours, not
/// the paper's.
///
/// `[batch, 3, 32, 32] -> [batch, 10]` by default; any size of at least 2 pixels does.
#[derive(Module, Debug)]
pub struct CifarInceptionV2 {
    conv1: ConvNormAct,
    max_pool: MaxPool2d,
    inception: Vec<InceptionModule>,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl CifarInceptionV2 {
    /// Rows that turn our paths into keys in the manner of the published network's.
    pub fn keys(&self) -> Vec<KeyRow> {
        let modules = crate::weights::CIFAR_MODULES.iter();
        modules.chain(&crate::weights::KEYS).copied().collect()
    }
}

impl Classifier for CifarInceptionV2 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classifier.forward(self.pooled(images))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let conv1 = max_pool(&self.max_pool, self.conv1.forward(images));
        let stem = vec![FeatureMap::new("conv1", conv1)];
        run(stem, &MODULES, &self.inception)
    }

    fn input(&self) -> InputSpec {
        self.input
    }

    fn num_classes(&self) -> usize {
        self.classifier.weight.dims()[1]
    }

    fn with_classes(mut self, classes: usize) -> Self {
        self.classifier = with_outputs(&self.classifier, classes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pixels_are_the_least_that_leave_a_grid() {
        let device = Device::flex();
        let model = CifarInceptionV2Config::new().init(&device);
        let [height, width] = model.input().min_size;
        let maps = model.features(Tensor::zeros([1, 3, height, width], &device));
        // A window of 3 at stride 2, rounded up, fits once in two pixels and never in one.
        let sides: Vec<_> = maps.iter().map(|stage| stage.map.dims()[2]).collect();
        assert_eq!(sides, [1; 6]);
    }
}
