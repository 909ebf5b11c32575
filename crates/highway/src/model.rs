//! The dense networks for MNIST: section 3.1 of Srivastava et al. 2015.

use std::borrow::Cow;

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, FeatureMap, InputSpec, with_outputs};

use crate::blocks::{Activation, GLOROT, Gates, HighwayLayer, HighwayLayerConfig, bias};
use crate::gates::{GateMean, means};

/// Configuration of [`HighwayNet`].
///
/// The paper's networks have 9, 19, 49 and 99 layers after the input layer; their plain twins
/// have no gates and a width of 71, which makes about as many parameters per layer.
#[derive(Config, Debug)]
pub struct HighwayNetConfig {
    /// Layers between the input layer and the classifier.
    pub num_layers: usize,
    /// Units of each layer: 50 in highway networks, 71 in plain ones.
    #[config(default = "50")]
    pub width: usize,
    /// Outputs of the last layer.
    #[config(default = "10")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "1")]
    pub in_channels: usize,
    /// `[height, width]` of an image in pixels.
    #[config(default = "[28, 28]")]
    pub size: [usize; 2],
    /// What follows the linear map of each layer.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// The gates; without any this is the plain twin.
    #[config(default = "Gates::Coupled")]
    pub gates: Gates,
    /// Where the transform gates' biases begin: see [`HighwayLayerConfig::gate_bias`].
    #[config(default = "-2.0")]
    pub gate_bias: f64,
}

impl HighwayNetConfig {
    /// Initialises the network.
    ///
    /// # Panics
    ///
    /// Without layers.
    pub fn init(&self, device: &Device) -> HighwayNet {
        assert!(self.num_layers > 0, "a highway network has layers");
        let [height, width] = self.size;
        let linear = |sizes: [usize; 2], initializer| {
            let config = LinearConfig::new(sizes[0], sizes[1]);
            let mut linear = config.with_initializer(initializer).init(device);
            linear.bias = bias(sizes[1], 0.0, device);
            linear
        };
        let layer = HighwayLayerConfig {
            width: self.width,
            activation: self.activation,
            gates: self.gates,
            gate_bias: self.gate_bias,
        };
        HighwayNet {
            input: linear(
                [self.in_channels * height * width, self.width],
                self.activation.initializer(),
            ),
            layers: (0..self.num_layers).map(|_| layer.init(device)).collect(),
            output: linear([self.width, self.num_classes], GLOROT),
            activation: self.activation,
            spec: InputSpec::exactly(self.in_channels, self.size),
        }
    }
}

/// A dense highway network, or its plain twin: an input layer, layers of equal width, a
/// classifier.
///
/// `[batch, 1, 28, 28] -> [batch, 10]` by default; an image has exactly the configured size.
#[derive(Module, Debug)]
pub struct HighwayNet {
    input: Linear,
    layers: Vec<HighwayLayer>,
    output: Linear,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    spec: InputSpec,
}

/// Name, output `[batch, width]` and transform gate of a layer.
type Step = (Cow<'static, str>, Tensor<2>, Option<Tensor<2>>);

impl HighwayNet {
    /// Our paths are the reference's keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        Vec::new()
    }

    /// `T(x)` of each highway layer, shallow to deep, `[batch, width, 1, 1]` under the layer's
    /// name; a plain network has none.
    ///
    /// # Panics
    ///
    /// As [`Classifier::forward`].
    pub fn transform_gates(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.steps(images)
            .filter_map(|(name, _, gate)| Some(map(name, gate?)))
            .collect()
    }

    /// How open each layer's transform gate is for each image.
    ///
    /// # Panics
    ///
    /// As [`Classifier::forward`].
    pub fn mean_transform_gates(&self, images: Tensor<4>) -> Vec<GateMean> {
        means(self.transform_gates(images))
    }

    /// The layers one after the other.
    fn steps(&self, images: Tensor<4>) -> impl Iterator<Item = Step> {
        self.spec.assert(&images);
        let first = self.input.forward(images.flatten::<2>(1, 3));
        let first = self.activation.forward(first);
        let mut last = first.clone();
        let layers = self.layers.iter().enumerate().map(move |(index, layer)| {
            let (output, gate) = layer.step(last.clone());
            last = output.clone();
            (Cow::from(format!("layers.{index}")), output, gate)
        });
        std::iter::once((Cow::from("input"), first, None)).chain(layers)
    }
}

