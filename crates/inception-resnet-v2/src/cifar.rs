//! A small network of the same modules.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, ConvNormAct, FeatureMap, InputSpec, chain, with_outputs};

use crate::blocks::{Mixed5bWidths, ReductionAWidths, ReductionBWidths};
use crate::residual::{InceptionResNetAWidths, InceptionResNetBWidths, InceptionResNetCWidths};
use crate::trunk::{Trunk, TrunkWidths};
use burn_zoo_core::slim::{branch, same, strided};

/// The two 3x3 convolutions before the modules. Widths here and below are ours.
const STEM: [usize; 2] = [16, 24];

const TRUNK: TrunkWidths = TrunkWidths {
    mixed_5b: Mixed5bWidths {
        branch_1x1: 16,
        branch_5x5: [8, 12],
        branch_double_3x3: [12, 16, 16],
        branch_pool: 12,
    },
    inception_resnet_a: (
        2,
        0.17,
        InceptionResNetAWidths {
            branch_1x1: 8,
            branch_3x3: [8, 8],
            branch_double_3x3: [8, 8, 12],
        },
    ),
    reduction_a: ReductionAWidths {
        k: 16,
        l: 16,
        m: 32,
        n: 32,
    },
    inception_resnet_b: (
        2,
        0.10,
        InceptionResNetBWidths {
            branch_1x1: 24,
            branch_7x7: [16, 20, 24],
        },
    ),
    reduction_b: ReductionBWidths {
        branch_3x3: [24, 32],
        branch_narrow_3x3: [24, 28],
        branch_double_3x3: [24, 28, 32],
    },
    inception_resnet_c: (
        1,
        0.20,
        InceptionResNetCWidths {
            branch_1x1: 24,
            branch_3x3: [24, 28, 32],
        },
    ),
    conv2d_7b: 128,
};

/// Configuration of [`CifarInceptionResNetV2`].
#[derive(Config, Debug)]
pub struct CifarInceptionResNetV2Config {
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
    /// Probability of leaving out the last residual branch in training (see
    /// [`StochasticDepth`](burn_zoo_core::StochasticDepth)); none in the paper.
    #[config(default = "0.0")]
    pub stochastic_depth: f64,
}

impl CifarInceptionResNetV2Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> CifarInceptionResNetV2 {
        let [first, second] = STEM;
        let mut model = CifarInceptionResNetV2 {
            stem: branch(
                self.in_channels,
                [same(first, [3, 3]), strided(second)],
                device,
            ),
            trunk: TRUNK.init(second, device),
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: LinearConfig::new(TRUNK.conv2d_7b, self.num_classes).init(device),
            input: InputSpec::small(self.in_channels, 15),
        };
        model.trunk.set_stochastic_depth(self.stochastic_depth);
        model
    }
}

/// Inception-ResNet-v2's modules for images of 32x32 pixels, or 28x28 grey ones: two convolutions
/// for a stem, modules of a sixth of the width or so, and 2, 2 and 2 residual ones. The paper
/// has no such network; its widths and depths are ours, its scales the large network's.
///
/// `[batch, 3, 32, 32] -> [batch, 10]` by default; any size of at least 15 pixels does.
#[derive(Module, Debug)]
pub struct CifarInceptionResNetV2 {
    stem: [ConvNormAct; 2],
    trunk: Trunk,
    dropout: Dropout,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl CifarInceptionResNetV2 {
    /// None: there is no reference, so that the keys are our paths.
    pub fn keys(&self) -> Vec<KeyRow> {
        Vec::new()
    }
}

impl Classifier for CifarInceptionResNetV2 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let pooled = self.dropout.forward(self.pooled(images));
        self.classifier.forward(pooled)
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        self.trunk.forward(chain(&self.stem, images))
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

    fn with_stochastic_depth(mut self, rate: f64) -> Option<Self> {
        self.trunk.set_stochastic_depth(rate);
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In training two passes differ then, and only then; dropout is off.
    #[test]
    fn branches_are_left_out_in_training_alone() {
        let device = Device::flex().autodiff();
        let differ = |rate: f64, device: &Device| {
            let config = CifarInceptionResNetV2Config::new().with_dropout(0.0);
            let model = config.with_stochastic_depth(rate).init(device);
            let images = Tensor::ones([8, 3, 15, 15], device);
            let passes = [(); 2].map(|()| model.forward(images.clone()).into_data());
            passes[0] != passes[1]
        };
        assert!(differ(0.5, &device));
        assert!(!differ(0.0, &device));
        assert!(!differ(0.5, &device.inner()));
    }

    #[test]
    fn fifteen_pixels_leave_one() {
        let device = Device::flex();
        let model = CifarInceptionResNetV2Config::new().init(&device);
        let images = Tensor::zeros([1, 3, 15, 15], &device);
        let grids = model
            .features(images)
            .into_iter()
            .map(|map| map.map.dims()[2]);
        assert_eq!(grids.collect::<Vec<_>>(), [7, 7, 7, 3, 3, 1, 1, 1, 1]);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn fourteen_pixels_leave_none() {
        let device = Device::flex();
        let mut model = CifarInceptionResNetV2Config::new().init(&device);
        model.input.min_size = [1, 1];
        model.features(Tensor::zeros([1, 3, 14, 15], &device));
    }
}
