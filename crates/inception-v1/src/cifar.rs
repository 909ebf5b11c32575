//! A GoogLeNet for small images: the paper's modules on two grids, with widths of ours.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, FeatureMap, InputSpec, max_pool, with_outputs};

use crate::blocks::{Inception, Layers, RectifiedConv, Widths};
use crate::network::{Stage, build, halving_max_pool, run};

/// Channels of the first convolution.
const CONV1: usize = 24;
/// Widths of the modules, not the paper's; a max pool stands before each stage.
#[rustfmt::skip]
const STAGES: [Stage; 2] = [
    &[
        ("inception_3a", Widths { one: 16, three: [16, 24], five: [4, 8], pool: 8 }),
        ("inception_3b", Widths { one: 16, three: [24, 32], five: [8, 8], pool: 8 }),
    ],
    &[
        ("inception_4a", Widths { one: 32, three: [32, 48], five: [8, 16], pool: 16 }),
        ("inception_4b", Widths { one: 48, three: [48, 64], five: [8, 24], pool: 24 }),
    ],
];

/// Configuration of [`CifarGoogLeNet`].
#[derive(Config, Debug)]
pub struct CifarGoogLeNetConfig {
    /// Outputs of the last layer.
    #[config(default = "10")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Probability of dropping a unit before the last layer in training.
    #[config(default = "0.2")]
    pub dropout: f64,
}

impl CifarGoogLeNetConfig {
    /// Initialises the network.
    ///
    /// # Panics
    ///
    /// If the dropout is not in `[0, 1)`.
    pub fn init(&self, device: &Device) -> CifarGoogLeNet {
        let layers = Layers::Normed;
        let mut channels = CONV1;
        let [inception3, inception4] =
            STAGES.map(|stage| build(stage, &mut channels, layers, 5, device));
        CifarGoogLeNet {
            conv1: layers.conv([self.in_channels, CONV1], 3, 1, device),
            inception3,
            inception4,
            max_pool: halving_max_pool(3),
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: LinearConfig::new(channels, self.num_classes).init(device),
            input: InputSpec::small(self.in_channels, 4),
        }
    }
}

/// A GoogLeNet for images of 32x32 pixels, or 28x28 grey ones: a 3x3 convolution and four modules
/// with batch norm and the paper's 5x5 branch, no auxiliary heads. The paper has no such network;
/// the widths are ours.
///
/// `[batch, 3, 32, 32] -> [batch, 10]` by default; any size of at least 4 pixels does.
#[derive(Module, Debug)]
pub struct CifarGoogLeNet {
    conv1: RectifiedConv,
    inception3: Vec<Inception>,
    inception4: Vec<Inception>,
    max_pool: MaxPool2d,
    dropout: Dropout,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl CifarGoogLeNet {
    /// Rows that turn our paths into keys of torchvision's form.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::torchvision_keys()
    }
}

impl Classifier for CifarGoogLeNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let vector = self.pooled(images);
        self.classifier.forward(self.dropout.forward(vector))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let map = self.conv1.forward(images);
        let mut maps = vec![FeatureMap::new("conv1", map.clone())];
        let stages = STAGES.into_iter().zip([&self.inception3, &self.inception4]);
        stages.fold(map, |map, (stage, modules)| {
            run(stage, modules, max_pool(&self.max_pool, map), &mut maps)
        });
        maps
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
    use crate::network::halved;

    #[test]
    fn the_smallest_image_ends_as_one_pixel_and_one_less_as_none() {
        let device = Device::flex();
        let model = CifarGoogLeNetConfig::new().init(&device);
        let maps = model.features(Tensor::ones([1, 3, 4, 4], &device));
        let grids: Vec<_> = maps.iter().map(|map| map.map.dims()[2]).collect();
        assert_eq!(grids, [4, 2, 2, 1, 1]);
        let last = |image| halved(halved(image, 3)?, 3);
        assert_eq!((last(4), last(3)), (Some(1), None));
    }
}
