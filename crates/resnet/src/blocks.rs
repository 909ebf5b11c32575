//! The residual block: Figures 2 and 5 of He et al. 2015.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{
    Activation, ConvNormAct, ConvNormActConfig, FeatureMap, StochasticDepth, add_relu,
    average_pool, chain, relu,
};
use serde::{Deserialize, Serialize};

/// How a block's input reaches the addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shortcut {
    /// Not at all: the plain twin.
    None,
    /// Subsampled, with zeros for the new channels (option A).
    ZeroPad,
    /// Through a strided 1x1 convolution and norm where the shape changes (option B).
    Projection,
    /// Average pool, then a 1x1 convolution and norm (He et al. 2018, arXiv:1812.01187,
    /// ResNet-D).
    PooledProjection,
}

/// The layers of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Two 3x3 convolutions (Figure 5, left).
    Basic,
    /// 1x1, 3x3, 1x1 convolutions (Figure 5, right).
    Bottleneck,
}

/// Whether a branch begins as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZeroInit {
    /// The scale of the branch's last norm starts at zero (Goyal et al. 2017).
    LastNorm,
    /// It starts at one, as in the paper.
    Off,
}

/// Configuration of [`ResidualBlock`].
#[derive(Config, Debug)]
pub struct BlockConfig {
    /// Channels `[in, out]`.
    pub channels: [usize; 2],
    /// Channels inside the branch.
    pub width: usize,
    /// Groups of the 3x3 convolution of a bottleneck.
    pub groups: usize,
    /// Stride of the first (basic) or second (bottleneck) convolution.
    pub stride: usize,
    /// The layers of the branch.
    pub kind: Kind,
    /// How the input reaches the addition.
    pub shortcut: Shortcut,
    /// Whether the branch begins as nothing.
    pub zero_init: ZeroInit,
}

impl BlockConfig {
    /// Initialises the block.
    pub fn init(&self, device: &Device) -> ResidualBlock {
        let [input, output] = self.channels;
        let (width, stride) = (self.width, self.stride);
        let conv = |channels, size| ConvNormActConfig::new(channels, [size, size]).same();
        let mut branch = match self.kind {
            Kind::Basic => vec![
                conv([input, width], 3).with_stride(stride).init(device),
                last(conv([width, output], 3)).init(device),
            ],
            Kind::Bottleneck => vec![
                conv([input, width], 1).init(device),
                conv([width, width], 3)
                    .with_stride(stride)
                    .with_groups(self.groups)
                    .init(device),
                last(conv([width, output], 1)).init(device),
            ],
        };
        if self.zero_init == ZeroInit::LastNorm {
            let last = branch.pop().expect("a branch has layers");
            branch.push(last.zeroed());
        }

        let reshapes = input != output || stride != 1;
        let pools = self.shortcut == Shortcut::PooledProjection && stride != 1;
        let projects = reshapes
            && matches!(
                self.shortcut,
                Shortcut::Projection | Shortcut::PooledProjection
            );
        let projection_stride = if pools { 1 } else { stride };
        ResidualBlock {
            branch,
            pool: pools.then(|| {
                AvgPool2dConfig::new([2, 2])
                    .with_strides([2, 2])
                    .with_ceil_mode(true)
                    .with_count_include_pad(false)
                    .init()
            }),
            projection: projects.then(|| {
                last(conv([input, output], 1))
                    .with_stride(projection_stride)
                    .init(device)
            }),
            shortcut: self.shortcut,
            stride,
            depth: StochasticDepth::OFF,
        }
    }
}

/// The layer before the addition has no activation.
fn last(config: ConvNormActConfig) -> ConvNormActConfig {
    config.with_activation(Activation::Identity)
}

/// `relu(F(x) + x)` (He et al. 2015, equations 1 and 2).
///
/// `[batch, in, height, width] -> [batch, out, height / stride, width / stride]`, rounded up.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    branch: Vec<ConvNormAct>,
    pool: Option<AvgPool2d>,
    projection: Option<ConvNormAct>,
    #[module(skip)]
    shortcut: Shortcut,
    stride: usize,
    depth: StochasticDepth,
}

impl ResidualBlock {
    /// Adds the branch to the shortcut.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let output = chain(&self.branch, input.clone());
        if self.shortcut == Shortcut::None {
            return relu(output);
        }
        let [_, channels, _, _] = output.dims();
        add_relu(self.depth.forward(output), self.carry(input, channels))
    }

    /// How the branch is left out in training.
    #[cfg(test)]
    pub(crate) fn depth(&self) -> &StochasticDepth {
        &self.depth
    }

    /// The input in the shape of the branch's output.
    fn carry(&self, input: Tensor<4>, channels: usize) -> Tensor<4> {
        let pooled = match &self.pool {
            Some(pool) => average_pool(pool, input),
            None => input,
        };
        match &self.projection {
            Some(projection) => projection.forward(pooled),
            None if self.shortcut == Shortcut::ZeroPad => zero_pad(pooled, channels, self.stride),
            None => pooled,
        }
    }
}

/// Leaves branches out at random in training, the last block's with probability `rate`; says
/// whether there are any.
pub(crate) fn set_depth(stages: &mut [&mut Vec<ResidualBlock>], rate: f64) -> bool {
    let count = stages.iter().map(|stage| stage.len()).sum();
    let blocks = stages.iter_mut().flat_map(|stage| stage.iter_mut());
    let mut residual = false;
    for (index, block) in blocks.enumerate() {
        block.depth = StochasticDepth::linear(rate, index, count);
        residual |= block.shortcut != Shortcut::None;
    }
    residual
}

/// The outputs of stages one after the other, the first layers' before them.
pub(crate) fn run(
    conv1: Tensor<4>,
    stages: &[(&'static str, &[ResidualBlock])],
) -> Vec<FeatureMap> {
    let mut maps = vec![FeatureMap::new("conv1", conv1.clone())];
    stages.iter().fold(conv1, |map, (name, blocks)| {
        let map = blocks.iter().fold(map, |map, block| block.forward(map));
        maps.push(FeatureMap::new(*name, map.clone()));
        map
    });
    maps
}

/// Option A: every `stride`-th pixel, then zero channels after the existing ones.
fn zero_pad(input: Tensor<4>, channels: usize, stride: usize) -> Tensor<4> {
    let [_, present, _, _] = input.dims();
    let input = match stride {
        1 => input,
        stride => {
            let step = stride as isize;
            input.slice(burn::tensor::s![.., .., ..;step, ..;step])
        }
    };
    match channels - present {
        0 => input,
        new => {
            let [batch, _, height, width] = input.dims();
            let zeros = Tensor::zeros([batch, new, height, width], &input.device());
            Tensor::cat(vec![input, zeros], 1)
        }
    }
}
