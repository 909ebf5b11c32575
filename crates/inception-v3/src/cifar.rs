//! A small network of the same modules. Its widths and depth are ours, not the paper's.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::slim::{branch, same};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, ConvNormAct, FeatureMap, InputSpec, chain, with_outputs};

use crate::blocks::{
    InceptionA, InceptionAConfig, InceptionB, InceptionBConfig, InceptionC, InceptionCConfig,
    PoolPadding, ReductionA, ReductionAConfig, ReductionB, ReductionBConfig,
};

/// Channels after each convolution of the stem, the second of which halves the grid.
const STEM: [usize; 2] = [16, 32];

const MIXED_5B: InceptionAConfig = InceptionAConfig {
    branch_1x1: 16,
    branch_5x5: [12, 16],
    branch_double_3x3: [16, 24, 24],
    branch_pool: 8,
};

const MIXED_6A: ReductionAConfig = ReductionAConfig {
    branch_3x3: 48,
    branch_double_3x3: [16, 24, 24],
};

const MIXED_6: [(&str, InceptionBConfig); 2] = [
    (
        "mixed_6b",
        InceptionBConfig {
            inner: 16,
            branch: 32,
        },
    ),
    (
        "mixed_6c",
        InceptionBConfig {
            inner: 24,
            branch: 32,
        },
    ),
];

const MIXED_7A: ReductionBConfig = ReductionBConfig {
    branch_3x3: [24, 40],
    branch_7x7x3: 24,
};

const MIXED_7B: InceptionCConfig = InceptionCConfig {
    branch_1x1: 40,
    branch_3x3: 48,
    branch_double_3x3: [56, 48],
    split: 48,
    branch_pool: 24,
};

/// Configuration of [`CifarInceptionV3`].
#[derive(Config, Debug)]
pub struct CifarInceptionV3Config {
    /// Outputs of the last layer.
    #[config(default = "10")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
}

impl CifarInceptionV3Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> CifarInceptionV3 {
        let padding = PoolPadding::Counted;
        let [first, mut channels] = STEM;
        let stem = branch(
            self.in_channels,
            [same(first, [3, 3]), same(channels, [3, 3]).with_stride(2)],
            device,
        );
        let mixed_5b = MIXED_5B.init(channels, padding, device);
        channels = MIXED_5B.out_channels();
        let mixed_6a = MIXED_6A.init(channels, device);
        channels = MIXED_6A.out_channels(channels);
        let mixed_6 = MIXED_6.map(|(_, config)| {
            let module = config.init(channels, padding, device);
            channels = config.out_channels();
            module
        });
        let mixed_7a = MIXED_7A.init(channels, device);
        channels = MIXED_7A.out_channels(channels);
        let mixed_7b = MIXED_7B.init(channels, padding, device);
        channels = MIXED_7B.out_channels();

        CifarInceptionV3 {
            stem,
            mixed_5b,
            mixed_6a,
            mixed_6,
            mixed_7a,
            mixed_7b,
            classifier: LinearConfig::new(channels, self.num_classes).init(device),
            input: InputSpec::small(self.in_channels, 13),
        }
    }
}

/// Inception v3 for images of 32x32 pixels, or 28x28 grey ones: one module of the first and last
/// grid and two of the factorised 7x7, of about a quarter of the paper's widths and less, behind
/// a stem that halves once. The widths are ours, not the paper's.
///
/// `[batch, 3, 32, 32] -> [batch, 10]` by default; any size of at least 13 pixels does.
#[derive(Module, Debug)]
pub struct CifarInceptionV3 {
    stem: [ConvNormAct; 2],
    mixed_5b: InceptionA,
    mixed_6a: ReductionA,
    mixed_6: [InceptionB; 2],
    mixed_7a: ReductionB,
    mixed_7b: InceptionC,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl CifarInceptionV3 {
    /// Rows that turn our paths into keys in the manner of torchvision's.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::KEYS.to_vec()
    }
}

impl Classifier for CifarInceptionV3 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classifier.forward(self.pooled(images))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let mut maps = Vec::new();
        let mut map = images;
        let mut stage = |name, layer: &dyn Fn(Tensor<4>) -> Tensor<4>| {
            map = layer(map.clone());
            maps.push(FeatureMap::new(name, map.clone()));
        };
        stage("stem", &|map| chain(&self.stem, map));
        stage("mixed_5b", &|map| self.mixed_5b.forward(map));
        stage("mixed_6a", &|map| self.mixed_6a.forward(map));
        for ((name, _), module) in MIXED_6.iter().zip(&self.mixed_6) {
            stage(name, &|map| module.forward(map));
        }
        stage("mixed_7a", &|map| self.mixed_7a.forward(map));
        stage("mixed_7b", &|map| self.mixed_7b.forward(map));
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

    #[test]
    fn thirteen_pixels_are_the_least_that_leave_a_grid() {
        let device = Device::flex();
        let model = CifarInceptionV3Config::new()
            .with_in_channels(1)
            .init(&device);
        let [height, width] = model.input().min_size;
        let maps = model.features(Tensor::zeros([1, 1, height, width], &device));
        let sides: Vec<_> = maps.iter().map(|stage| stage.map.dims()[2]).collect();
        // One pixel less gives the stem a grid of 6, mixed_6a one of 2 and mixed_7a none.
        assert_eq!(sides, [7, 7, 3, 3, 3, 1, 1]);
    }
}
