//! The highway layer, dense and convolutional: section 2 of Srivastava et al. 2015.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{convolve, highway, relu};
use serde::{Deserialize, Serialize};

/// What follows the linear map of `H`; section 3.1 tries both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// `max(0, x)`, the only one in the convolutional networks.
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Activation {
    pub(crate) fn forward<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => relu(input),
            Self::Tanh => tanh(input),
        }
    }

    /// How the weights before it begin (section 3.1).
    pub(crate) fn initializer(self) -> Initializer {
        match self {
            Self::Relu => Initializer::KaimingNormal {
                gain: std::f64::consts::SQRT_2,
                fan_out_only: false,
            },
            Self::Tanh => GLOROT,
        }
    }
}

/// Glorot and Bengio 2010, for layers before a tanh, a sigmoid or a softmax.
pub(crate) const GLOROT: Initializer = Initializer::XavierUniform { gain: 1.0 };

/// The gates of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gates {
    /// None, `y = H(x)`: a plain layer (equation 1).
    None,
    /// A transform gate, and the carry gate is what it leaves: `C = 1 - T` (equation 3).
    #[default]
    Coupled,
    /// A transform gate and a carry gate of its own (equation 2).
    Separate,
}

impl Gates {
    /// Where the biases of the transform gate and the carry gate begin: a carry gate of its own
    /// begins where the coupled one would, since `1 - sigmoid(b) = sigmoid(-b)`.
    fn biases(self, transform: f64) -> [Option<f64>; 2] {
        match self {
            Self::None => [None, None],
            Self::Coupled => [Some(transform), None],
            Self::Separate => [Some(transform), Some(-transform)],
        }
    }
}

/// `H T + x C` and `T`, through which no gradients go, from an input, what its layer made of it, and what the
/// gates are sigmoids of.
fn mix<const D: usize>(
    input: Tensor<D>,
    transformed: Tensor<D>,
    gate: Option<Tensor<D>>,
    carry: Option<Tensor<D>>,
) -> (Tensor<D>, Option<Tensor<D>>) {
    let Some(gate) = gate else {
        return (transformed, None);
    };
    let (output, gate) = match carry {
        None => highway(transformed, gate, input),
        Some(carry) => {
            let gate = sigmoid(gate);
            let output = transformed * gate.clone() + input * sigmoid(carry);
            (output, gate.detach())
        }
    };
    (output, Some(gate))
}

/// A bias of the same value everywhere.
pub(crate) fn bias(size: usize, value: f64, device: &Device) -> Option<Param<Tensor<1>>> {
    Some(Initializer::Constant { value }.init([size], device))
}

/// Configuration of [`HighwayLayer`].
#[derive(Config, Debug)]
pub struct HighwayLayerConfig {
    /// Units; a highway layer keeps their number.
    pub width: usize,
    /// What follows the linear map of `H`.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// The gates.
    #[config(default = "Gates::Coupled")]
    pub gates: Gates,
    /// Where the transform gate's bias begins: below zero, so that a deep network begins by
    /// carrying its input along (section 2.2). Section 3.1 searches -1 to -10; -2 is section 4's
    /// for MNIST.
    #[config(default = "-2.0")]
    pub gate_bias: f64,
}

impl HighwayLayerConfig {
    /// Initialises the layer.
    pub fn init(&self, device: &Device) -> HighwayLayer {
        let linear = |initializer, value| {
            let config = LinearConfig::new(self.width, self.width);
            let mut linear = config.with_initializer(initializer).init(device);
            linear.bias = bias(self.width, value, device);
            linear
        };
        let gates = self.gates.biases(self.gate_bias);
        let [gate, carry] = gates.map(|value| value.map(|value| linear(GLOROT, value)));
        HighwayLayer {
            transform: linear(self.activation.initializer(), 0.0),
            gate,
            carry,
            activation: self.activation,
        }
    }
}

/// `y = H(x) T(x) + x C(x)` with `H(x) = f(W x + b)`, `T(x) = sigmoid(W_T x + b_T)` and `C` as
/// [`Gates`] say (Srivastava et al. 2015, equations 1 to 3).
///
/// `[batch, width] -> [batch, width]`
#[derive(Module, Debug)]
pub struct HighwayLayer {
    transform: Linear,
    gate: Option<Linear>,
    carry: Option<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl HighwayLayer {
    /// Transforms the input, or carries it along, or both.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.step(input).0
    }

    /// `T(x)`, `[batch, width]`, through which no gradients go; a plain layer has none.
    pub fn transform_gate(&self, input: Tensor<2>) -> Option<Tensor<2>> {
        self.step(input).1
    }

    /// Output and transform gate.
    pub(crate) fn step(&self, input: Tensor<2>) -> (Tensor<2>, Option<Tensor<2>>) {
        let map = |layer: &Linear| layer.forward(input.clone());
        let transformed = self.activation.forward(map(&self.transform));
        let [gate, carry] = [&self.gate, &self.carry].map(|it| it.as_ref().map(map));
        mix(input, transformed, gate, carry)
    }
}

/// Configuration of [`ConvHighwayLayer`].
#[derive(Config, Debug)]
pub struct ConvHighwayLayerConfig {
    /// Channels; a highway layer keeps their number.
    pub channels: usize,
    /// Height and width of the kernels in pixels, odd.
    #[config(default = "3")]
    pub kernel: usize,
    /// What follows the convolution of `H`.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// The gates.
    #[config(default = "Gates::Coupled")]
    pub gates: Gates,
    /// Where the transform gate's bias begins: see [`HighwayLayerConfig::gate_bias`]; -2 is the
    /// authors' for CIFAR-10.
    #[config(default = "-2.0")]
    pub gate_bias: f64,
}

