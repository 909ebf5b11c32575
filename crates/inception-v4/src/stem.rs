//! The stem: Figure 3 of Szegedy et al. 2016 (arXiv:1602.07261).

use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{ConvNormAct, chain, max_pool};

use burn_zoo_core::slim::{branch, halving_pool, same, strided, valid};

/// Widths of [`Stem`].
#[derive(Clone, Copy, Debug)]
pub struct StemWidths {
    /// The three 3x3 convolutions before the branches.
    pub entry: [usize; 3],
    /// The 3x3 convolution beside the first pooling.
    pub conv_1: usize,
    /// 1x1 and 3x3 in the middle.
    pub branch_3x3: [usize; 2],
    /// 1x1, 1x7, 7x1 and 3x3 in the middle.
    pub branch_7x7: [usize; 4],
    /// The 3x3 convolution beside the last pooling.
    pub conv_3: usize,
}

impl StemWidths {
    /// Channels after each of the three concatenations.
    pub const fn outputs(&self) -> [usize; 3] {
        let first = self.entry[2] + self.conv_1;
        let second = self.branch_3x3[1] + self.branch_7x7[3];
        [first, second, self.conv_3 + second]
    }

    /// Initialises the stem.
    pub fn init(&self, input: usize, device: &Device) -> Stem {
        let [first, second, _] = self.outputs();
        let [entry_1, entry_2, entry_3] = self.entry;
        let [small_1x1, small_3x3] = self.branch_3x3;
        let [large_1x1, large_1x7, large_7x1, large_3x3] = self.branch_7x7;
        let entry = [
            strided(entry_1),
            valid(entry_2, [3, 3]),
            same(entry_3, [3, 3]),
        ];
        let branch_7x7 = [
            same(large_1x1, [1, 1]),
            same(large_1x7, [1, 7]),
            same(large_7x1, [7, 1]),
            valid(large_3x3, [3, 3]),
        ];
        Stem {
            entry: branch(input, entry, device),
            pool_1: halving_pool(),
            conv_1: strided(self.conv_1).init(entry_3, device),
            branch_3x3: branch(
                first,
                [same(small_1x1, [1, 1]), valid(small_3x3, [3, 3])],
                device,
            ),
            branch_7x7: branch(first, branch_7x7, device),
            conv_3: strided(self.conv_3).init(second, device),
            pool_3: halving_pool(),
        }
    }
}

/// The stem: three convolutions, then three concatenations of two branches (Figure 3).
///
/// `[batch, 3, 299, 299] -> [batch, 384, 35, 35]`
#[derive(Module, Debug)]
pub struct Stem {
    entry: [ConvNormAct; 3],
    pool_1: MaxPool2d,
    conv_1: ConvNormAct,
    branch_3x3: [ConvNormAct; 2],
    branch_7x7: [ConvNormAct; 4],
    conv_3: ConvNormAct,
    pool_3: MaxPool2d,
}

impl Stem {
    /// The three concatenations: `[batch, 160, 73, 73]`, `[batch, 192, 71, 71]` and
    /// `[batch, 384, 35, 35]` from `[batch, 3, 299, 299]`.
    pub fn forward(&self, images: Tensor<4>) -> [Tensor<4>; 3] {
        let entry = chain(&self.entry, images);
        let first = vec![
            max_pool(&self.pool_1, entry.clone()),
            self.conv_1.forward(entry),
        ];
        let first = Tensor::cat(first, 1);
        let second = vec![
            chain(&self.branch_3x3, first.clone()),
            chain(&self.branch_7x7, first.clone()),
        ];
        let second = Tensor::cat(second, 1);
        // The released network swaps convolution and pooling here.
        let third = vec![
            self.conv_3.forward(second.clone()),
            max_pool(&self.pool_3, second.clone()),
        ];
        [first, second, Tensor::cat(third, 1)]
    }
}
