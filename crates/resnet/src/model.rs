//! The ImageNet networks: Table 1 of He et al. 2015.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{
    Classifier, ConvNormAct, ConvNormActConfig, FeatureMap, InputSpec, ZeroPad, chain, max_pool,
    with_outputs,
};
use serde::{Deserialize, Serialize};

use crate::blocks::{BlockConfig, Kind, ResidualBlock, Shortcut, ZeroInit, run, set_depth};

/// Columns of Table 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Depth {
    /// 18 layers.
    D18,
    /// 34 layers.
    D34,
    /// 50 layers.
    D50,
    /// 101 layers.
    D101,
    /// 152 layers.
    D152,
}

impl Depth {
    /// The column: block, and number of blocks in conv2_x to conv5_x.
    const fn row(self) -> (Kind, [usize; 4]) {
        match self {
            Self::D18 => (Kind::Basic, [2, 2, 2, 2]),
            Self::D34 => (Kind::Basic, [3, 4, 6, 3]),
            Self::D50 => (Kind::Bottleneck, [3, 4, 6, 3]),
            Self::D101 => (Kind::Bottleneck, [3, 4, 23, 3]),
            Self::D152 => (Kind::Bottleneck, [3, 8, 36, 3]),
        }
    }
}

/// Channels of the first layer of a block in conv2_x to conv5_x.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];

/// The layers before the first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stem {
    /// One 7x7 convolution of stride 2 and a max pool.
    Single,
    /// One 3x3 convolution of stride 1 and no pool, the common variant for images of 32 pixels.
    Small,
    /// Three 3x3 convolutions, the first of stride 2, and a max pool (He et al. 2018, arXiv:1812.01187, ResNet-C).
    Deep,
}

/// Configuration of [`ResNet`].
#[derive(Config, Debug)]
pub struct ResNetConfig {
    /// Column of Table 1.
    pub depth: Depth,
    /// Outputs of the last layer.
    #[config(default = "1000")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Groups of a bottleneck's 3x3 convolution: the cardinality of ResNeXt (Xie et al. 2016,
    /// arXiv:1611.05431, Table 1).
    #[config(default = "1")]
    pub groups: usize,
    /// Channels of one group in conv2_x, where 64 in one group is ResNet: 4 in 32 groups is
    /// ResNeXt 32x4d, 128 in one is Wide ResNet-2 (Zagoruyko and Komodakis 2016,
    /// arXiv:1605.07146).
    #[config(default = "64")]
    pub width_per_group: usize,
    /// The layers before the first block.
    #[config(default = "Stem::Single")]
    pub stem: Stem,
    /// How a block's input reaches the addition.
    #[config(default = "Shortcut::Projection")]
    pub shortcut: Shortcut,
    /// Where zero-padding shortcuts put the zeros.
    #[config(default = "ZeroPad::End")]
    pub zero_pad: ZeroPad,
    /// Whether branches begin as nothing.
    #[config(default = "ZeroInit::Off")]
    pub zero_init: ZeroInit,
    /// Probability of leaving out the last residual branch in training (see
    /// [`StochasticDepth`](burn_zoo_core::StochasticDepth)).
    #[config(default = "0.0")]
    pub stochastic_depth: f64,
}

impl ResNetConfig {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> ResNet {
        let (kind, depths) = self.depth.row();
        let mut channels = WIDTHS[0];
        let [conv2_x, conv3_x, conv4_x, conv5_x] = std::array::from_fn(|stage| {
            let first = if stage == 0 { 1 } else { 2 };
            (0..depths[stage])
                .map(|index| {
                    let stride = if index == 0 { first } else { 1 };
                    let config = self.block(kind, channels, WIDTHS[stage], stride);
                    channels = config.channels[1];
                    config.init(device)
                })
                .collect()
        });
        let mut model = ResNet {
            stem: self.stem_layers(device),
            max_pool: (self.stem != Stem::Small).then(|| {
                MaxPool2dConfig::new([3, 3])
                    .with_strides([2, 2])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                    .init()
            }),
            conv2_x,
            conv3_x,
            conv4_x,
            conv5_x,
            classifier: LinearConfig::new(channels, self.num_classes).init(device),
            input: match self.stem {
                Stem::Small => InputSpec::small(self.in_channels, 8),
                Stem::Single | Stem::Deep => InputSpec::square(self.in_channels, 224, 32),
            },
            stem_kind: self.stem,
            shortcut: self.shortcut,
            zero_pad: self.zero_pad,
        };
        model.set_stochastic_depth(self.stochastic_depth);
        model
    }

