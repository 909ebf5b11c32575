//! The first steps of training against PyTorch's.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo::{AnyClassifier, Classifier};
use burn_zoo_tests::golden::{Golden, fixture, values};
use burn_zoo_tests::{statistics, synthetic};
use serde::Deserialize;

#[derive(Deserialize)]
struct Run {
    input_shape: [usize; 4],
    classes: usize,
    lr: f64,
    weight_decay: f32,
    losses: Vec<f32>,
    first_step: FirstStep,
}

#[derive(Deserialize)]
struct FirstStep {
    gradients: BTreeMap<String, Gradient>,
}

#[derive(Deserialize)]
struct Gradient {
    mean: f64,
    std: f64,
}

/// Collects gradients by parameter.
struct Collect<'a> {
    gradients: &'a GradientsParams,
    found: HashMap<u64, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let id: ParamId = param.id;
        if let Some(gradient) = self.gradients.get::<D>(id) {
            self.found.insert(id.val(), values(gradient));
        }
    }
}

fn losses_and_worst_gradient(name: &str) -> (Vec<f32>, Vec<f32>, f64) {
    let text = std::fs::read(fixture(&format!("golden/train_{name}.json"))).unwrap();
    let run: Run = serde_json::from_slice(&text).unwrap();
    let device = Device::flex().autodiff();
    let checkpoint = Golden::read(name).checkpoint(name);
    let mut model: AnyClassifier = burn_zoo::load(name, &checkpoint, &device).unwrap();
    let [batch, ..] = run.input_shape;
    let images = synthetic::image(run.input_shape.iter().product());
    let images = Tensor::<4>::from_data(TensorData::new(images, run.input_shape), &device);
    let labels: Vec<i64> = (0..batch)
        .map(|i| ((7 * i + 3) % run.classes) as i64)
        .collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [batch]), &device);
    let mut optimizer = SgdConfig::new()
        .with_momentum(Some(
            MomentumConfig::new().with_momentum(0.9).with_dampening(0.0),
        ))
        .with_weight_decay(Some(WeightDecayConfig::new(run.weight_decay)))
        .init();

    let (mut losses, mut worst) = (Vec::new(), 0.0_f64);
    for step in 0..run.losses.len() {
        let logits = model.forward(images.clone());
        let loss = CrossEntropyLossConfig::new()
            .init(&device)
            .forward(logits, labels.clone());
        losses.push(values(loss.clone())[0]);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        if step == 0 {
            let mut collect = Collect {
                gradients: &gradients,
                found: HashMap::new(),
            };
            model.visit(&mut collect);
            let slots = model.slots().into_iter();
            let ids: HashMap<String, u64> = slots.map(|slot| (slot.key, slot.id)).collect();
            for (key, expected) in &run.first_step.gradients {
                // PyTorch's matrices are transposed, which changes neither statistic.
                let found = &collect.found[&ids[key]];
                let (mean, std) = statistics(found);
                let error = (mean - expected.mean).abs().max((std - expected.std).abs());
                assert!(error.is_finite(), "gradient of {key} is not finite");
                worst = worst.max(error / expected.std);
            }
        }
        model = optimizer.step(run.lr, model, gradients);
    }
    (losses, run.losses, worst)
}

#[test]
fn resnet20_trains_as_in_pytorch() {
    let (losses, expected, worst) = losses_and_worst_gradient("resnet20_cifar");
    for (step, (found, expected)) in losses.iter().zip(&expected).enumerate() {
        let error = (found - expected).abs() / expected;
        assert!(
            error < 1e-3,
            "loss of step {step}: {found}, expected {expected}"
        );
    }
    assert!(
        worst < 1e-3,
        "gradients differ by {worst} standard deviations"
    );
}

#[test]
fn plain20_trains_as_in_pytorch_as_far_as_rounding_lets_it() {
    let (losses, expected, worst) = losses_and_worst_gradient("plain20_cifar");
    let error = |step: usize| (losses[step] - expected[step]).abs() / expected[step];
    assert!(error(0) < 1e-5, "first loss differs by {}", error(0));
    assert!(error(1) < 5e-2, "second loss differs by {}", error(1));
    assert!(
        worst < 3e-2,
        "gradients differ by {worst} standard deviations"
    );
}
