//! The modules: Figures 5, 10, 6, 7 and 8 of Szegedy et al. 2015, in the order of the network.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::{
    AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, AvgPool2d, AvgPool2dConfig, MaxPool2d,
};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::slim::{branch, halving_pool, same, strided, valid};
use burn_zoo_core::{ConvNormAct, average_pool, chain};
use serde::{Deserialize, Serialize};

/// Whether an average pool that pads divides by the padding too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolPadding {
    /// It divides by nine everywhere: torchvision, timm.
    Counted,
    /// It divides by the pixels that are there: TensorFlow, Keras.
    NotCounted,
}

/// The pool that keeps the grid.
fn avg_pool(padding: PoolPadding) -> AvgPool2d {
    AvgPool2dConfig::new([3, 3])
        .with_strides([1, 1])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_count_include_pad(padding == PoolPadding::Counted)
        .init()
}

/// Configuration of [`InceptionA`]: output channels of each layer.
#[derive(Config, Debug)]
pub struct InceptionAConfig {
    /// Of the 1x1 convolution.
    pub branch_1x1: usize,
    /// Of the 1x1 and the 5x5 convolution.
    pub branch_5x5: [usize; 2],
    /// Of the 1x1 and both 3x3 convolutions.
    pub branch_double_3x3: [usize; 3],
    /// Of the 1x1 convolution after the pool.
    pub branch_pool: usize,
}

impl InceptionAConfig {
    /// Channels of the concatenation.
    pub const fn out_channels(&self) -> usize {
        self.branch_1x1 + self.branch_5x5[1] + self.branch_double_3x3[2] + self.branch_pool
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, padding: PoolPadding, device: &Device) -> InceptionA {
        let [reduce_5x5, conv_5x5] = self.branch_5x5;
        let [reduce_3x3, first_3x3, second_3x3] = self.branch_double_3x3;
        InceptionA {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_5x5: branch(
                input,
                [same(reduce_5x5, [1, 1]), same(conv_5x5, [5, 5])],
                device,
            ),
            branch_double_3x3: branch(
                input,
                [
                    same(reduce_3x3, [1, 1]),
                    same(first_3x3, [3, 3]),
                    same(second_3x3, [3, 3]),
                ],
                device,
            ),
            avg_pool: avg_pool(padding),
            branch_pool: same(self.branch_pool, [1, 1]).init(input, device),
        }
    }
}

/// The module of the 35x35 grid (Figure 5, with a 5x5 in the place of its single 3x3).
///
/// `[batch, 192, height, width] -> [batch, 64 + 64 + 96 + 32, height, width]` in the first,
/// mixed_5b.
#[derive(Module, Debug)]
pub struct InceptionA {
    branch_1x1: ConvNormAct,
    branch_5x5: [ConvNormAct; 2],
    branch_double_3x3: [ConvNormAct; 3],
    avg_pool: AvgPool2d,
    branch_pool: ConvNormAct,
}

