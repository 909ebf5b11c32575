//! The inception modules and the auxiliary classifier: Figures 2 and 3 and section 5 of Szegedy
//! et al. 2014.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{
    AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, AvgPool2d, AvgPool2dConfig, MaxPool2d,
    MaxPool2dConfig,
};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{ConvNormAct, ConvNormActConfig, convolve, max_pool, relu, with_outputs};
use serde::{Deserialize, Serialize};

/// torchvision's (and TF-Slim's), not in the paper.
const EPSILON: f64 = 1e-3;

/// What stands between a convolution and its rectifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layers {
    /// Batch norm, as in torchvision's network.
    Normed,
    /// Nothing but the convolution's bias, as in the paper.
    Biased,
}

impl Layers {
    /// A convolution of odd `size` that keeps the grid, or divides it by `stride`, rounding up.
    pub(crate) fn conv(
        self,
        channels: [usize; 2],
        size: usize,
        stride: usize,
        device: &Device,
    ) -> RectifiedConv {
        let config = ConvNormActConfig::new(channels, [size, size])
            .same()
            .with_stride(stride)
            .with_epsilon(EPSILON);
        match self {
            Self::Normed => RectifiedConv::Normed(config.init(device)),
            Self::Biased => RectifiedConv::Biased(config.with_bias(true).init(device).conv),
        }
    }
}

/// "All the convolutions use rectified linear activation" (section 5).
#[expect(
    clippy::large_enum_variant,
    reason = "a network has the larger variant everywhere, or nowhere"
)]
#[derive(Module, Debug)]
pub enum RectifiedConv {
    /// Convolution without bias, batch norm, rectifier.
    Normed(ConvNormAct),
    /// Convolution with bias, rectifier.
    Biased(Conv2d),
}

impl RectifiedConv {
    /// `[batch, in, height, width] -> [batch, out, height / stride, width / stride]`, rounded up.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Normed(layer) => layer.forward(input),
            Self::Biased(conv) => relu(convolve(conv, input)),
        }
    }
}

/// Applies layers one after the other.
pub(crate) fn chain(layers: &[RectifiedConv], input: Tensor<4>) -> Tensor<4> {
    layers.iter().fold(input, |x, layer| layer.forward(x))
}

/// Channels of the branches of a module: a row of Table 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widths {
    /// "#1x1".
    pub one: usize,
    /// "#3x3 reduce", "#3x3".
    pub three: [usize; 2],
    /// "#5x5 reduce", "#5x5".
    pub five: [usize; 2],
    /// "pool proj".
    pub pool: usize,
}

impl Widths {
    /// Channels of the module's output.
    pub const fn output(&self) -> usize {
        self.one + self.three[1] + self.five[1] + self.pool
    }
}

/// Configuration of [`Inception`] and [`NaiveInception`].
#[derive(Config, Debug)]
pub struct InceptionConfig {
    /// Channels of the input.
    pub input: usize,
    /// Channels of the branches.
    pub widths: Widths,
    /// What stands between a convolution and its rectifier.
    #[config(default = "Layers::Biased")]
    pub layers: Layers,
    /// Kernel of the "5x5" branch in pixels: 5 in the paper, 3 in torchvision's network.
    #[config(default = "5")]
    pub five_kernel: usize,
}

impl InceptionConfig {
    /// Initialises the module with dimension reductions.
    pub fn init(&self, device: &Device) -> Inception {
        let Widths {
            one,
            three,
            five,
            pool,
        } = self.widths;
        let conv = |channels, size| self.layers.conv(channels, size, 1, device);
        let reduced =
            |widths: [usize; 2], size| [conv([self.input, widths[0]], 1), conv(widths, size)];
        Inception {
            branch_1x1: conv([self.input, one], 1),
            branch_3x3: reduced(three, 3),
            branch_5x5: reduced(five, self.five_kernel),
            max_pool: same_max_pool(),
            branch_pool: conv([self.input, pool], 1),
        }
    }

