//! A small network of the same modules.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, ConvNormAct, FeatureMap, InputSpec, chain, with_outputs};

use crate::blocks::{
    InceptionAWidths, InceptionBWidths, InceptionCWidths, ReductionAWidths, ReductionBWidths,
};
use crate::trunk::{Trunk, TrunkWidths};
use burn_zoo_core::slim::{branch, same, strided};

/// The two 3x3 convolutions before the modules. Widths here and below are ours.
const STEM: [usize; 2] = [16, 24];

const TRUNK: TrunkWidths = TrunkWidths {
    inception_a: (
        1,
        InceptionAWidths {
            branch_1x1: 16,
            branch_3x3: [12, 16],
            branch_double_3x3: [12, 16, 16],
            branch_pool: 16,
        },
    ),
    reduction_a: ReductionAWidths {
        k: 16,
        l: 24,
        m: 32,
        n: 32,
    },
    inception_b: (
        2,
        InceptionBWidths {
            branch_1x1: 32,
            branch_7x7: [20, 24, 24],
            branch_double_7x7: [16, 16, 20, 20, 24],
            branch_pool: 24,
        },
    ),
    reduction_b: ReductionBWidths {
        branch_3x3: [24, 32],
        branch_7x7: [24, 24, 32, 32],
    },
    inception_c: (
        1,
        InceptionCWidths {
            branch_1x1: 32,
            branch_3x3: 40,
            branch_double_3x3: [40, 48, 48],
            ends: 32,
            branch_pool: 32,
        },
    ),
};

/// Configuration of [`CifarInceptionV4`].
#[derive(Config, Debug)]
pub struct CifarInceptionV4Config {
    /// Outputs of the last layer.
    #[config(default = "10")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Probability of dropping a feature before the last layer; the paper's for the large
    /// network.
    #[config(default = "0.2")]
    pub dropout: f64,
}

impl CifarInceptionV4Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> CifarInceptionV4 {
        let [first, second] = STEM;
        CifarInceptionV4 {
            stem: branch(
                self.in_channels,
                [same(first, [3, 3]), strided(second)],
                device,
            ),
            trunk: TRUNK.init(second, device),
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: LinearConfig::new(TRUNK.output(), self.num_classes).init(device),
            input: InputSpec::small(self.in_channels, 15),
        }
    }
}

/// Inception-v4's modules for images of 32x32 pixels, or 28x28 grey ones: two convolutions for a
/// stem, and 1, 2 and 1 modules of about an eighth of the width. The paper has no such network;
/// its widths and depths are ours.
///
/// `[batch, 3, 32, 32] -> [batch, 10]` by default; any size of at least 15 pixels does.
#[derive(Module, Debug)]
pub struct CifarInceptionV4 {
    stem: [ConvNormAct; 2],
    trunk: Trunk,
    dropout: Dropout,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl CifarInceptionV4 {
    /// None: there is no reference, so that the keys are our paths.
    pub fn keys(&self) -> Vec<KeyRow> {
        Vec::new()
    }
}

impl Classifier for CifarInceptionV4 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let pooled = self.dropout.forward(self.pooled(images));
        self.classifier.forward(pooled)
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let stem = chain(&self.stem, images);
        let trunk = self.trunk.forward(stem.clone());
        let mut maps = vec![FeatureMap::new("stem", stem)];
        maps.extend(trunk);
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
    fn fifteen_pixels_leave_one() {
        let device = Device::flex();
        let model = CifarInceptionV4Config::new().init(&device);
        let images = Tensor::zeros([1, 3, 15, 15], &device);
        let grids = model
            .features(images)
            .into_iter()
            .map(|map| map.map.dims()[2]);
        assert_eq!(grids.collect::<Vec<_>>(), [7, 7, 3, 3, 1, 1]);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn fourteen_pixels_leave_none() {
        let device = Device::flex();
        let mut model = CifarInceptionV4Config::new().init(&device);
        model.input.min_size = [1, 1];
        model.features(Tensor::zeros([1, 3, 14, 15], &device));
    }
}
