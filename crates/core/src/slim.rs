//! Boxes of the Inception papers' figures as TF-Slim released them: a convolution, a norm with an
//! epsilon of 1e-3, a ReLU.

use burn::module::Module;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor};

use crate::{ConvNormAct, ConvNormActConfig, chain};

/// TF-Slim's; the paper gives none.
const EPSILON: f64 = 1e-3;

/// A box of a figure: a convolution with its norm and activation, of any number of inputs.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    width: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
}

/// Keeps the grid.
pub const fn same(width: usize, kernel: [usize; 2]) -> Layer {
    let [height, length] = kernel;
    Layer {
        padding: [height / 2, length / 2],
        ..valid(width, kernel)
    }
}

/// Pads nothing: "V" in the figures.
pub const fn valid(width: usize, kernel: [usize; 2]) -> Layer {
    Layer {
        width,
        kernel,
        stride: 1,
        padding: [0, 0],
    }
}

/// A 3x3 of stride 2 that pads nothing.
pub const fn strided(width: usize) -> Layer {
    valid(width, [3, 3]).with_stride(2)
}

impl Layer {
    /// The same layer with another stride, in pixels.
    #[must_use]
    pub const fn with_stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Initialises the layer.
    pub fn init(self, input: usize, device: &Device) -> ConvNormAct {
        ConvNormActConfig::new([input, self.width], self.kernel)
            .with_stride(self.stride)
            .with_padding(self.padding)
            .with_epsilon(EPSILON)
            .init(device)
    }
}

/// Layers one after the other, from `input` channels.
pub fn branch<const LAYERS: usize>(
    input: usize,
    layers: [Layer; LAYERS],
    device: &Device,
) -> [ConvNormAct; LAYERS] {
    let mut channels = input;
    layers.map(|layer| {
        let made = layer.init(channels, device);
        channels = layer.width;
        made
    })
}

/// The pool that halves the grid, in the stems too.
pub fn halving_pool() -> MaxPool2d {
    MaxPool2dConfig::new([3, 3]).with_strides([2, 2]).init()
}

/// Widths of [`ReductionA`], under the letters of the paper's Table 1.
#[derive(Clone, Copy, Debug)]
pub struct ReductionAWidths {
    /// 1x1 before two 3x3.
    pub k: usize,
    /// The first of two 3x3.
    pub l: usize,
    /// The second of two 3x3.
    pub m: usize,
    /// 3x3 alone.
    pub n: usize,
}

impl ReductionAWidths {
    /// Channels of the output.
    pub const fn output(&self, input: usize) -> usize {
        self.n + self.m + input
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> ReductionA {
        let branch_double_3x3 = [same(self.k, [1, 1]), same(self.l, [3, 3]), strided(self.m)];
        ReductionA {
            branch_3x3: strided(self.n).init(input, device),
            branch_double_3x3: branch(input, branch_double_3x3, device),
            max_pool: halving_pool(),
        }
    }
}

/// Reduction-A, from the 35x35 grid to 17x17 (Szegedy et al. 2016, arXiv:1602.07261, Figure 7),
/// the same in Inception v4 and Inception-ResNet.
///
/// `[batch, channels, 35, 35] -> [batch, n + m + channels, 17, 17]`
#[derive(Module, Debug)]
pub struct ReductionA {
    branch_3x3: ConvNormAct,
    branch_double_3x3: [ConvNormAct; 3],
    max_pool: MaxPool2d,
}

impl ReductionA {
    /// Concatenates the three branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_3x3.forward(input.clone()),
            chain(&self.branch_double_3x3, input.clone()),
            crate::max_pool(&self.max_pool, input),
        ];
        Tensor::cat(branches, 1)
    }
}
