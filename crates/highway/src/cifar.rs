//! The convolutional networks for CIFAR: section 3.3 of Srivastava et al. 2015.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{
    Classifier, FeatureMap, InputSpec, convolve, global_average, max_pool, relu, with_outputs,
};
use serde::{Deserialize, Serialize};

use crate::blocks::{
    Activation, ConvHighwayLayer, ConvHighwayLayerConfig, GLOROT, bias, same_conv,
};
use crate::gates::{GateMean, means};

/// Rows of Table 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variant {
    /// Highway A, 11 layers.
    A,
    /// Highway B, 19 layers.
    B,
    /// Highway C, 32 layers.
    C,
}

/// What a row of Table 2 is made of.
struct Row {
    /// Channels and number of highway layers of each stage.
    stages: [(usize, usize); 3],
    /// Kernels of a stage's highway layers, by turns.
    kernels: &'static [usize],
    /// Maps of the 1x1 convolution before the classifier.
    hidden: usize,
}

impl Variant {
    /// Layers: those of the stages, a plain convolution in each, the 1x1 and the classifier.
    const fn row(self) -> Row {
        match self {
            Self::A => Row {
                stages: [(16, 2), (32, 2), (64, 2)],
                kernels: &[3],
                hidden: 250,
            },
            Self::B => Row {
                stages: [(32, 4), (80, 5), (128, 5)],
                kernels: &[3],
                hidden: 100,
            },
            Self::C => Row {
                stages: [(32, 9), (64, 9), (96, 9)],
                kernels: &[1, 3],
                hidden: 100,
            },
        }
    }
}

/// Configuration of [`HighwayConvNet`].
#[derive(Config, Debug)]
pub struct HighwayConvNetConfig {
    /// Row of Table 2.
    pub variant: Variant,
    /// Outputs of the last layer.
    #[config(default = "10")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Where the transform gates' biases begin: see
    /// [`ConvHighwayLayerConfig::gate_bias`].
    #[config(default = "-2.0")]
    pub gate_bias: f64,
    /// Probability of dropping a value in training: of the image, after each pool and before the
    /// classifier (the authors' Caffe file; the paper does not mention it).
    #[config(default = "0.2")]
    pub drop_prob: f64,
}

impl HighwayConvNetConfig {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> HighwayConvNet {
        let row = self.variant.row();
        let before_relu = Activation::Relu.initializer();
        let mut channels = self.in_channels;
        let [stage1, stage2, stage3] = row.stages.map(|(width, layers)| {
            let conv = same_conv([channels, width], 3, before_relu.clone(), 0.0, device);
            channels = width;
            let kernels = row.kernels.iter().cycle().take(layers);
            let layer = |&kernel: &usize| {
                ConvHighwayLayerConfig::new(width)
                    .with_kernel(kernel)
                    .with_gate_bias(self.gate_bias)
                    .init(device)
            };
            HighwayStage {
                conv,
                layers: kernels.map(layer).collect(),
            }
        });
        let mut output = LinearConfig::new(row.hidden, self.num_classes)
            .with_initializer(GLOROT)
            .init(device);
        output.bias = bias(self.num_classes, 0.0, device);
        HighwayConvNet {
            stage1,
            stage2,
            stage3,
            max_pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            hidden: same_conv([channels, row.hidden], 1, before_relu, 0.0, device),
            dropout: DropoutConfig::new(self.drop_prob).init(),
            output,
            input: InputSpec::small(self.in_channels, 4),
        }
    }
}

/// A plain convolution that changes the channels, then highway layers.
///
/// `[batch, in, height, width] -> [batch, out, height, width]`
#[derive(Module, Debug)]
pub struct HighwayStage {
    conv: Conv2d,
    layers: Vec<ConvHighwayLayer>,
}

/// A convolutional highway network for images of 32x32 pixels, or 28x28 grey ones.
///
/// `[batch, 3, 32, 32] -> [batch, 10]` by default; any size of at least 4 pixels does.
#[derive(Module, Debug)]
pub struct HighwayConvNet {
    stage1: HighwayStage,
    stage2: HighwayStage,
    stage3: HighwayStage,
    max_pool: MaxPool2d,
    hidden: Conv2d,
    dropout: Dropout,
    output: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl HighwayConvNet {
    /// Nobody published weights: our paths are the keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        Vec::new()
    }

    /// `T(x)` of each highway layer, shallow to deep, `[batch, channels, height, width]`, named
    /// `conv2`, `conv3`, ... as in the authors' Caffe file, which numbers all convolutions.
    ///
    /// # Panics
    ///
    /// As [`Classifier::forward`].
    pub fn transform_gates(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.run(images).1
    }

