//! The residual block: Figures 2 and 5 of He et al. 2015.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{
    Activation, ConvNormAct, ConvNormActConfig, FeatureMap, StochasticDepth, ZeroPad, add_relu,
    average_pool, chain, relu,
};
use serde::{Deserialize, Serialize};

/// How a block's input reaches the addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shortcut {
    /// Not at all: the plain twin.
    None,
    /// Subsampled, with zeros for the new channels (option A); [`ZeroPad`] says where.
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
    /// Where [`Shortcut::ZeroPad`] puts the zeros.
    pub zero_pad: ZeroPad,
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
            zero_pad: self.zero_pad,
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
    #[module(skip)]
    zero_pad: ZeroPad,
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
            None if self.shortcut == Shortcut::ZeroPad => {
                let input = subsampled(pooled, self.stride);
                with_zero_channels(input, channels, self.zero_pad)
            }
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

/// Every `stride`-th pixel in both directions, starting with the first.
fn subsampled(input: Tensor<4>, stride: usize) -> Tensor<4> {
    if stride == 1 {
        return input;
    }
    let step = stride as isize;
    input.slice(burn::tensor::s![.., .., ..;step, ..;step])
}

/// The input, padded with zeros for the missing channels (option A).
fn with_zero_channels(input: Tensor<4>, channels: usize, at: ZeroPad) -> Tensor<4> {
    let [batch, present, height, width] = input.dims();
    let new = channels - present;
    if new == 0 {
        return input;
    }
    let device = input.device();
    let zeros = |count| Tensor::zeros([batch, count, height, width], &device);
    match (at, new / 2) {
        (ZeroPad::End, _) | (ZeroPad::Both, 0) => Tensor::cat(vec![input, zeros(new)], 1),
        (ZeroPad::Both, before) => Tensor::cat(vec![zeros(before), input, zeros(new - before)], 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_stand_where_they_are_asked_for() {
        let device = Device::flex();
        let input = Tensor::<4>::from_floats([[[[1.0]], [[2.0]], [[3.0]]]], &device);
        let padded = |channels, at| -> Vec<f32> {
            let output = with_zero_channels(input.clone(), channels, at);
            output.into_data().iter().collect()
        };
        assert_eq!(padded(6, ZeroPad::End), [1., 2., 3., 0., 0., 0.]);
        // `F.pad(x, (0, 0, 0, 0, 3 // 2, 3 - 3 // 2))`.
        assert_eq!(padded(6, ZeroPad::Both), [0., 1., 2., 3., 0., 0.]);
        assert_eq!(padded(4, ZeroPad::Both), [1., 2., 3., 0.]);
        assert_eq!(padded(3, ZeroPad::Both), [1., 2., 3.]);
    }
}
