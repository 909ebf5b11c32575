//! The modules: Figures 4 to 8 of Szegedy et al. 2016 (arXiv:1602.07261).
//!
//! Each is made of its widths, which stand in its figure, and the channels of its input.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::slim::{branch, halving_pool, same, strided};
use burn_zoo_core::{ConvNormAct, average_pool, chain, max_pool};

pub use burn_zoo_core::slim::{ReductionA, ReductionAWidths};

/// The pooling of a module that keeps the grid.
fn avg_pool() -> AvgPool2d {
    AvgPool2dConfig::new([3, 3])
        .with_strides([1, 1])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_count_include_pad(false)
        .init()
}

/// Widths of [`InceptionA`].
#[derive(Clone, Copy, Debug)]
pub struct InceptionAWidths {
    /// 1x1.
    pub branch_1x1: usize,
    /// 1x1, 3x3.
    pub branch_3x3: [usize; 2],
    /// 1x1, 3x3, 3x3.
    pub branch_double_3x3: [usize; 3],
    /// 1x1 after the pooling.
    pub branch_pool: usize,
}

impl InceptionAWidths {
    /// Channels of the output.
    pub const fn output(&self) -> usize {
        self.branch_1x1 + self.branch_3x3[1] + self.branch_double_3x3[2] + self.branch_pool
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> InceptionA {
        let [small_1x1, small_3x3] = self.branch_3x3;
        let [double_1x1, double_3x3, double_last] = self.branch_double_3x3;
        let branch_double_3x3 = [
            same(double_1x1, [1, 1]),
            same(double_3x3, [3, 3]),
            same(double_last, [3, 3]),
        ];
        InceptionA {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_3x3: branch(
                input,
                [same(small_1x1, [1, 1]), same(small_3x3, [3, 3])],
                device,
            ),
            branch_double_3x3: branch(input, branch_double_3x3, device),
            avg_pool: avg_pool(),
            branch_pool: same(self.branch_pool, [1, 1]).init(input, device),
        }
    }
}

/// Inception-A, the module of the 35x35 grid (Figure 4).
///
/// `[batch, 384, height, width] -> [batch, 96 + 96 + 96 + 96, height, width]`
#[derive(Module, Debug)]
pub struct InceptionA {
    branch_1x1: ConvNormAct,
    branch_3x3: [ConvNormAct; 2],
    branch_double_3x3: [ConvNormAct; 3],
    avg_pool: AvgPool2d,
    branch_pool: ConvNormAct,
}

impl InceptionA {
    /// Concatenates the four branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            chain(&self.branch_3x3, input.clone()),
            chain(&self.branch_double_3x3, input.clone()),
            self.branch_pool
                .forward(average_pool(&self.avg_pool, input)),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Widths of [`InceptionB`].
#[derive(Clone, Copy, Debug)]
pub struct InceptionBWidths {
    /// 1x1.
    pub branch_1x1: usize,
    /// 1x1, 1x7, 7x1.
    pub branch_7x7: [usize; 3],
    /// 1x1, 7x1, 1x7, 7x1, 1x7.
    pub branch_double_7x7: [usize; 5],
    /// 1x1 after the pooling.
    pub branch_pool: usize,
}

impl InceptionBWidths {
    /// Channels of the output.
    pub const fn output(&self) -> usize {
        self.branch_1x1 + self.branch_7x7[2] + self.branch_double_7x7[4] + self.branch_pool
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> InceptionB {
        let [small_1x1, small_1x7, small_7x1] = self.branch_7x7;
        let [double_1x1, first_7x1, first_1x7, second_7x1, second_1x7] = self.branch_double_7x7;
        let branch_7x7 = [
            same(small_1x1, [1, 1]),
            same(small_1x7, [1, 7]),
            same(small_7x1, [7, 1]),
        ];
        let branch_double_7x7 = [
            same(double_1x1, [1, 1]),
            same(first_7x1, [7, 1]),
            same(first_1x7, [1, 7]),
            same(second_7x1, [7, 1]),
            same(second_1x7, [1, 7]),
        ];
        InceptionB {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_7x7: branch(input, branch_7x7, device),
            branch_double_7x7: branch(input, branch_double_7x7, device),
            avg_pool: avg_pool(),
            branch_pool: same(self.branch_pool, [1, 1]).init(input, device),
        }
    }
}

/// Inception-B, the module of the 17x17 grid (Figure 5).
///
/// `[batch, 1024, height, width] -> [batch, 384 + 256 + 256 + 128, height, width]`
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

/// Widths of [`ReductionB`].
#[derive(Clone, Copy, Debug)]
pub struct ReductionBWidths {
    /// 1x1, 3x3.
    pub branch_3x3: [usize; 2],
    /// 1x1, 1x7, 7x1, 3x3.
    pub branch_7x7: [usize; 4],
}

impl ReductionBWidths {
    /// Channels of the output.
    pub const fn output(&self, input: usize) -> usize {
        self.branch_3x3[1] + self.branch_7x7[3] + input
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> ReductionB {
        let [small_1x1, small_3x3] = self.branch_3x3;
        let [large_1x1, large_1x7, large_7x1, large_3x3] = self.branch_7x7;
        let branch_7x7 = [
            same(large_1x1, [1, 1]),
            same(large_1x7, [1, 7]),
            same(large_7x1, [7, 1]),
            strided(large_3x3),
        ];
        ReductionB {
            branch_3x3: branch(input, [same(small_1x1, [1, 1]), strided(small_3x3)], device),
            branch_7x7: branch(input, branch_7x7, device),
            max_pool: halving_pool(),
        }
    }
}

/// Reduction-B, from the 17x17 grid to 8x8 (Figure 8).
///
/// `[batch, 1024, 17, 17] -> [batch, 192 + 320 + 1024, 8, 8]`
#[derive(Module, Debug)]
pub struct ReductionB {
    branch_3x3: [ConvNormAct; 2],
    branch_7x7: [ConvNormAct; 4],
    max_pool: MaxPool2d,
}

impl ReductionB {
    /// Concatenates the three branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            chain(&self.branch_3x3, input.clone()),
            chain(&self.branch_7x7, input.clone()),
            max_pool(&self.max_pool, input),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Widths of [`InceptionC`].
#[derive(Clone, Copy, Debug)]
pub struct InceptionCWidths {
    /// 1x1.
    pub branch_1x1: usize,
    /// 1x1 before the two ends.
    pub branch_3x3: usize,
    /// 1x1, 3x1, 1x3 before the two ends.
    pub branch_double_3x3: [usize; 3],
    /// Each of the two ends, 1x3 and 3x1, of both branches.
    pub ends: usize,
    /// 1x1 after the pooling.
    pub branch_pool: usize,
}

impl InceptionCWidths {
    /// Channels of the output.
    pub const fn output(&self) -> usize {
        self.branch_1x1 + 4 * self.ends + self.branch_pool
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> InceptionC {
        let [double_1x1, double_3x1, double_1x3] = self.branch_double_3x3;
        let branch_double_3x3 = [
            same(double_1x1, [1, 1]),
            same(double_3x1, [3, 1]),
            same(double_1x3, [1, 3]),
        ];
        let ends =
            |input| [[1, 3], [3, 1]].map(|kernel| same(self.ends, kernel).init(input, device));
        InceptionC {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_3x3: same(self.branch_3x3, [1, 1]).init(input, device),
            branch_3x3_ends: ends(self.branch_3x3),
            branch_double_3x3: branch(input, branch_double_3x3, device),
            branch_double_3x3_ends: ends(double_1x3),
            avg_pool: avg_pool(),
            branch_pool: same(self.branch_pool, [1, 1]).init(input, device),
        }
    }
}

/// Inception-C, the module of the 8x8 grid: two branches end in a 1x3 and a 3x1 side by side
/// (Figure 6).
///
/// `[batch, 1536, height, width] -> [batch, 256 + 2 * 256 + 2 * 256 + 256, height, width]`
#[derive(Module, Debug)]
pub struct InceptionC {
    branch_1x1: ConvNormAct,
    branch_3x3: ConvNormAct,
    branch_3x3_ends: [ConvNormAct; 2],
    branch_double_3x3: [ConvNormAct; 3],
    branch_double_3x3_ends: [ConvNormAct; 2],
    avg_pool: AvgPool2d,
    branch_pool: ConvNormAct,
}

impl InceptionC {
    /// Concatenates the six ends along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let single = self.branch_3x3.forward(input.clone());
        let double = chain(&self.branch_double_3x3, input.clone());
        let [single_1x3, single_3x1] = &self.branch_3x3_ends;
        let [double_1x3, double_3x1] = &self.branch_double_3x3_ends;
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            single_1x3.forward(single.clone()),
            single_3x1.forward(single),
            double_1x3.forward(double.clone()),
            double_3x1.forward(double),
            self.branch_pool
                .forward(average_pool(&self.avg_pool, input)),
        ];
        Tensor::cat(branches, 1)
    }
}
