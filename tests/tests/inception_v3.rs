//! Inception v3 against torchvision's numbers.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo_core::weights::{Differences, load, slots};
use burn_zoo_core::{Classifier, Head};
use burn_zoo_inception_v3::{CifarInceptionV3Config, InceptionV3, InceptionV3Config, PoolPadding};
use burn_zoo_tests::golden::{Golden, fixture, values};
use burn_zoo_tests::{relative_error, statistics, synthetic};
use serde::Deserialize;

/// f32 sums in another order over 48 layers.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;

/// The reference's names of our stages.
const STAGES: [(&str, &str); 8] = [
    ("Conv2d_1a_3x3", "conv2d_1a_3x3"),
    ("maxpool2", "maxpool_5a_3x3"),
    ("Mixed_5b", "mixed_5b"),
    ("Mixed_5d", "mixed_5d"),
    ("Mixed_6a", "mixed_6a"),
    ("Mixed_6e", "mixed_6e"),
    ("Mixed_7a", "mixed_7a"),
    ("Mixed_7c", "mixed_7c"),
];

fn model(name: &str, config: &InceptionV3Config, device: &Device) -> InceptionV3 {
    let model = config.init(device);
    let keys = model.keys();
    let checkpoint = Golden::read(name).checkpoint(name);
    load(
        model,
        "inception_v3",
        &checkpoint,
        &keys,
        Differences::default(),
    )
    .unwrap()
}

fn check(name: &str, input: impl FnOnce(Tensor<4>) -> Tensor<4>) {
    let golden = Golden::read(name);
    let device = Device::flex();
    let model = model(name, &InceptionV3Config::new(), &device);

    let slots = slots(&model, &model.keys()).into_iter();
    let mut keys: Vec<_> = slots.map(|slot| (slot.key, slot.shape)).collect();
    let mut expected = golden.keys();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected, "{name}: keys and shapes");

    let [_, _, height, width] = golden.input_shape;
    let summary = burn_zoo_graph::summarise(&model, height, width).unwrap();
    assert_eq!(
        (summary.params, summary.params_aux),
        (23_834_568, golden.parameters - 23_834_568),
        "{name}: parameters"
    );
    assert_eq!(golden.parameters, 27_161_264);
    assert_eq!(summary.macs, golden.macs, "{name}: multiply-accumulates");

    let input = input(golden.input(&device));
    let error = relative_error(&values(model.forward(input.clone())), &golden.output);
    assert!(error < LOGITS, "{name}: logits differ by {error}");

    let maps = model.features(input);
    for (tap, expected) in &golden.activations {
        let (_, ours) = STAGES.iter().find(|(theirs, _)| theirs == tap).unwrap();
        let map = &maps.iter().find(|stage| stage.name == *ours).unwrap().map;
        assert_eq!(
            map.dims().to_vec(),
            expected.shape,
            "{name}: shape of {tap}"
        );
        let (mean, std) = statistics(&values(map.clone()));
        let worst = (mean - expected.mean).abs().max((std - expected.std).abs()) / expected.std;
        assert!(
            worst < ACTIVATIONS,
            "{name}: {tap} differs by {worst} standard deviations"
        );
    }
}

#[test]
fn inception_v3_is_the_references() {
    check("inception_v3", |input| input);
}

#[test]
fn transform_input_is_a_row_of_preprocessing() {
    // torchvision undoes ImageNet's statistics and applies 0.5 and 0.5.
    check("inception_v3.transform_input", |input| {
        let device = input.device();
        let row =
            |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
        let std = row([0.229, 0.224, 0.225].map(|std| std / 0.5));
        let mean = row([0.485, 0.456, 0.406].map(|mean| (mean - 0.5) / 0.5));
        input * std + mean
    });
}