impl InceptionA {
    /// Concatenates the four branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            chain(&self.branch_5x5, input.clone()),
            chain(&self.branch_double_3x3, input.clone()),
            self.branch_pool
                .forward(average_pool(&self.avg_pool, input)),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Configuration of [`ReductionA`]: output channels of each layer.
#[derive(Config, Debug)]
pub struct ReductionAConfig {
    /// Of the 3x3 convolution.
    pub branch_3x3: usize,
    /// Of the 1x1 and both 3x3 convolutions.
    pub branch_double_3x3: [usize; 3],
}

impl ReductionAConfig {
    /// Channels of the concatenation, of which the pool passes on `input`.
    pub const fn out_channels(&self, input: usize) -> usize {
        self.branch_3x3 + self.branch_double_3x3[2] + input
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> ReductionA {
        let [reduce, first, second] = self.branch_double_3x3;
        ReductionA {
            branch_3x3: strided(self.branch_3x3).init(input, device),
            branch_double_3x3: branch(
                input,
                [same(reduce, [1, 1]), same(first, [3, 3]), strided(second)],
                device,
            ),
            branch_pool: halving_pool(),
        }
    }
}

/// The module between the 35x35 and the 17x17 grid (Figure 10).
///
/// `[batch, 288, 35, 35] -> [batch, 384 + 96 + 288, 17, 17]`.
#[derive(Module, Debug)]
pub struct ReductionA {
    branch_3x3: ConvNormAct,
    branch_double_3x3: [ConvNormAct; 3],
    branch_pool: MaxPool2d,
}

impl ReductionA {
    /// Concatenates the three branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_3x3.forward(input.clone()),
            chain(&self.branch_double_3x3, input.clone()),
            self.branch_pool.forward(input),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Configuration of [`InceptionB`].
#[derive(Config, Debug)]
pub struct InceptionBConfig {
    /// Output channels of the factorised convolutions before the last of each branch.
    pub inner: usize,
    /// Output channels of each of the four branches.
    pub branch: usize,
}

impl InceptionBConfig {
    /// Channels of the concatenation.
    pub const fn out_channels(&self) -> usize {
        4 * self.branch
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, padding: PoolPadding, device: &Device) -> InceptionB {
        let Self {
            inner,
            branch: width,
        } = *self;
        InceptionB {
            branch_1x1: same(width, [1, 1]).init(input, device),
            branch_7x7: branch(
                input,
                [
                    same(inner, [1, 1]),
                    same(inner, [1, 7]),
                    same(width, [7, 1]),
                ],
                device,
            ),
            branch_double_7x7: branch(
                input,
                [
                    same(inner, [1, 1]),
                    same(inner, [7, 1]),
                    same(inner, [1, 7]),
                    same(inner, [7, 1]),
                    same(width, [1, 7]),
                ],
                device,
            ),
            avg_pool: avg_pool(padding),
            branch_pool: same(width, [1, 1]).init(input, device),
        }
    }
}

/// The module of the 17x17 grid, each 7x7 factorised into 1x7 and 7x1 (Figure 6 with n = 7).
///
/// `[batch, 768, height, width] -> [batch, 192 + 192 + 192 + 192, height, width]`.
#[derive(Module, Debug)]
pub struct InceptionB {
    branch_1x1: ConvNormAct,
    branch_7x7: [ConvNormAct; 3],
    branch_double_7x7: [ConvNormAct; 5],
    avg_pool: AvgPool2d,
    branch_pool: ConvNormAct,
}

impl InceptionB {
    /// Concatenates the four branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            chain(&self.branch_7x7, input.clone()),
            chain(&self.branch_double_7x7, input.clone()),
            self.branch_pool
                .forward(average_pool(&self.avg_pool, input)),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Configuration of [`ReductionB`]: output channels of each layer.
#[derive(Config, Debug)]
pub struct ReductionBConfig {
    /// Of the 1x1 and the 3x3 convolution.
    pub branch_3x3: [usize; 2],
    /// Of each convolution of the other branch.
    pub branch_7x7x3: usize,
}

impl ReductionBConfig {
    /// Channels of the concatenation, of which the pool passes on `input`.
    pub const fn out_channels(&self, input: usize) -> usize {
        self.branch_3x3[1] + self.branch_7x7x3 + input
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> ReductionB {
        let [reduce, conv_3x3] = self.branch_3x3;
        let inner = self.branch_7x7x3;
        ReductionB {
            branch_3x3: branch(input, [same(reduce, [1, 1]), strided(conv_3x3)], device),
            branch_7x7x3: branch(
                input,
                [
                    same(inner, [1, 1]),
                    same(inner, [1, 7]),
                    same(inner, [7, 1]),
                    strided(inner),
                ],
                device,
            ),
            branch_pool: halving_pool(),
        }
    }
}

/// The module between the 17x17 and the 8x8 grid (Figure 10, with a factorised 7x7 before the
/// second 3x3).
///
/// `[batch, 768, 17, 17] -> [batch, 320 + 192 + 768, 8, 8]`.
#[derive(Module, Debug)]
pub struct ReductionB {
    branch_3x3: [ConvNormAct; 2],
    branch_7x7x3: [ConvNormAct; 4],
    branch_pool: MaxPool2d,
}

impl ReductionB {
    /// Concatenates the three branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            chain(&self.branch_3x3, input.clone()),
            chain(&self.branch_7x7x3, input.clone()),
            self.branch_pool.forward(input),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Configuration of [`InceptionC`]: output channels of each layer.
#[derive(Config, Debug)]
pub struct InceptionCConfig {
    /// Of the 1x1 convolution.
    pub branch_1x1: usize,
    /// Of the 1x1 convolution before the first split.
    pub branch_3x3: usize,
    /// Of the 1x1 and the 3x3 convolution before the second split.
    pub branch_double_3x3: [usize; 2],
    /// Of each half of a split.
    pub split: usize,
    /// Of the 1x1 convolution after the pool.
    pub branch_pool: usize,
}

impl InceptionCConfig {
    /// Channels of the concatenation.
    pub const fn out_channels(&self) -> usize {
        self.branch_1x1 + 4 * self.split + self.branch_pool
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, padding: PoolPadding, device: &Device) -> InceptionC {
        let [reduce, conv_3x3] = self.branch_double_3x3;
        let split = |input| Split {
            conv_1x3: same(self.split, [1, 3]).init(input, device),
            conv_3x1: same(self.split, [3, 1]).init(input, device),
        };
        InceptionC {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_3x3: same(self.branch_3x3, [1, 1]).init(input, device),
            branch_3x3_split: split(self.branch_3x3),
            branch_double_3x3: branch(
                input,
                [same(reduce, [1, 1]), same(conv_3x3, [3, 3])],
                device,
            ),
            branch_double_3x3_split: split(conv_3x3),
            avg_pool: avg_pool(padding),
            branch_pool: same(self.branch_pool, [1, 1]).init(input, device),
        }
    }
}

/// The module of the 8x8 grid, its filter bank expanded sideways (Figure 7).
///
/// `[batch, 1280, height, width] -> [batch, 320 + 768 + 768 + 192, height, width]` in the first,
/// mixed_7b.
#[derive(Module, Debug)]
pub struct InceptionC {
    branch_1x1: ConvNormAct,
    branch_3x3: ConvNormAct,
    branch_3x3_split: Split,
    branch_double_3x3: [ConvNormAct; 2],
    branch_double_3x3_split: Split,
    avg_pool: AvgPool2d,
    branch_pool: ConvNormAct,
}

impl InceptionC {
    /// Concatenates the four branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let reduced = self.branch_3x3.forward(input.clone());
        let double = chain(&self.branch_double_3x3, input.clone());
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            self.branch_3x3_split.forward(reduced),
            self.branch_double_3x3_split.forward(double),
            self.branch_pool
                .forward(average_pool(&self.avg_pool, input)),
        ];
        Tensor::cat(branches, 1)
    }
}

/// The end of a branch of Figure 7: 1x3 and 3x1 side by side.
///
/// `[batch, 384, height, width] -> [batch, 384 + 384, height, width]`.
#[derive(Module, Debug)]
pub struct Split {
    conv_1x3: ConvNormAct,
    conv_3x1: ConvNormAct,
}

impl Split {
    /// Concatenates both along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let halves = vec![
            self.conv_1x3.forward(input.clone()),
            self.conv_3x1.forward(input),
        ];
        Tensor::cat(halves, 1)
    }
}

/// The auxiliary classifier on the last 17x17 grid (Figure 8).
///
/// `[batch, 768, 17, 17] -> [batch, 1000]`.
#[derive(Module, Debug)]
pub struct AuxHead {
    avg_pool: AvgPool2d,
    conv_1x1: ConvNormAct,
    conv_5x5: ConvNormAct,
    global_pool: AdaptiveAvgPool2d,
    pub(crate) classifier: Linear,
}

impl AuxHead {
    /// Initialises the head for maps of `input` channels.
    pub fn new(input: usize, num_classes: usize, device: &Device) -> Self {
        // The widths are TF-Slim's; the paper gives none.
        let [reduce, features] = [128, 768];
        Self {
            avg_pool: AvgPool2dConfig::new([5, 5]).with_strides([3, 3]).init(),
            conv_1x1: same(reduce, [1, 1]).init(input, device),
            conv_5x5: valid(features, [5, 5]).init(reduce, device),
            global_pool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            classifier: LinearConfig::new(features, num_classes).init(device),
        }
    }

    /// Logits of maps of at least 17x17.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let map = self.conv_1x1.forward(average_pool(&self.avg_pool, input));
        let map = self.global_pool.forward(self.conv_5x5.forward(map));
        self.classifier.forward(map.flatten(1, 3))
    }
}
