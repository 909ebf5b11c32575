//! ResNet-18 for images of 32x32 pixels, with which PyTorch's users often compare training speed.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo::resnet::{BlockConfig, Kind, ResidualBlock, Shortcut, Stem, ZeroInit, keys};
use burn_zoo::weights::KeyRow;
use burn_zoo::{Classifier, FeatureMap, InputSpec};
use burn_zoo_core::{ConvNormAct, ConvNormActConfig, with_outputs};

/// torchvision's `resnet18` whose first convolution is 3x3 with stride 1, and without max pool.
///
/// `[batch, 3, height, width] -> [batch, 10]`
#[derive(Module, Debug)]
pub struct SmallResNet18 {
    stem: Vec<ConvNormAct>,
    conv2_x: Vec<ResidualBlock>,
    conv3_x: Vec<ResidualBlock>,
    conv4_x: Vec<ResidualBlock>,
    conv5_x: Vec<ResidualBlock>,
    classifier: Linear,
}

impl SmallResNet18 {
    /// Random weights.
    pub fn init(device: &Device) -> Self {
        let stem = ConvNormActConfig::new([3, 64], [3, 3]).same().init(device);
        let block = |channels: [usize; 2], stride| {
            let config = BlockConfig {
                channels,
                width: channels[1],
                groups: 1,
                stride,
                kind: Kind::Basic,
                shortcut: Shortcut::Projection,
                zero_pad: burn_zoo::ZeroPad::End,
                zero_init: ZeroInit::Off,
            };
            config.init(device)
        };
        let stage = |[input, output]: [usize; 2], stride| {
            vec![block([input, output], stride), block([output; 2], 1)]
        };
        Self {
            stem: vec![stem],
            conv2_x: stage([64, 64], 1),
            conv3_x: stage([64, 128], 2),
            conv4_x: stage([128, 256], 2),
            conv5_x: stage([256, 512], 2),
            classifier: LinearConfig::new(512, 10).init(device),
        }
    }

    /// torchvision's keys.
    pub fn keys() -> Vec<KeyRow> {
        keys(Stem::Single, Shortcut::Projection)
    }
}

impl Classifier for SmallResNet18 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classifier.forward(self.pooled(images))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        let stages = [&self.conv2_x, &self.conv3_x, &self.conv4_x, &self.conv5_x];
        let names = ["conv2_x", "conv3_x", "conv4_x", "conv5_x"];
        let mut map = self.stem[0].forward(images);
        let stages = names.into_iter().zip(stages).map(|(name, stage)| {
            map = stage.iter().fold(map.clone(), |x, block| block.forward(x));
            FeatureMap::new(name, map.clone())
        });
        stages.collect()
    }

    fn input(&self) -> InputSpec {
        InputSpec::small(3, 8)
    }

    fn num_classes(&self) -> usize {
        self.classifier.weight.dims()[1]
    }

    fn with_classes(mut self, classes: usize) -> Self {
        self.classifier = with_outputs(&self.classifier, classes);
        self
    }
}