#[test]
fn pools_that_do_not_count_padding_divide_by_what_is_there() {
    let device = Device::flex();
    let name = "inception_v3";
    let counted = InceptionV3Config::new();
    let not_counted = InceptionV3Config::new().with_pool_padding(PoolPadding::NotCounted);
    let input = Golden::read(name).input(&device);
    let [first, second] = [counted, not_counted].map(|config| {
        let maps = model(name, &config, &device).features(input.clone());
        let stage = maps.into_iter().find(|stage| stage.name == "mixed_5b");
        stage.unwrap().map
    });
    let differs = (first - second).abs().max_dim(1).reshape([35, 35]);
    let differs = values(differs);
    for (pixel, difference) in differs.iter().enumerate() {
        let [row, column] = [pixel / 35, pixel % 35];
        let border = [row, column].iter().any(|place| [0, 34].contains(place));
        assert_eq!(
            *difference > 1e-3,
            border,
            "at {row}, {column}: {difference}"
        );
    }
}

#[test]
fn a_network_without_heads_takes_the_file_only_where_asked_to() {
    let device = Device::flex();
    let name = "inception_v3";
    let checkpoint = Golden::read(name).checkpoint(name);
    let config = InceptionV3Config::new().with_aux_heads(false);
    let keys = config.init(&device).keys();
    let strict = load(
        config.init(&device),
        name,
        &checkpoint,
        &keys,
        Differences::default(),
    );
    let message = strict.unwrap_err().to_string();
    assert!(message.contains("unused (AuxLogits.conv0"), "{message}");
    let differences = Differences {
        ignored: &["AuxLogits."],
        ..Differences::default()
    };
    load(config.init(&device), name, &checkpoint, &keys, differences).unwrap();
}

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

#[test]
fn inception_v3_trains_as_in_pytorch_as_far_as_rounding_lets_it() {
    let text = std::fs::read(fixture("golden/train_inception_v3.json")).unwrap();
    let run: Run = serde_json::from_slice(&text).unwrap();
    let device = Device::flex().autodiff();
    let config = InceptionV3Config::new().with_dropout(0.0);
    let mut model = model("inception_v3", &config, &device);
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

    for (step, expected) in run.losses.iter().enumerate() {
        let heads = model.forward_train(images.clone());
        let part = |head: &Head| {
            let loss = CrossEntropyLossConfig::new().init(&device);
            loss.forward(head.logits.clone(), labels.clone())
        };
        let loss = heads.iter().fold(Tensor::zeros([1], &device), |sum, head| {
            sum + part(head).mul_scalar(head.weight)
        });
        let found = values(loss.clone())[0];
        let error = (found - expected).abs() / expected;
        let tolerance = if step == 0 { 1e-5 } else { 5e-2 };
        assert!(
            error < tolerance,
            "loss of step {step}: {found}, expected {expected}"
        );

        if step == 0 {
            for (head, theirs) in heads.iter().zip(["main", "aux"]) {
                let expected = run.first_step.loss_parts[theirs];
                let error = (values(part(head))[0] - expected).abs() / expected;
                assert!(error < 1e-5, "the loss of {theirs} differs by {error}");
                let logits = &values(head.logits.clone())[..64];
                let error = relative_error(logits, &run.first_step.logits[theirs]);
                assert!(error < 1e-3, "the logits of {theirs} differ by {error}");
            }
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        if step == 0 {
            let mut collect = Collect {
                gradients: &gradients,
                found: HashMap::new(),
            };
            model.visit(&mut collect);
            let slots = slots(&model, &model.keys()).into_iter();
            let ids: HashMap<String, u64> = slots.map(|slot| (slot.key, slot.id)).collect();
            let mut worst = 0.0_f64;
            for (key, expected) in &run.first_step.gradients {
                let found = &collect.found[&ids[key]];
                let (mean, std) = statistics(found);
                let error = (mean - expected.mean).abs().max((std - expected.std).abs());
                assert!(error.is_finite(), "gradient of {key} is not finite");
                worst = worst.max(error / expected.std);
            }
            assert!(
                worst < 3e-2,
                "gradients differ by {worst} standard deviations"
            );
        }
        model = optimizer.step(run.lr, model, gradients);
    }
}

#[test]
fn the_small_variant_is_small() {
    let model = CifarInceptionV3Config::new()
        .with_in_channels(1)
        .init(&Device::flex());
    let summary = burn_zoo_graph::summarise(&model, 28, 28).unwrap();
    assert!(summary.params < 400_000, "{} parameters", summary.params);
    assert!(
        (5_000_000..25_000_000).contains(&summary.macs),
        "{} multiply-accumulates",
        summary.macs
    );
}
