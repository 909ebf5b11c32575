//! The residual modules: Figures 16, 17 and 19 of Szegedy et al. 2016 (arXiv:1602.07261).
//!
//! Each is made of its widths, which stand in its figure, its input's channels, and how the
//! branches are added.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{Activation, ConvNormAct, StochasticDepth, add_relu, chain, convolve};

use burn_zoo_core::slim::{branch, same};

/// How the branches reach the input, for [`Addition`].
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    /// What the branches are multiplied by before the addition (section 3.3).
    pub scale: f64,
    /// What follows the addition.
    pub activation: Activation,
}

impl Residual {
    /// Scaled branches and a ReLU after the addition.
    pub const fn scaled(scale: f64) -> Self {
        Self {
            scale,
            activation: Activation::Relu,
        }
    }

    /// The branches as they are, and nothing after the addition.
    pub const PLAIN: Self = Self {
        scale: 1.0,
        activation: Activation::Identity,
    };

    fn init(self, [branches, input]: [usize; 2], device: &Device) -> Addition {
        Addition {
            expand: Conv2dConfig::new([branches, input], [1, 1]).init(device),
            scale: self.scale,
            activation: self.activation,
            depth: StochasticDepth::OFF,
        }
    }
}

/// The end of a residual module: a linear 1x1 convolution with bias and without norm gives the
/// branches as many channels as the input has, then they are scaled and added (Figure 20).
#[derive(Module, Debug)]
pub struct Addition {
    expand: Conv2d,
    scale: f64,
    #[module(skip)]
    activation: Activation,
    depth: StochasticDepth,
}

impl Addition {
    /// `[batch, branches, height, width]` and `[batch, in, height, width]` to the shape of the
    /// latter.
    pub fn forward(&self, branches: Vec<Tensor<4>>, input: Tensor<4>) -> Tensor<4> {
        let branches = convolve(&self.expand, Tensor::cat(branches, 1));
        let branches = self.depth.forward(branches.mul_scalar(self.scale));
        match self.activation {
            Activation::Relu => add_relu(branches, input),
            Activation::Identity => branches + input,
        }
    }
}

/// Widths of [`InceptionResNetA`].
#[derive(Clone, Copy, Debug)]
pub struct InceptionResNetAWidths {
    /// 1x1.
    pub branch_1x1: usize,
    /// 1x1, 3x3.
    pub branch_3x3: [usize; 2],
    /// 1x1, 3x3, 3x3.
    pub branch_double_3x3: [usize; 3],
}

impl InceptionResNetAWidths {
    /// Initialises the module.
    pub fn init(&self, input: usize, residual: Residual, device: &Device) -> InceptionResNetA {
        let [small_1x1, small_3x3] = self.branch_3x3;
        let [double_1x1, double_3x3, double_last] = self.branch_double_3x3;
        let branch_double_3x3 = [
            same(double_1x1, [1, 1]),
            same(double_3x3, [3, 3]),
            same(double_last, [3, 3]),
        ];
        let branches = self.branch_1x1 + small_3x3 + double_last;
        InceptionResNetA {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_3x3: branch(
                input,
                [same(small_1x1, [1, 1]), same(small_3x3, [3, 3])],
                device,
            ),
            branch_double_3x3: branch(input, branch_double_3x3, device),
            addition: residual.init([branches, input], device),
        }
    }
}

/// Inception-ResNet-A, the module of the 35x35 grid (Figure 16; TF-Slim's `block35`).
///
/// `[batch, 320, height, width] -> [batch, 320, height, width]`
#[derive(Module, Debug)]
pub struct InceptionResNetA {
    branch_1x1: ConvNormAct,
    branch_3x3: [ConvNormAct; 2],
    branch_double_3x3: [ConvNormAct; 3],
    addition: Addition,
}

impl InceptionResNetA {
    pub(crate) fn set_depth(&mut self, depth: StochasticDepth) {
        self.addition.depth = depth;
    }

    /// Adds the three branches to the input.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            chain(&self.branch_3x3, input.clone()),
            chain(&self.branch_double_3x3, input.clone()),
        ];
        self.addition.forward(branches, input)
    }
}

/// Widths of [`InceptionResNetB`].
#[derive(Clone, Copy, Debug)]
pub struct InceptionResNetBWidths {
    /// 1x1.
    pub branch_1x1: usize,
    /// 1x1, 1x7, 7x1.
    pub branch_7x7: [usize; 3],
}

impl InceptionResNetBWidths {
    /// Initialises the module.
    pub fn init(&self, input: usize, residual: Residual, device: &Device) -> InceptionResNetB {
        let [large_1x1, large_1x7, large_7x1] = self.branch_7x7;
        let branch_7x7 = [
            same(large_1x1, [1, 1]),
            same(large_1x7, [1, 7]),
            same(large_7x1, [7, 1]),
        ];
        InceptionResNetB {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_7x7: branch(input, branch_7x7, device),
            addition: residual.init([self.branch_1x1 + large_7x1, input], device),
        }
    }
}

/// Inception-ResNet-B, the module of the 17x17 grid (Figure 17; TF-Slim's `block17`).
///
/// `[batch, 1088, height, width] -> [batch, 1088, height, width]`
#[derive(Module, Debug)]
pub struct InceptionResNetB {
    branch_1x1: ConvNormAct,
    branch_7x7: [ConvNormAct; 3],
    addition: Addition,
}

impl InceptionResNetB {
    pub(crate) fn set_depth(&mut self, depth: StochasticDepth) {
        self.addition.depth = depth;
    }

    /// Adds the two branches to the input.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            chain(&self.branch_7x7, input.clone()),
        ];
        self.addition.forward(branches, input)
    }
}

/// Widths of [`InceptionResNetC`].
#[derive(Clone, Copy, Debug)]
pub struct InceptionResNetCWidths {
    /// 1x1.
    pub branch_1x1: usize,
    /// 1x1, 1x3, 3x1.
    pub branch_3x3: [usize; 3],
}

impl InceptionResNetCWidths {
    /// Initialises the module.
    pub fn init(&self, input: usize, residual: Residual, device: &Device) -> InceptionResNetC {
        let [small_1x1, small_1x3, small_3x1] = self.branch_3x3;
        let branch_3x3 = [
            same(small_1x1, [1, 1]),
            same(small_1x3, [1, 3]),
            same(small_3x1, [3, 1]),
        ];
        InceptionResNetC {
            branch_1x1: same(self.branch_1x1, [1, 1]).init(input, device),
            branch_3x3: branch(input, branch_3x3, device),
            addition: residual.init([self.branch_1x1 + small_3x1, input], device),
        }
    }
}

/// Inception-ResNet-C, the module of the 8x8 grid (Figure 19; TF-Slim's `block8`).
///
/// `[batch, 2080, height, width] -> [batch, 2080, height, width]`
#[derive(Module, Debug)]
pub struct InceptionResNetC {
    branch_1x1: ConvNormAct,
    branch_3x3: [ConvNormAct; 3],
    addition: Addition,
}

impl InceptionResNetC {
    pub(crate) fn set_depth(&mut self, depth: StochasticDepth) {
        self.addition.depth = depth;
    }

    /// Adds the two branches to the input.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            chain(&self.branch_3x3, input.clone()),
        ];
        self.addition.forward(branches, input)
    }
}
