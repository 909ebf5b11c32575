//! The first steps of training against PyTorch's.

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Int, Tensor, TensorData};
use burn_zoo::Classifier;
use burn_zoo::weights::Slot;
use serde::Deserialize;

use crate::golden::{fixture, values};
use crate::{relative_error, statistics, synthetic};

/// `golden/train_<model>.json`; `tools/reference/train.py` writes it.
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
    logits: BTreeMap<String, Vec<f32>>,
    loss_parts: BTreeMap<String, f32>,
    gradients: BTreeMap<String, Gradient>,
}

impl FirstStep {
    /// torchvision calls the only auxiliary head `aux`.
    fn of<'a, T>(rows: &'a BTreeMap<String, T>, head: &str) -> &'a T {
        let row = rows.get(head).or_else(|| rows.get("aux"));
        row.expect("PyTorch ran every head")
    }
}

#[derive(Deserialize)]
struct Gradient {
    mean: f64,
    std: f64,
}

/// How far the first steps are from PyTorch's.
#[derive(Clone, Debug)]
pub struct Errors {
    /// Of the loss before each step, relative.
    pub losses: Vec<f32>,
    /// Greatest of each head's part of the first loss, relative.
    pub parts: f32,
    /// Greatest of each head's first logits, relative to the greatest logit.
    pub logits: f32,
    /// Greatest of the mean and standard deviation of each first gradient, in units of the
    /// reference's standard deviation.
    pub gradients: f64,
}

/// Trains the network of `golden/train_<name>.json`, filled with the golden weights, on the
/// device it is on.
///
/// # Panics
///
/// If the golden file does not belong to the network, or a value is not finite.
pub fn errors<M: Classifier>(name: &str, model: M, slots: Vec<Slot>) -> Errors {
    let text = std::fs::read(fixture(&format!("golden/train_{name}.json")));
    let run: Run = serde_json::from_slice(&text.expect("the file is there")).expect("its form");
    let device = model.devices().pop().expect("a network has parameters");
    let [batch, ..] = run.input_shape;
    let images = synthetic::image(run.input_shape.iter().product());
    let images = Tensor::<4>::from_data(TensorData::new(images, run.input_shape), &device);
    let labels: Vec<i64> = (0..batch)
        .map(|i| ((7 * i + 3) % run.classes) as i64)
        .collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [batch]), &device);
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let mut optimizer = SgdConfig::new()
        .with_momentum(Some(momentum))
        .with_weight_decay(Some(WeightDecayConfig::new(run.weight_decay)))
        .init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);

    let mut model = model;
    let mut errors = Errors {
        losses: Vec::new(),
        parts: 0.0,
        logits: 0.0,
        gradients: 0.0,
    };
    for (step, expected) in run.losses.iter().enumerate() {
        let mut sum = Tensor::<1>::zeros([1], &device);
        for head in model.forward_train(images.clone()) {
            let part = cross_entropy.forward(head.logits.clone(), labels.clone());
            if step == 0 {
                let expected = *FirstStep::of(&run.first_step.loss_parts, head.name);
                let error = relative_error(&values(part.clone()), &[expected]);
                errors.parts = errors.parts.max(error);
                let expected = FirstStep::of(&run.first_step.logits, head.name);
                let error = relative_error(&values(head.logits)[..expected.len()], expected);
                errors.logits = errors.logits.max(error);
            }
            sum = sum + part * head.weight;
        }
        let loss = values(sum.clone());
        errors.losses.push(relative_error(&loss, &[*expected]));
        let gradients = GradientsParams::from_grads(sum.backward(), &model);
        if step == 0 {
            errors.gradients = worst(&model, &gradients, &slots, &run.first_step.gradients);
        }
        model = optimizer.step(run.lr, model, gradients);
    }
    println!("{name}: {errors:?}");
    errors
}

fn worst<M: Module>(
    model: &M,
    gradients: &GradientsParams,
    slots: &[Slot],
    expected: &BTreeMap<String, Gradient>,
) -> f64 {
    let mut collect = Collect {
        gradients,
        found: HashMap::new(),
    };
    model.visit(&mut collect);
    let of_key = |key: &str| {
        let slot = slots.iter().find(|slot| slot.key == key);
        &collect.found[&slot.expect("the golden keys are ours").id]
    };
    let mut worst = 0.0_f64;
    for (key, expected) in expected {
        // PyTorch's matrices are transposed, which changes neither statistic.
        let (mean, std) = statistics(of_key(key));
        let error = (mean - expected.mean).abs().max((std - expected.std).abs());
        assert!(error.is_finite(), "gradient of {key} is not finite");
        worst = worst.max(error / expected.std);
    }
    worst
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