impl ConvHighwayLayerConfig {
    /// Initialises the layer.
    ///
    /// # Panics
    ///
    /// If the kernel is even: its output would not lie on its input.
    pub fn init(&self, device: &Device) -> ConvHighwayLayer {
        let conv = |initializer, value| {
            let channels = [self.channels, self.channels];
            same_conv(channels, self.kernel, initializer, value, device)
        };
        let gates = self.gates.biases(self.gate_bias);
        let [gate, carry] = gates.map(|value| value.map(|value| conv(GLOROT, value)));
        ConvHighwayLayer {
            transform: conv(self.activation.initializer(), 0.0),
            gate,
            carry,
            activation: self.activation,
        }
    }
}

/// A convolution that keeps the grid, with a bias of `value`.
pub(crate) fn same_conv(
    channels: [usize; 2],
    kernel: usize,
    initializer: Initializer,
    value: f64,
    device: &Device,
) -> Conv2d {
    assert!(kernel % 2 == 1, "a kernel is odd, not {kernel}");
    let side = kernel / 2;
    let mut conv = Conv2dConfig::new(channels, [kernel, kernel])
        .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
        .with_initializer(initializer)
        .init(device);
    conv.bias = bias(channels[1], value, device);
    conv
}

/// The highway layer whose linear maps are convolutions (Srivastava et al. 2015, section 2.1).
///
/// `[batch, channels, height, width] -> [batch, channels, height, width]`
#[derive(Module, Debug)]
pub struct ConvHighwayLayer {
    transform: Conv2d,
    gate: Option<Conv2d>,
    carry: Option<Conv2d>,
    #[module(skip)]
    activation: Activation,
}

impl ConvHighwayLayer {
    /// Transforms the input, or carries it along, or both.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.step(input).0
    }

    /// `T(x)`, `[batch, channels, height, width]`, through which no gradients go; a plain layer has none.
    pub fn transform_gate(&self, input: Tensor<4>) -> Option<Tensor<4>> {
        self.step(input).1
    }

    /// Output and transform gate.
    pub(crate) fn step(&self, input: Tensor<4>) -> (Tensor<4>, Option<Tensor<4>>) {
        let map = |layer: &Conv2d| convolve(layer, input.clone());
        let transformed = self.activation.forward(map(&self.transform));
        let [gate, carry] = [&self.gate, &self.carry].map(|it| it.as_ref().map(map));
        mix(input, transformed, gate, carry)
    }
}

#[cfg(test)]
mod tests {
    use burn_zoo_core::weights::slots;

    use super::*;

    fn parameters<M: Module>(module: &M) -> usize {
        let slots = slots(module, &[]);
        slots
            .iter()
            .map(|slot| slot.shape.iter().product::<usize>())
            .sum()
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    #[test]
    fn highway_and_plain_layers_of_section_3_1_have_about_5000_parameters() {
        let device = Device::flex();
        let layer = HighwayLayerConfig::new(50);
        let plain = HighwayLayerConfig::new(71).with_gates(Gates::None);
        assert_eq!(parameters(&layer.init(&device)), 5_100);
        assert_eq!(parameters(&plain.init(&device)), 5_112);
        let separate = layer.with_gates(Gates::Separate);
        assert_eq!(parameters(&separate.init(&device)), 7_650);
        assert_eq!(
            parameters(&ConvHighwayLayerConfig::new(16).init(&device)),
            4_640
        );
    }

    #[test]
    fn a_gate_begins_at_its_bias_and_the_rest_is_carried() {
        let device = Device::flex();
        for gates in [Gates::Coupled, Gates::Separate] {
            let layer = HighwayLayerConfig::new(3)
                .with_gates(gates)
                .with_gate_bias(-3.0)
                .init(&device);
            // At zero only the biases speak: T = sigmoid(-3).
            let gate = layer.transform_gate(Tensor::zeros([1, 3], &device));
            for value in values(gate.expect("a highway layer has a gate")) {
                assert!((value - 0.047_425_87).abs() < 1e-6, "{value}");
            }
        }
        let layer = HighwayLayerConfig::new(3)
            .with_gate_bias(-30.0)
            .init(&device);
        let input = Tensor::<2>::from_floats([[1.0, -2.0, 3.0]], &device);
        assert_eq!(values(layer.forward(input)), [1.0, -2.0, 3.0]);
    }

    #[test]
    fn a_separate_carry_gate_is_multiplied_with_the_input() {
        let device = Device::flex();
        let mut layer = HighwayLayerConfig::new(1)
            .with_gates(Gates::Separate)
            .with_activation(Activation::Tanh)
            .init(&device);
        let linear = |weight: f64, value: f64| Linear {
            weight: Initializer::Constant { value: weight }.init([1, 1], &device),
            bias: bias(1, value, &device),
        };
        layer.transform = linear(0.5, 0.25);
        layer.gate = Some(linear(-1.0, 0.0));
        layer.carry = Some(linear(2.0, 1.0));
        // tanh(1.25) sigmoid(-2) + 2 sigmoid(5)
        let output = values(layer.forward(Tensor::from_floats([[2.0]], &device)));
        assert!((output[0] - 2.087_732).abs() < 1e-5, "{output:?}");
    }

    #[test]
    #[should_panic(expected = "a kernel is odd, not 2")]
    fn an_even_kernel_is_refused() {
        ConvHighwayLayerConfig::new(4)
            .with_kernel(2)
            .init(&Device::flex());
    }
}
