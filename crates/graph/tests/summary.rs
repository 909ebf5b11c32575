//! Costs of a small network, worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{Classifier, Error, FeatureMap, InputSpec};
use burn_zoo_graph::{Stage, summarise};

#[derive(Module, Debug)]
struct Small {
    conv: Conv2d,
    norm: BatchNorm,
    grouped: Conv2d,
    pool: AdaptiveAvgPool2d,
    linear: Linear,
    unused: Linear,
}

impl Small {
    fn new(device: &Device) -> Self {
        Self {
            conv: Conv2dConfig::new([3, 8], [3, 3])
                .with_bias(false)
                .init(device),
            norm: BatchNormConfig::new(8).init(device),
            grouped: Conv2dConfig::new([8, 6], [1, 1])
                .with_groups(2)
                .init(device),
            pool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            linear: LinearConfig::new(6, 5).init(device),
            unused: LinearConfig::new(6, 7).init(device),
        }
    }
}

impl Classifier for Small {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.linear.forward(self.pooled(images))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        let first = relu(self.norm.forward(self.conv.forward(images)));
        let second = self.grouped.forward(first.clone());
        vec![
            FeatureMap {
                name: "first".into(),
                map: first,
            },
            FeatureMap {
                name: "second".into(),
                map: second,
            },
        ]
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.features(images).pop().unwrap().map;
        self.pool.forward(map).flatten(1, 3)
    }

    fn input(&self) -> InputSpec {
        InputSpec {
            channels: 3,
            size: [10, 12],
            min_size: [3, 3],
            max_size: None,
        }
    }

    fn num_classes(&self) -> usize {
        5
    }

    fn with_classes(self, _classes: usize) -> Self {
        self
    }
}

#[test]
fn stages_cost_what_they_cost_by_hand() {
    let device = Device::flex();
    let model = Small::new(&device);
    let summary = summarise(&model, 10, 12).unwrap();
    let stage = |name: &str, shape: &[usize], params, macs| Stage {
        name: name.to_owned(),
        shape: shape.to_vec(),
        params,
        macs,
    };
    // 8 x 10 pixels remain. 8*3*9 weights, 8 + 8 of the norm; 6*4 weights and 6 biases in two
    // groups; 6*5 + 5. The unused layer has 6*7 + 7.
    let expected = [
        stage("first", &[8, 8, 10], 216 + 16, 80 * 216),
        stage("second", &[6, 8, 10], 24 + 6, 80 * 24),
        stage("head", &[5], 35, 30),
    ];
    assert_eq!(summary.stages, expected);
    assert_eq!((summary.params, summary.params_aux), (297, 49));
    assert_eq!(summary.macs, 80 * 240 + 30);
}

#[test]
fn the_model_computes_the_same_after_it_was_recorded() {
    let device = Device::flex();
    let model = Small::new(&device);
    let input = Tensor::<4>::ones([1, 3, 10, 12], &device);
    let before = model.forward(input.clone()).into_data();
    summarise(&model, 10, 12).unwrap();
    assert_eq!(model.forward(input).into_data(), before);
}

#[test]
fn recordings_on_several_threads_do_not_disturb_each_other() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let model = Small::new(&Device::flex());
                assert_eq!(summarise(&model, 10, 12).unwrap().params, 297);
            });
        }
    });
}

#[test]
fn an_input_that_does_not_fit_is_an_error() {
    let error = summarise(&Small::new(&Device::flex()), 2, 12).unwrap_err();
    assert!(matches!(error, Error::Input { .. }), "{error}");
}
