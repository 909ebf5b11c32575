//! The network: Figure 5 of Ioffe and Szegedy 2015.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{
    Classifier, ConvNormAct, FeatureMap, InputSpec, chain, max_pool, with_outputs,
};

use crate::blocks::{
    InceptionModule, InceptionModuleConfig, Pool, conv, halving_pool, modules, run,
};

/// Channels of the 7x7 convolution, and of the 1x1 and 3x3 after the first pool.
const STEM: [usize; 3] = [64, 64, 192];

/// The modules: 1x1; 3x3 reduce and 3x3; double 3x3 reduce and double 3x3; pool and projection.
const MODULES: [(&str, InceptionModuleConfig); 10] = [
    (
        "inception_3a",
        row(64, [64, 64], [64, 96], Pool::Average(32)),
    ),
    (
        "inception_3b",
        row(64, [64, 96], [64, 96], Pool::Average(64)),
    ),
    (
        "inception_3c",
        row(0, [128, 160], [64, 96], Pool::PassThrough),
    ),
    (
        "inception_4a",
        row(224, [64, 96], [96, 128], Pool::Average(128)),
    ),
    (
        "inception_4b",
        row(192, [96, 128], [96, 128], Pool::Average(128)),
    ),
    (
        "inception_4c",
        row(160, [128, 160], [128, 160], Pool::Average(128)),
    ),
    (
        "inception_4d",
        row(96, [128, 192], [160, 192], Pool::Average(128)),
    ),
    (
        "inception_4e",
        row(0, [128, 192], [192, 256], Pool::PassThrough),
    ),
    (
        "inception_5a",
        row(352, [192, 320], [160, 224], Pool::Average(128)),
    ),
    (
        "inception_5b",
        row(352, [192, 320], [192, 224], Pool::Max(128)),
    ),
];

pub(crate) const fn row(
    branch_1x1: usize,
    branch_3x3: [usize; 2],
    branch_double_3x3: [usize; 2],
    branch_pool: Pool,
) -> InceptionModuleConfig {
    InceptionModuleConfig {
        branch_1x1,
        branch_3x3,
        branch_double_3x3,
        branch_pool,
    }
}

/// Configuration of [`InceptionV2`].
#[derive(Config, Debug)]
pub struct InceptionV2Config {
    /// Outputs of the last layer.
    #[config(default = "1000")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
}

impl InceptionV2Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> InceptionV2 {
        let [conv1, reduce, conv2] = STEM;
        let (inception, channels) = modules(&MODULES, conv2, device);
        InceptionV2 {
            conv1: conv(self.in_channels, conv1, 7).with_stride(2).init(device),
            conv2: [conv(conv1, reduce, 1), conv(reduce, conv2, 3)].map(|layer| layer.init(device)),
            max_pool: halving_pool(),
            inception,
            classifier: LinearConfig::new(channels, self.num_classes).init(device),
            input: InputSpec::square(self.in_channels, 224, 7),
        }
    }
}

/// Inception v2, also called BN-Inception.
///
/// `[batch, 3, 224, 224] -> [batch, 1000]` by default; any size of at least 7 pixels does.
#[derive(Module, Debug)]
pub struct InceptionV2 {
    conv1: ConvNormAct,
    conv2: [ConvNormAct; 2],
    max_pool: MaxPool2d,
    inception: Vec<InceptionModule>,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl InceptionV2 {
    /// Rows that turn our paths into the published file's keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        let modules = crate::weights::MODULES.iter();
        modules.chain(&crate::weights::KEYS).copied().collect()
    }
}

impl Classifier for InceptionV2 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classifier.forward(self.pooled(images))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let conv1 = max_pool(&self.max_pool, self.conv1.forward(images));
        let conv2 = max_pool(&self.max_pool, chain(&self.conv2, conv1.clone()));
        let stem = vec![
            FeatureMap::new("conv1", conv1),
            FeatureMap::new("conv2", conv2),
        ];
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

    fn sides(model: &InceptionV2, size: [usize; 2]) -> Vec<[usize; 2]> {
        let device = Device::flex();
        let maps = model.features(Tensor::zeros([1, 3, size[0], size[1]], &device));
        let sides = maps.iter().map(|stage| {
            let [_, _, height, width] = stage.map.dims();
            [height, width]
        });
        sides.collect()
    }

    #[test]
    fn seven_pixels_are_the_least_that_leave_a_grid() {
        let model = InceptionV2Config::new().init(&Device::flex());
        // conv1 leaves 4 of 7 pixels, its pool 2, the next pool 1; of 6 they leave 3, 1, none.
        let mut expected = vec![[2, 2]];
        expected.extend([[1, 1]; 11]);
        assert_eq!(sides(&model, model.input().min_size), expected);
    }

    #[test]
    fn branches_meet_on_odd_grids_too() {
        let model = InceptionV2Config::new().init(&Device::flex());
        let found = sides(&model, [40, 44]);
        assert_eq!([found[1], found[4], found[9]], [[5, 5], [3, 3], [2, 2]]);
    }
}