/// A vector as a map of one pixel.
fn map(name: Cow<'static, str>, values: Tensor<2>) -> FeatureMap {
    let [batch, width] = values.dims();
    FeatureMap::new(name, values.reshape([batch, width, 1, 1]))
}

impl Classifier for HighwayNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.output.forward(self.pooled(images))
    }

    /// `input` and `layers.0`, `layers.1`, ..., each `[batch, width, 1, 1]`.
    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.steps(images)
            .map(|(name, output, _)| map(name, output))
            .collect()
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        let last = self.features(images).pop();
        last.expect("there is an input layer").map.flatten(1, 3)
    }

    fn input(&self) -> InputSpec {
        self.spec
    }

    fn num_classes(&self) -> usize {
        self.output.weight.dims()[1]
    }

    fn with_classes(mut self, classes: usize) -> Self {
        self.output = with_outputs(&self.output, classes);
        self
    }
}

#[cfg(test)]
mod tests {
    use burn_zoo_core::weights::slots;

    use super::*;

    #[test]
    fn the_networks_of_section_3_1_have_about_5000_parameters_per_layer() {
        let device = Device::flex();
        // Layers after the input layer, highway of width 50, plain of width 71.
        let rows = [
            (9, 85_660, 102_463),
            (19, 136_660, 153_583),
            (49, 289_660, 306_943),
            (99, 544_660, 562_543),
        ];
        let count = |config: HighwayNetConfig| -> usize {
            let slots = slots(&config.init(&device), &[]);
            slots
                .iter()
                .map(|slot| slot.shape.iter().product::<usize>())
                .sum()
        };
        for (layers, highway, plain) in rows {
            let config = HighwayNetConfig::new(layers);
            let twin = config.clone().with_gates(Gates::None).with_width(71);
            assert_eq!(count(config), highway, "highway_fc{layers}");
            assert_eq!(count(twin), plain, "plain_fc{layers}");
        }
    }

    #[test]
    fn a_new_head_leaves_the_rest_as_it_was() {
        let device = Device::flex();
        let network = HighwayNetConfig::new(2).init(&device);
        let images = Tensor::<4>::ones([1, 1, 28, 28], &device);
        let before = network.pooled(images.clone());
        let network = network.with_classes(7);
        assert_eq!(network.num_classes(), 7);
        assert_eq!(network.forward(images.clone()).dims(), [1, 7]);
        network
            .pooled(images)
            .into_data()
            .assert_eq(&before.into_data(), true);
    }

    #[test]
    #[should_panic(expected = "needs 3 channels and exactly 32x32 pixels")]
    fn another_size_is_refused_at_the_entry() {
        let device = Device::flex();
        let network = HighwayNetConfig::new(1)
            .with_in_channels(3)
            .with_size([32, 32])
            .init(&device);
        network.forward(Tensor::zeros([1, 3, 32, 33], &device));
    }

    #[test]
    fn gates_are_read_out_per_layer_and_image() {
        let device = Device::flex();
        let images = Tensor::<4>::zeros([3, 1, 28, 28], &device);
        let network = HighwayNetConfig::new(2).with_gate_bias(-1.0).init(&device);
        let gates = network.mean_transform_gates(images.clone());
        let names: Vec<_> = gates.iter().map(|gate| gate.name.as_ref()).collect();
        assert_eq!(names, ["layers.0", "layers.1"]);
        for gate in gates {
            // A black image leaves only the biases: sigmoid(-1).
            let means: Vec<f32> = gate.mean.into_data().iter::<f32>().collect();
            assert_eq!(means.len(), 3);
            for mean in means {
                assert!((mean - 0.268_941_4).abs() < 1e-6, "{mean}");
            }
        }
        let plain = HighwayNetConfig::new(2)
            .with_gates(Gates::None)
            .init(&device);
        assert!(plain.transform_gates(images).is_empty());
    }
}
