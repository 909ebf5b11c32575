//! The ImageNet network: Figure 15 of Szegedy et al. 2016 (arXiv:1602.07261), as released.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, FeatureMap, InputSpec, with_outputs};

use crate::blocks::{Mixed5bWidths, ReductionAWidths, ReductionBWidths, Stem, StemWidths};
use crate::residual::{InceptionResNetAWidths, InceptionResNetBWidths, InceptionResNetCWidths};
use crate::trunk::{Trunk, TrunkWidths};

/// The released network's.
const STEM: StemWidths = StemWidths {
    before: [32, 32, 64],
    between: [80, 192],
};

/// Figure 15 with the widths of Figures 16 to 19 and, for Reduction-A, Table 1; the numbers of
/// modules, the scales and `mixed_5b` and `conv2d_7b` are the released network's.
const TRUNK: TrunkWidths = TrunkWidths {
    mixed_5b: Mixed5bWidths {
        branch_1x1: 96,
        branch_5x5: [48, 64],
        branch_double_3x3: [64, 96, 96],
        branch_pool: 64,
    },
    inception_resnet_a: (
        10,
        0.17,
        InceptionResNetAWidths {
            branch_1x1: 32,
            branch_3x3: [32, 32],
            branch_double_3x3: [32, 48, 64],
        },
    ),
    reduction_a: ReductionAWidths {
        k: 256,
        l: 256,
        m: 384,
        n: 384,
    },
    inception_resnet_b: (
        20,
        0.10,
        InceptionResNetBWidths {
            branch_1x1: 192,
            branch_7x7: [128, 160, 192],
        },
    ),
    reduction_b: ReductionBWidths {
        branch_3x3: [256, 384],
        branch_narrow_3x3: [256, 288],
        branch_double_3x3: [256, 288, 320],
    },
    inception_resnet_c: (
        9,
        0.20,
        InceptionResNetCWidths {
            branch_1x1: 192,
            branch_3x3: [192, 224, 256],
        },
    ),
    conv2d_7b: 1536,
};

/// Configuration of [`InceptionResNetV2`].
#[derive(Config, Debug)]
pub struct InceptionResNetV2Config {
    /// Outputs of the last layer.
    #[config(default = "1000")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Probability of dropping a feature before the last layer; Figure 15 keeps 0.8 of them.
    #[config(default = "0.2")]
    pub dropout: f64,
    /// Probability of leaving out the last residual branch in training (see
    /// [`StochasticDepth`](burn_zoo_core::StochasticDepth)); none in the paper.
    #[config(default = "0.0")]
    pub stochastic_depth: f64,
}

impl InceptionResNetV2Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> InceptionResNetV2 {
        let mut model = InceptionResNetV2 {
            stem: STEM.init(self.in_channels, device),
            trunk: TRUNK.init(STEM.output(), device),
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: LinearConfig::new(TRUNK.conv2d_7b, self.num_classes).init(device),
            input: InputSpec::square(self.in_channels, 299, 75),
        };
        model.trunk.set_stochastic_depth(self.stochastic_depth);
        model
    }
}

/// Inception-ResNet-v2 for images of ImageNet's size.
///
/// `[batch, 3, 299, 299] -> [batch, 1000]` by default; any size of at least 75 pixels does.
#[derive(Module, Debug)]
pub struct InceptionResNetV2 {
    stem: Stem,
    trunk: Trunk,
    dropout: Dropout,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl InceptionResNetV2 {
    /// Rows that turn our paths into timm's keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::KEYS.to_vec()
    }
}

impl Classifier for InceptionResNetV2 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let pooled = self.dropout.forward(self.pooled(images));
        self.classifier.forward(pooled)
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        self.trunk.forward(self.stem.forward(images))
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

    /// timm's, since the figures draw 384, 1154 and 2048.
    #[test]
    fn widths_add_up_to_the_released_networks() {
        assert_eq!(TRUNK.channels(), [320, 1088, 2080]);
    }

    #[test]
    fn seventy_five_pixels_leave_one() {
        let device = Device::flex();
        let model = InceptionResNetV2Config::new()
            .with_num_classes(2)
            .init(&device);
        let images = Tensor::zeros([1, 3, 75, 75], &device);
        let grids = model
            .features(images)
            .into_iter()
            .map(|map| map.map.dims()[2]);
        assert_eq!(grids.collect::<Vec<_>>(), [7, 7, 7, 3, 3, 1, 1, 1, 1]);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn seventy_four_pixels_leave_none() {
        let device = Device::flex();
        let mut model = InceptionResNetV2Config::new()
            .with_num_classes(2)
            .init(&device);
        model.input.min_size = [1, 1];
        model.features(Tensor::zeros([1, 3, 74, 75], &device));
    }
}
