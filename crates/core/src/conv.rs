//! The layer that all families but highway are built from.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::elementwise::relu;
#[cfg(feature = "fast-cpu")]
use crate::fast_cpu;

/// What follows the norm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// `max(0, x)`.
    #[default]
    Relu,
    /// Nothing: the caller adds a shortcut first.
    Identity,
}

/// Configuration of [`ConvNormAct`].
#[derive(Config, Debug)]
pub struct ConvNormActConfig {
    /// Channels `[in, out]`.
    pub channels: [usize; 2],
    /// Kernel `[height, width]` in pixels.
    pub kernel: [usize; 2],
    /// Stride in both directions, in pixels.
    #[config(default = "1")]
    pub stride: usize,
    /// Rows and columns of zeros on each side, `[height, width]`.
    #[config(default = "[0, 0]")]
    pub padding: [usize; 2],
    /// Groups of channels that do not see each other.
    #[config(default = "1")]
    pub groups: usize,
    /// Whether the convolution adds a bias, which the norm after it takes out again.
    #[config(default = "false")]
    pub bias: bool,
    /// Added to the variance by the batch norm. A checkpoint does not hold it.
    #[config(default = "1e-5")]
    pub epsilon: f64,
    /// What follows the norm.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
}

impl ConvNormActConfig {
    /// Zero padding that keeps the grid at stride 1, for odd kernels.
    #[must_use]
    pub fn same(self) -> Self {
        let padding = self.kernel.map(|size| size / 2);
        self.with_padding(padding)
    }

    /// Weights after He et al. 2015 (arXiv:1502.01852), fan-out, as torchvision does; norms 1
    /// and 0.
    ///
    /// # Panics
    ///
    /// If channels are no multiple of the groups.
    pub fn init(&self, device: &Device) -> ConvNormAct {
        let [height, width] = self.padding;
        let conv = Conv2dConfig::new(self.channels, self.kernel)
            .with_stride([self.stride; 2])
            .with_groups(self.groups)
            .with_padding(PaddingConfig2d::Explicit(height, width, height, width))
            .with_bias(self.bias)
            .with_initializer(Initializer::KaimingNormal {
                gain: std::f64::consts::SQRT_2,
                fan_out_only: true,
            });
        ConvNormAct {
            conv: conv.init(device),
            norm: BatchNormConfig::new(self.channels[1])
                .with_epsilon(self.epsilon)
                .init(device),
            activation: self.activation,
        }
    }
}

/// Convolution, batch norm, activation (Ioffe and Szegedy 2015, arXiv:1502.03167,
/// section 3.2).
#[derive(Module, Debug)]
pub struct ConvNormAct {
    /// The convolution.
    pub conv: Conv2d,
    /// The norm after it.
    pub norm: BatchNorm,
    #[module(skip)]
    activation: Activation,
}

impl ConvNormAct {
    /// `[batch, in, height, width] -> [batch, out, height', width']`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let output = normalise(&self.norm, convolve(&self.conv, input));
        match self.activation {
            Activation::Relu => relu(output),
            Activation::Identity => output,
        }
    }

    /// Number of output channels.
    pub fn out_channels(&self) -> usize {
        self.conv.weight.dims()[0]
    }

    /// Sets the norm's scale to zero, so that a residual branch begins as nothing (Goyal et al.
    /// 2017, arXiv:1706.02677, section 5.1).
    #[must_use]
    pub fn zeroed(mut self) -> Self {
        self.norm.gamma = self.norm.gamma.map(|scale| scale.zeros_like());
        self
    }
}

/// `layer.forward(input)`, and in training on a CPU by the kernels that [`TrainingKernels`] chooses,
/// if this crate's feature `fast-cpu` is on: `[batch, in, height, width] -> [batch, out, height',
/// width']`.
///
/// Where no gradients are recorded, on any other backend than flex, with other numbers than `f32`,
/// groups, dilation, and padding that is `Same` or wider than the kernel reaches, it is Burn's own.
///
/// [`TrainingKernels`]: crate::TrainingKernels
pub fn convolve(layer: &Conv2d, input: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "fast-cpu")]
    if let Some(output) = fast_cpu::convolve(layer, &input) {
        return output;
    }
    layer.forward(input)
}

/// A batch, normalised by its own statistics.
pub(crate) struct Normalised {
    /// `[batch, channels, height, width]`.
    pub(crate) output: Tensor<4>,
    /// `[channels]`, without gradient.
    pub(crate) mean: Tensor<1>,
    /// `[channels]`, biased, without gradient.
    pub(crate) variance: Tensor<1>,
}

/// Batch norm.
fn normalise(norm: &BatchNorm, input: Tensor<4>) -> Tensor<4> {
    let device = input.device();
    if !(device.is_autodiff() && norm.training.is_enabled()) {
        return norm.forward(input);
    }
    let Normalised {
        output,
        mean,
        variance,
    } = of_batch(norm, input);
    for (running, batch) in [(&norm.running_mean, mean), (&norm.running_var, variance)] {
        let before = running.value_sync().to_device(&device);
        let after = before * (1.0 - norm.momentum) + batch * norm.momentum;
        running.update(after.detach());
    }
    output
}

/// Burn adds up a channel's pixels in one long f32 sum, whose lost digits a deep network multiplies:
/// here rows, columns and images are averaged one after the other.
fn of_batch(norm: &BatchNorm, input: Tensor<4>) -> Normalised {
    #[cfg(feature = "fast-cpu")]
    if let Some(normalised) = fast_cpu::normalise(norm, &input) {
        return normalised;
    }
    let [_, channels, _, _] = input.dims();
    let average = |map: Tensor<4>| map.mean_dim(3).mean_dim(2).mean_dim(0);
    let mean = average(input.clone());
    let centred = input - mean.clone();
    let variance = average(centred.clone() * centred.clone());
    let [gamma, beta] = [&norm.gamma, &norm.beta].map(|p| p.val().reshape([1, channels, 1, 1]));
    let constant = |it: &Tensor<4>| it.clone().detach().reshape([channels]);
    let [batch_mean, batch_variance] = [&mean, &variance].map(constant);
    Normalised {
        output: centred * (gamma / (variance + norm.epsilon).sqrt()) + beta,
        mean: batch_mean,
        variance: batch_variance,
    }
}

/// A last layer of `classes` outputs in the place of `layer`, freshly drawn, on its device.
pub fn with_outputs(layer: &Linear, classes: usize) -> Linear {
    let [features, _] = layer.weight.shape().dims();
    LinearConfig::new(features, classes).init(&layer.weight.lazy_device())
}

/// Applies layers one after the other.
pub fn chain(layers: &[ConvNormAct], input: Tensor<4>) -> Tensor<4> {
    layers.iter().fold(input, |x, layer| layer.forward(x))
}