    fn block(&self, kind: Kind, input: usize, width: usize, stride: usize) -> BlockConfig {
        let (inner, output) = match kind {
            Kind::Basic => (width, width),
            Kind::Bottleneck => (width * self.width_per_group / 64 * self.groups, 4 * width),
        };
        BlockConfig {
            channels: [input, output],
            width: inner,
            groups: self.groups,
            stride,
            kind,
            shortcut: self.shortcut,
            zero_pad: self.zero_pad,
            zero_init: self.zero_init,
        }
    }

    fn stem_layers(&self, device: &Device) -> Vec<ConvNormAct> {
        let conv = |channels, size| ConvNormActConfig::new(channels, [size, size]).same();
        let (input, output) = (self.in_channels, WIDTHS[0]);
        match self.stem {
            Stem::Single => vec![conv([input, output], 7).with_stride(2).init(device)],
            Stem::Small => vec![conv([input, output], 3).init(device)],
            Stem::Deep => vec![
                conv([input, output / 2], 3).with_stride(2).init(device),
                conv([output / 2, output / 2], 3).init(device),
                conv([output / 2, output], 3).init(device),
            ],
        }
    }
}

/// A residual network for images of ImageNet's size.
///
/// `[batch, 3, 224, 224] -> [batch, 1000]` by default; any size of at least 32 pixels does.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: Vec<ConvNormAct>,
    max_pool: Option<MaxPool2d>,
    conv2_x: Vec<ResidualBlock>,
    conv3_x: Vec<ResidualBlock>,
    conv4_x: Vec<ResidualBlock>,
    conv5_x: Vec<ResidualBlock>,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
    #[module(skip)]
    stem_kind: Stem,
    #[module(skip)]
    shortcut: Shortcut,
    #[module(skip)]
    zero_pad: ZeroPad,
}

impl ResNet {
    /// Says whether there are residual branches.
    fn set_stochastic_depth(&mut self, rate: f64) -> bool {
        let mut stages = [
            &mut self.conv2_x,
            &mut self.conv3_x,
            &mut self.conv4_x,
            &mut self.conv5_x,
        ];
        set_depth(&mut stages, rate)
    }

    /// Rows that turn our paths into torchvision's and timm's keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::keys(self.stem_kind, self.shortcut)
    }

    /// Where zero-padding shortcuts put the zeros, if the network has them.
    pub(crate) fn zero_pad(&self) -> Option<ZeroPad> {
        (self.shortcut == Shortcut::ZeroPad).then_some(self.zero_pad)
    }

    /// The layers before the first block.
    pub(crate) fn stem(&self) -> Stem {
        self.stem_kind
    }
}

impl Classifier for ResNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classifier.forward(self.pooled(images))
    }

    /// `conv1` is the stem with its max pool, which Table 1 of the paper counts to `conv2_x`.
    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let stages = [
            ("conv2_x", self.conv2_x.as_slice()),
            ("conv3_x", self.conv3_x.as_slice()),
            ("conv4_x", self.conv4_x.as_slice()),
            ("conv5_x", self.conv5_x.as_slice()),
        ];
        let conv1 = chain(&self.stem, images);
        let conv1 = match &self.max_pool {
            Some(pool) => max_pool(pool, conv1),
            None => conv1,
        };
        run(conv1, &stages)
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
        self.set_stochastic_depth(rate).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `timm.create_model("resnet18", drop_path_rate=0.2)`: the blocks' `drop_prob`, printed by
    /// tools/reference/training_numbers.py.
    #[test]
    fn branches_are_left_out_as_in_timm() {
        let config = ResNetConfig::new(Depth::D18).with_num_classes(2);
        let model = config.with_stochastic_depth(0.2).init(&Device::flex());
        let stages = [
            &model.conv2_x,
            &model.conv3_x,
            &model.conv4_x,
            &model.conv5_x,
        ];
        let blocks = stages.into_iter().flatten();
        let found: Vec<f64> = blocks.map(|block| block.depth().rate()).collect();
        let expected = [
            0.0,
            0.0285714286,
            0.0571428571,
            0.0857142857,
            0.114285714,
            0.142857143,
            0.171428571,
            0.2,
        ];
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_plain_network_has_no_branches_to_leave_out() {
        let config = ResNetConfig::new(Depth::D18).with_shortcut(Shortcut::None);
        let plain = config.with_num_classes(2).init(&Device::flex());
        assert!(plain.with_stochastic_depth(0.2).is_none());
    }
}
