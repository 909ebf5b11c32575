//! The stem of the released network, and the modules where the grid shrinks: Figures 7 and 18 of
//! Szegedy et al. 2016 (arXiv:1602.07261).
//!
//! Each is made of its widths and the channels of its input.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::slim::{branch, halving_pool, same, strided, valid};
use burn_zoo_core::{ConvNormAct, average_pool, chain, max_pool};

pub use burn_zoo_core::slim::{ReductionA, ReductionAWidths};

/// Widths of [`Stem`].
#[derive(Clone, Copy, Debug)]
pub struct StemWidths {
    /// Three 3x3 before the first pooling: TF-Slim's `Conv2d_1a`, `2a` and `2b`.
    pub before: [usize; 3],
    /// 1x1 and 3x3 between the poolings: `Conv2d_3b` and `4a`.
    pub between: [usize; 2],
}

impl StemWidths {
    /// Channels of the output.
    pub const fn output(&self) -> usize {
        self.between[1]
    }

    /// Initialises the stem.
    pub fn init(&self, input: usize, device: &Device) -> Stem {
        let [conv_1a, conv_2a, conv_2b] = self.before;
        let [conv_3b, conv_4a] = self.between;
        let before = [
            strided(conv_1a),
            valid(conv_2a, [3, 3]),
            same(conv_2b, [3, 3]),
        ];
        Stem {
            before: branch(input, before, device),
            pool_3a: halving_pool(),
            between: branch(
                conv_2b,
                [valid(conv_3b, [1, 1]), valid(conv_4a, [3, 3])],
                device,
            ),
            pool_5a: halving_pool(),
        }
    }
}

/// The first layers, which are Inception-v3's (Szegedy et al. 2015, arXiv:1512.00567, Table 1).
///
/// `[batch, 3, 299, 299] -> [batch, 192, 35, 35]`
#[derive(Module, Debug)]
pub struct Stem {
    before: [ConvNormAct; 3],
    pool_3a: MaxPool2d,
    between: [ConvNormAct; 2],
    pool_5a: MaxPool2d,
}

impl Stem {
    /// Three convolutions, pooling, two convolutions, pooling.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let pooled = max_pool(&self.pool_3a, chain(&self.before, images));
        max_pool(&self.pool_5a, chain(&self.between, pooled))
    }
}

/// Widths of [`Mixed5b`].
#[derive(Clone, Copy, Debug)]
pub struct Mixed5bWidths {
    /// 1x1.
    pub branch_1x1: usize,
    /// 1x1, 5x5.
    pub branch_5x5: [usize; 2],
    /// 1x1, 3x3, 3x3.
    pub branch_double_3x3: [usize; 3],
    /// 1x1 after the pooling.
    pub branch_pool: usize,
}

impl Mixed5bWidths {
    /// Channels of the output.
    pub const fn output(&self) -> usize {
        self.branch_1x1 + self.branch_5x5[1] + self.branch_double_3x3[2] + self.branch_pool
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> Mixed5b {
        let [large_1x1, large_5x5] = self.branch_5x5;
        let [double_1x1, double_3x3, double_last] = self.branch_double_3x3;
        let branch_double_3x3 = [
            same(double_1x1, [1, 1]),
            same(double_3x3, [3, 3]),
            same(double_last, [3, 3]),
        ];
        Mixed5b {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_5x5: branch(
                input,
                [same(large_1x1, [1, 1]), same(large_5x5, [5, 5])],
                device,
            ),
            branch_double_3x3: branch(input, branch_double_3x3, device),
            avg_pool: AvgPool2dConfig::new([3, 3])
                .with_strides([1, 1])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_count_include_pad(false)
                .init(),
            branch_pool: same(self.branch_pool, [1, 1]).init(input, device),
        }
    }
}

/// An Inception module without addition before the residual ones; in no figure of the paper
/// (TF-Slim's `Mixed_5b`).
///
/// `[batch, 192, height, width] -> [batch, 96 + 64 + 96 + 64, height, width]`
#[derive(Module, Debug)]
pub struct Mixed5b {
    branch_1x1: ConvNormAct,
    branch_5x5: [ConvNormAct; 2],
    branch_double_3x3: [ConvNormAct; 3],
    avg_pool: AvgPool2d,
    branch_pool: ConvNormAct,
}

impl Mixed5b {
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

/// Widths of [`ReductionB`].
#[derive(Clone, Copy, Debug)]
pub struct ReductionBWidths {
    /// 1x1, 3x3: the wider of two alike.
    pub branch_3x3: [usize; 2],
    /// 1x1, 3x3: the narrower of two alike.
    pub branch_narrow_3x3: [usize; 2],
    /// 1x1, 3x3, 3x3.
    pub branch_double_3x3: [usize; 3],
}

impl ReductionBWidths {
    /// Channels of the output.
    pub const fn output(&self, input: usize) -> usize {
        self.branch_3x3[1] + self.branch_narrow_3x3[1] + self.branch_double_3x3[2] + input
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> ReductionB {
        let pair =
            |[first, last]: [usize; 2]| branch(input, [same(first, [1, 1]), strided(last)], device);
        let [double_1x1, double_3x3, double_last] = self.branch_double_3x3;
        let branch_double_3x3 = [
            same(double_1x1, [1, 1]),
            same(double_3x3, [3, 3]),
            strided(double_last),
        ];
        ReductionB {
            branch_3x3: pair(self.branch_3x3),
            branch_narrow_3x3: pair(self.branch_narrow_3x3),
            branch_double_3x3: branch(input, branch_double_3x3, device),
            max_pool: halving_pool(),
        }
    }
}

/// Reduction-B, from the 17x17 grid to 8x8 (Figure 18; TF-Slim's `Mixed_7a`).
///
/// `[batch, 1088, 17, 17] -> [batch, 384 + 288 + 320 + 1088, 8, 8]`
#[derive(Module, Debug)]
pub struct ReductionB {
    branch_3x3: [ConvNormAct; 2],
    branch_narrow_3x3: [ConvNormAct; 2],
    branch_double_3x3: [ConvNormAct; 3],
    max_pool: MaxPool2d,
}

impl ReductionB {
    /// Concatenates the four branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            chain(&self.branch_3x3, input.clone()),
            chain(&self.branch_narrow_3x3, input.clone()),
            chain(&self.branch_double_3x3, input.clone()),
            max_pool(&self.max_pool, input),
        ];
        Tensor::cat(branches, 1)
    }
}
