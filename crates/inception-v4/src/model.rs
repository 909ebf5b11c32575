//! The ImageNet network: Figure 9 of Szegedy et al. 2016 (arXiv:1602.07261).

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, FeatureMap, InputSpec, with_outputs};

use crate::blocks::{
    InceptionAWidths, InceptionBWidths, InceptionCWidths, ReductionAWidths, ReductionBWidths,
};
use crate::stem::{Stem, StemWidths};
use crate::trunk::{Trunk, TrunkWidths};

/// Figure 3.
const STEM: StemWidths = StemWidths {
    entry: [32, 32, 64],
    conv_1: 96,
    branch_3x3: [64, 96],
    branch_7x7: [64, 64, 64, 96],
    conv_3: 192,
};

/// Figure 9 with the widths of Figures 4 to 8 and, for Reduction-A, Table 1.
const TRUNK: TrunkWidths = TrunkWidths {
    inception_a: (
        4,
        InceptionAWidths {
            branch_1x1: 96,
            branch_3x3: [64, 96],
            branch_double_3x3: [64, 96, 96],
            branch_pool: 96,
        },
    ),
    reduction_a: ReductionAWidths {
        k: 192,
        l: 224,
        m: 256,
        n: 384,
    },
    inception_b: (
        7,
        InceptionBWidths {
            branch_1x1: 384,
            branch_7x7: [192, 224, 256],
            branch_double_7x7: [192, 192, 224, 224, 256],
            branch_pool: 128,
        },
    ),
    reduction_b: ReductionBWidths {
        branch_3x3: [192, 192],
        branch_7x7: [256, 256, 320, 320],
    },
    inception_c: (
        3,
        InceptionCWidths {
            branch_1x1: 256,
            branch_3x3: 384,
            branch_double_3x3: [384, 448, 512],
            ends: 256,
            branch_pool: 256,
        },
    ),
};

/// Configuration of [`InceptionV4`].
#[derive(Config, Debug)]
pub struct InceptionV4Config {
    /// Outputs of the last layer.
    #[config(default = "1000")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Probability of dropping a feature before the last layer; Figure 9 keeps 0.8 of them.
    #[config(default = "0.2")]
    pub dropout: f64,
}

impl InceptionV4Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> InceptionV4 {
        let [_, _, channels] = STEM.outputs();
        InceptionV4 {
            stem: STEM.init(self.in_channels, device),
            trunk: TRUNK.init(channels, device),
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: LinearConfig::new(TRUNK.output(), self.num_classes).init(device),
            input: InputSpec::square(self.in_channels, 299, 75),
        }
    }
}

/// Inception-v4 for images of ImageNet's size.
///
/// `[batch, 3, 299, 299] -> [batch, 1000]` by default; any size of at least 75 pixels does.
#[derive(Module, Debug)]
pub struct InceptionV4 {
    stem: Stem,
    trunk: Trunk,
    dropout: Dropout,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl InceptionV4 {
    /// Rows that turn our paths into timm's keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::KEYS.to_vec()
    }
}

impl Classifier for InceptionV4 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let pooled = self.dropout.forward(self.pooled(images));
        self.classifier.forward(pooled)
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let [stem_1, stem_2, stem_3] = self.stem.forward(images);
        let trunk = self.trunk.forward(stem_3.clone());
        let mut maps = vec![
            FeatureMap::new("stem_1", stem_1),
            FeatureMap::new("stem_2", stem_2),
            FeatureMap::new("stem_3", stem_3),
        ];
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

    /// The outputs in Figures 3 and 9, and of the modules between.
    #[test]
    fn widths_add_up_to_the_figures() {
        assert_eq!(STEM.outputs(), [160, 192, 384]);
        let (_, a) = TRUNK.inception_a;
        let (_, b) = TRUNK.inception_b;
        assert_eq!(a.output(), 384);
        assert_eq!(TRUNK.reduction_a.output(a.output()), 1024);
        assert_eq!(b.output(), 1024);
        assert_eq!(TRUNK.reduction_b.output(b.output()), 1536);
        assert_eq!(TRUNK.output(), 1536);
    }

    #[test]
    fn seventy_five_pixels_leave_one() {
        let device = Device::flex();
        let model = InceptionV4Config::new().with_num_classes(2).init(&device);
        let images = Tensor::zeros([1, 3, 75, 75], &device);
        let grids = model
            .features(images)
            .into_iter()
            .map(|map| map.map.dims()[2]);
        assert_eq!(grids.collect::<Vec<_>>(), [17, 15, 7, 7, 3, 3, 1, 1]);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn seventy_four_pixels_leave_none() {
        let device = Device::flex();
        let mut model = InceptionV4Config::new().with_num_classes(2).init(&device);
        model.input.min_size = [1, 1];
        model.features(Tensor::zeros([1, 3, 74, 75], &device));
    }
}
