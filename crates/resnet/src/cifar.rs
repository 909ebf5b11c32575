//! The CIFAR networks: section 4.2 of He et al. 2015.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{
    Classifier, ConvNormAct, ConvNormActConfig, FeatureMap, InputSpec, ZeroPad, chain, with_outputs,
};

use crate::Stem;
use crate::blocks::{BlockConfig, Kind, ResidualBlock, Shortcut, ZeroInit, run, set_depth};

/// Channels of the three stages.
const WIDTHS: [usize; 3] = [16, 32, 64];

/// Configuration of [`CifarResNet`].
#[derive(Config, Debug)]
pub struct CifarResNetConfig {
    /// Number of weighted layers, `6 n + 2`: 20, 32, 44, 56, 110 and 1202 in the paper.
    pub depth: usize,
    /// Outputs of the last layer.
    #[config(default = "10")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// How a block's input reaches the addition; zero padding (option A) in the paper.
    #[config(default = "Shortcut::ZeroPad")]
    pub shortcut: Shortcut,
    /// Where zero padding puts the zeros, which the paper leaves open.
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

impl CifarResNetConfig {
    /// Initialises the network.
    ///
    /// # Panics
    ///
    /// If the depth is not `6 n + 2` with `n` of at least 1.
    pub fn init(&self, device: &Device) -> CifarResNet {
        let blocks = self.depth.saturating_sub(2) / 6;
        assert!(
            blocks > 0 && self.depth == 6 * blocks + 2,
            "the depth of a CIFAR ResNet is 6 n + 2, not {}",
            self.depth
        );
        let mut channels = WIDTHS[0];
        let [stage1, stage2, stage3] = std::array::from_fn(|stage| {
            (0..blocks)
                .map(|index| {
                    let config = BlockConfig {
                        channels: [channels, WIDTHS[stage]],
                        width: WIDTHS[stage],
                        groups: 1,
                        stride: if stage > 0 && index == 0 { 2 } else { 1 },
                        kind: Kind::Basic,
                        shortcut: self.shortcut,
                        zero_pad: self.zero_pad,
                        zero_init: self.zero_init,
                    };
                    channels = WIDTHS[stage];
                    config.init(device)
                })
                .collect()
        });
        let mut model = CifarResNet {
            stem: vec![
                ConvNormActConfig::new([self.in_channels, WIDTHS[0]], [3, 3])
                    .same()
                    .init(device),
            ],
            stage1,
            stage2,
            stage3,
            classifier: LinearConfig::new(channels, self.num_classes).init(device),
            input: InputSpec::small(self.in_channels, 4),
            shortcut: self.shortcut,
            zero_pad: self.zero_pad,
        };
        model.set_stochastic_depth(self.stochastic_depth);
        model
    }
}

/// A residual network for images of 32x32 pixels, or 28x28 grey ones.
///
/// `[batch, 3, 32, 32] -> [batch, 10]` by default; any size of at least 4 pixels does.
#[derive(Module, Debug)]
pub struct CifarResNet {
    stem: Vec<ConvNormAct>,
    stage1: Vec<ResidualBlock>,
    stage2: Vec<ResidualBlock>,
    stage3: Vec<ResidualBlock>,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
    #[module(skip)]
    shortcut: Shortcut,
    #[module(skip)]
    zero_pad: ZeroPad,
}

impl CifarResNet {
    /// Says whether there are residual branches.
    fn set_stochastic_depth(&mut self, rate: f64) -> bool {
        let mut stages = [&mut self.stage1, &mut self.stage2, &mut self.stage3];
        set_depth(&mut stages, rate)
    }

    /// Where zero-padding shortcuts put the zeros, if the network has them.
    pub(crate) fn zero_pad(&self) -> Option<ZeroPad> {
        (self.shortcut == Shortcut::ZeroPad).then_some(self.zero_pad)
    }

    /// Rows that turn our paths into the reference's keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::keys(Stem::Single, self.shortcut)
    }
}

impl Classifier for CifarResNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classifier.forward(self.pooled(images))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let stages = [
            ("stage1", self.stage1.as_slice()),
            ("stage2", self.stage2.as_slice()),
            ("stage3", self.stage3.as_slice()),
        ];
        run(chain(&self.stem, images), &stages)
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