    /// Initialises the naive module, whose branches have the widths of the other's last layers.
    /// The pool has no layer and keeps the input's channels.
    pub fn init_naive(&self, device: &Device) -> NaiveInception {
        let conv = |output, size| self.layers.conv([self.input, output], size, 1, device);
        NaiveInception {
            branch_1x1: conv(self.widths.one, 1),
            branch_3x3: conv(self.widths.three[1], 3),
            branch_5x5: conv(self.widths.five[1], self.five_kernel),
            max_pool: same_max_pool(),
        }
    }
}

/// The pool inside a module, which keeps the grid.
fn same_max_pool() -> MaxPool2d {
    MaxPool2dConfig::new([3, 3])
        .with_strides([1, 1])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .init()
}

/// Inception module, naive version (Figure 2a): its output has at least the input's channels and
/// only grows from module to module, and its 3x3 and 5x5 convolutions see all of them. No network
/// uses it; it shows what the reductions save.
///
/// `[batch, in, height, width] -> [batch, 1x1 + 3x3 + 5x5 + in, height, width]`; with the widths
/// of inception (3a), `[batch, 192, 28, 28] -> [batch, 64 + 128 + 32 + 192, 28, 28]`.
#[derive(Module, Debug)]
pub struct NaiveInception {
    branch_1x1: RectifiedConv,
    branch_3x3: RectifiedConv,
    branch_5x5: RectifiedConv,
    max_pool: MaxPool2d,
}

impl NaiveInception {
    /// Concatenates the branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            self.branch_3x3.forward(input.clone()),
            self.branch_5x5.forward(input.clone()),
            max_pool(&self.max_pool, input),
        ];
        Tensor::cat(branches, 1)
    }
}

/// Inception module with dimension reductions (Figure 2b).
///
/// `[batch, in, height, width] -> [batch, 1x1 + 3x3 + 5x5 + pool, height, width]`; inception (3a)
/// is `[batch, 192, 28, 28] -> [batch, 64 + 128 + 32 + 32, 28, 28]`.
#[derive(Module, Debug)]
pub struct Inception {
    branch_1x1: RectifiedConv,
    branch_3x3: [RectifiedConv; 2],
    branch_5x5: [RectifiedConv; 2],
    max_pool: MaxPool2d,
    branch_pool: RectifiedConv,
}

impl Inception {
    /// Concatenates the branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch_1x1.forward(input.clone()),
            chain(&self.branch_3x3, input.clone()),
            chain(&self.branch_5x5, input.clone()),
            self.branch_pool.forward(max_pool(&self.max_pool, input)),
        ];
        Tensor::cat(branches, 1)
    }
}

/// How an auxiliary head comes to its grid of 4x4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuxPool {
    /// It averages a grid of any size to 4x4, as torchvision's.
    Adaptive,
    /// It averages windows of 5x5 with stride 3, as the paper's: 14x14 becomes 4x4. Grids that
    /// become another size are averaged to 4x4 after that.
    Windows,
}

/// Grid of the auxiliary heads' vector.
const AUX_GRID: usize = 4;
/// Channels of the auxiliary heads' convolution, and units of their first linear layer.
const AUX_CHANNELS: usize = 128;
const AUX_UNITS: usize = 1024;

/// Configuration of [`AuxHead`].
#[derive(Config, Debug)]
pub struct AuxHeadConfig {
    /// Channels of the input.
    pub input: usize,
    /// Outputs of the last layer.
    pub num_classes: usize,
    /// What stands between the convolution and its rectifier.
    #[config(default = "Layers::Biased")]
    pub layers: Layers,
    /// How the head comes to its grid.
    #[config(default = "AuxPool::Windows")]
    pub pool: AuxPool,
    /// Probability of dropping a unit in training.
    #[config(default = "0.7")]
    pub dropout: f64,
}