    /// How open each layer's transform gate is for each image.
    ///
    /// # Panics
    ///
    /// As [`Classifier::forward`].
    pub fn mean_transform_gates(&self, images: Tensor<4>) -> Vec<GateMean> {
        means(self.transform_gates(images))
    }

    /// Outputs of the stages, and transform gates of their layers.
    fn run(&self, images: Tensor<4>) -> (Vec<FeatureMap>, Vec<FeatureMap>) {
        self.input.assert(&images);
        let (mut maps, mut gates) = (Vec::new(), Vec::new());
        let mut number = 0;
        let mut map = self.dropout.forward(images);
        for (name, stage) in [
            ("stage1", &self.stage1),
            ("stage2", &self.stage2),
            ("stage3", &self.stage3),
        ] {
            if !maps.is_empty() {
                map = self.dropout.forward(max_pool(&self.max_pool, map));
            }
            map = relu(convolve(&stage.conv, map));
            number += 1;
            for layer in &stage.layers {
                let (output, gate) = layer.step(map);
                map = output;
                number += 1;
                gates.extend(gate.map(|gate| FeatureMap::new(format!("conv{number}"), gate)));
            }
            maps.push(FeatureMap::new(name, map.clone()));
        }
        (maps, gates)
    }
}

impl Classifier for HighwayConvNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let pooled = self.dropout.forward(self.pooled(images));
        self.output.forward(pooled)
    }

    /// `stage1`, `stage2`, `stage3`: what each pool, and the 1x1 convolution, takes in.
    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.run(images).0
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        let last = self.features(images).pop().expect("there are three stages");
        let hidden = relu(convolve(&self.hidden, last.map));
        global_average(hidden)
    }

    fn input(&self) -> InputSpec {
        self.input
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
    fn the_rows_of_table_2_have_their_layers_and_about_their_parameters() {
        let device = Device::flex();
        // Layers and parameters as published, and our parameters.
        let rows = [
            (Variant::A, 11, 236e3, 236_328),
            (Variant::B, 19, 2.3e6, 2_256_838),
            (Variant::C, 32, 1.25e6, 1_264_502),
        ];
        for (variant, layers, published, expected) in rows {
            let network = HighwayConvNetConfig::new(variant).init(&device);
            let slots = slots(&network, &network.keys());
            let weights = slots.iter().filter(|slot| slot.path.ends_with("weight"));
            let gates = slots
                .iter()
                .filter(|slot| slot.path.ends_with("gate.weight"));
            assert_eq!(weights.count() - gates.count(), layers, "{variant:?}");
            let found: usize = slots
                .iter()
                .map(|s| s.shape.iter().product::<usize>())
                .sum();
            assert_eq!(found, expected, "{variant:?}");
            let off = (found as f64 - published).abs() / published;
            assert!(off < 0.02, "{variant:?} is {off} off the published size");
        }
    }

    #[test]
    fn four_pixels_are_the_smallest_image_with_an_output_everywhere() {
        let device = Device::flex();
        let network = HighwayConvNetConfig::new(Variant::A)
            .with_in_channels(1)
            .init(&device);
        assert_eq!(network.input().min_size, [4, 4]);
        let stages = network.features(Tensor::zeros([1, 1, 4, 4], &device));
        let shapes: Vec<_> = stages.iter().map(|stage| stage.map.dims()).collect();
        assert_eq!(shapes, [[1, 16, 4, 4], [1, 32, 2, 2], [1, 64, 1, 1]]);
        // The third stage has one pixel: of one less the pools would leave it none.
        assert!(network.input().check([1, 1, 3, 4]).is_err());
    }

    #[test]
    fn gates_have_the_names_of_the_authors_file() {
        let device = Device::flex();
        let network = HighwayConvNetConfig::new(Variant::B)
            .with_gate_bias(-4.0)
            .init(&device);
        let images = Tensor::<4>::zeros([2, 3, 8, 8], &device);
        let gates = network.mean_transform_gates(images.clone());
        let names: Vec<_> = gates.iter().map(|gate| gate.name.as_ref()).collect();
        let expected = [2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17];
        assert_eq!(names, expected.map(|number| format!("conv{number}")));
        for gate in gates {
            // A black image leaves only the biases: sigmoid(-4).
            for mean in gate.mean.into_data().iter::<f32>() {
                assert!((mean - 0.017_986_21).abs() < 1e-6, "{}: {mean}", gate.name);
            }
        }
        let raw = network.transform_gates(images);
        assert_eq!(raw[4].map.dims(), [2, 80, 4, 4]);
    }
}