impl AuxHeadConfig {
    /// Initialises the head.
    ///
    /// # Panics
    ///
    /// If `dropout` is not in `[0, 1)`.
    pub fn init(&self, device: &Device) -> AuxHead {
        let windows = AvgPool2dConfig::new([5, 5]).with_strides([3, 3]);
        AuxHead {
            windows: (self.pool == AuxPool::Windows).then(|| windows.init()),
            avg_pool: AdaptiveAvgPool2dConfig::new([AUX_GRID; 2]).init(),
            conv: self.layers.conv([self.input, AUX_CHANNELS], 1, 1, device),
            fc: LinearConfig::new(AUX_CHANNELS * AUX_GRID * AUX_GRID, AUX_UNITS).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: LinearConfig::new(AUX_UNITS, self.num_classes).init(device),
        }
    }
}

/// Auxiliary classifier: the side branches of Figure 3, listed at the end of section 5.
///
/// `[batch, 512, 14, 14] -> [batch, classes]` after inception (4a), 528 channels after (4d).
#[derive(Module, Debug)]
pub struct AuxHead {
    windows: Option<AvgPool2d>,
    avg_pool: AdaptiveAvgPool2d,
    conv: RectifiedConv,
    fc: Linear,
    dropout: Dropout,
    classifier: Linear,
}

impl AuxHead {
    /// Unnormalised logits.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let windows = match &self.windows {
            Some(windows) => windows.forward(input),
            None => input,
        };
        let grid = self.conv.forward(self.avg_pool.forward(windows));
        let units = relu(self.fc.forward(grid.flatten(1, 3)));
        self.classifier.forward(self.dropout.forward(units))
    }

    /// The same head with a new last layer of `classes` outputs.
    #[must_use]
    pub(crate) fn with_classes(mut self, classes: usize) -> Self {
        self.classifier = with_outputs(&self.classifier, classes);
        self
    }
}

#[cfg(test)]
mod tests {
    use burn_zoo_core::weights::slots;

    use super::*;

    /// Sizes of a module's kernels: its multiply-accumulates per pixel, as every layer keeps the
    /// grid.
    fn per_pixel<M: Module>(module: &M) -> usize {
        let slots = slots(module, &[]).into_iter();
        slots
            .filter(|slot| slot.shape.len() == 4)
            .map(|slot| slot.shape.iter().product::<usize>())
            .sum()
    }

    const THREE_A: Widths = Widths {
        one: 64,
        three: [96, 128],
        five: [16, 32],
        pool: 32,
    };

    #[test]
    fn reductions_make_a_module_cheaper_and_its_output_narrower() {
        let device = Device::flex();
        let config = InceptionConfig::new(192, THREE_A);
        let (reduced, naive) = (config.init(&device), config.init_naive(&device));
        // By hand: 192 * 64 + 192 * 96 + 96 * 128 * 9 + 192 * 16 + 16 * 32 * 25 + 192 * 32, the
        // 128M operations of Table 1 at 28x28, and 192 * (64 + 128 * 9 + 32 * 25).
        assert_eq!(per_pixel(&reduced), 163_328);
        assert_eq!(per_pixel(&reduced) * 28 * 28 / 1_000_000, 128);
        assert_eq!(per_pixel(&naive), 387_072);

        let input = Tensor::ones([1, 192, 5, 6], &device);
        assert_eq!(reduced.forward(input.clone()).dims(), [1, 256, 5, 6]);
        let output = naive.forward(input);
        assert_eq!(output.dims(), [1, 416, 5, 6]);
        // The pool comes last, and passes ones through.
        let pool = output.narrow(1, 416 - 192, 192).min().into_scalar::<f32>();
        assert_eq!(pool, 1.0);
    }

    #[test]
    fn the_papers_windows_make_four_by_four_of_fourteen_by_fourteen() {
        let windows = AvgPool2dConfig::new([5, 5]).with_strides([3, 3]).init();
        let grid = Tensor::<4>::zeros([1, 1, 14, 14], &Device::flex());
        assert_eq!(windows.forward(grid).dims(), [1, 1, AUX_GRID, AUX_GRID]);
    }
}
