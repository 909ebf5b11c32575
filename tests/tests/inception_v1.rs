//! GoogLeNet against torchvision's numbers and its paper's.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo::weights::{Checkpoint, Differences, Dtype, load, slots, to_safetensors};
use burn_zoo::{Classifier, FeatureMap, Head};
use burn_zoo_inception_v1::{
    CifarGoogLeNetConfig, GoogLeNet, GoogLeNetConfig, GoogLeNetPaperConfig,
};
use burn_zoo_tests::golden::{Golden, fixture, values};
use burn_zoo_tests::{relative_error, statistics, synthetic};
use serde::Deserialize;

/// f32 sums in another order over 22 layers.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;

/// torchvision's `transform_input`, per channel: from ImageNet's statistics to 0.5 and 0.5.
fn transform_input(images: Tensor<4>) -> Tensor<4> {
    let channel = |values: [f32; 3]| {
        let values = TensorData::new(values.to_vec(), [1, 3, 1, 1]);
        Tensor::<4>::from_data(values, &images.device())
    };
    let mean = channel([0.485, 0.456, 0.406]);
    let std = channel([0.229, 0.224, 0.225]);
    images * (std / 0.5) + (mean - 0.5) / 0.5
}

fn filled(golden: &Golden, config: GoogLeNetConfig, device: &Device) -> GoogLeNet {
    let model = config.init(device);
    let keys = model.keys();
    let checkpoint = golden.checkpoint("golden");
    load(
        model,
        "googlenet",
        &checkpoint,
        &keys,
        Differences::default(),
    )
    .unwrap()
}

fn check(name: &str, transform: fn(Tensor<4>) -> Tensor<4>) {
    let golden = Golden::read(name);
    let device = Device::flex();
    let model = filled(&golden, GoogLeNetConfig::new(), &device);

    let slots = slots(&model, &model.keys()).into_iter();
    let mut keys: Vec<_> = slots.map(|slot| (slot.key, slot.shape)).collect();
    let mut expected = golden.keys();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected, "{name}: keys and shapes");

    let summary = burn_zoo_graph::summarise(&model, 224, 224).unwrap();
    assert_eq!(summary.params, 6_624_904);
    assert_eq!(summary.params + summary.params_aux, 13_004_888);
    assert_eq!(golden.parameters, 13_004_888);
    assert_eq!(summary.macs, golden.macs, "{name}: multiply-accumulates");

    let input = transform(golden.input(&device));
    let error = relative_error(&values(model.forward(input.clone())), &golden.output);
    assert!(error < LOGITS, "{name}: logits differ by {error}");

    check_activations(name, &golden, &model.features(input));
}

fn check_activations(name: &str, golden: &Golden, maps: &[FeatureMap]) {
    for (tap, expected) in &golden.activations {
        let ours = |map: &&FeatureMap| map.name.replace('_', "") == tap.replace('_', "");
        let map = maps.iter().find(ours).unwrap();
        assert_eq!(map.map.dims().to_vec(), expected.shape, "{name}: {tap}");
        let (mean, std) = statistics(&values(map.map.clone()));
        let worst = (mean - expected.mean).abs().max((std - expected.std).abs()) / expected.std;
        assert!(
            worst < ACTIVATIONS,
            "{name}: {tap} differs by {worst} standard deviations"
        );
    }
}

#[test]
fn googlenet_is_the_references() {
    check("googlenet", |images| images);
}

#[test]
fn googlenet_with_transformed_input_is_the_references() {
    check("googlenet.transform_input", transform_input);
}

#[test]
fn a_file_with_auxiliary_heads_fits_a_network_without_them_only_if_asked() {
    let device = Device::flex();
    let golden = Golden::read("googlenet");
    let config = GoogLeNetConfig::new().with_aux_heads(false);
    let checkpoint = golden.checkpoint("file");
    let loaded = |differences: Differences<'_>| {
        let model = config.init(&device);
        let keys = model.keys();
        load(model, "googlenet", &checkpoint, &keys, differences)
    };
    let error = loaded(Differences::default()).unwrap_err().to_string();
    assert!(error.contains("18 unused (aux1."), "{error}");
    let asked = Differences {
        ignored: &["aux1.", "aux2."],
        kept: &[],
    };
    let model = loaded(asked).unwrap();
    let output = model.forward(golden.input(&device));
    let error = relative_error(&values(output), &golden.output);
    assert!(error < LOGITS, "logits differ by {error}");
}

/// Table 1 of the paper, "params" in units of 1024 (as its own sums come out) and "ops" in
/// millions. Left out where the paper contradicts its other columns: the operations of conv1 (34M
/// printed) and 5a (54M), and the parameters of conv1 (2.7K), 4c (463K) and 5a (1072K). `None` is
/// such a one.
const TABLE: [(&str, Option<f64>, Option<f64>); 11] = [
    ("conv2", Some(112.0), Some(360.0)),
    ("inception_3a", Some(159.0), Some(128.0)),
    ("inception_3b", Some(380.0), Some(304.0)),
    ("inception_4a", Some(364.0), Some(73.0)),
    ("inception_4b", Some(437.0), Some(88.0)),
    ("inception_4c", None, Some(100.0)),
    ("inception_4d", Some(580.0), Some(119.0)),
    ("inception_4e", Some(840.0), Some(170.0)),
    ("inception_5a", None, None),
    ("inception_5b", Some(1388.0), Some(71.0)),
    ("head", Some(1000.0), Some(1.0)),
];

#[test]
fn the_papers_network_costs_what_its_table_says() {
    let model = GoogLeNetPaperConfig::new().init(&Device::flex());
    let summary = burn_zoo_graph::summarise(&model, 224, 224).unwrap();
    assert_eq!(summary.params, 6_998_552);
    assert_eq!(summary.params_aux, 3_188_840 + 3_190_888);
    for (name, params, operations) in TABLE {
        let stage = summary.stages.iter().find(|stage| stage.name == name);
        let stage = stage.unwrap();
        let found = stage.params as f64 / 1024.0;
        if let Some(params) = params {
            let error = (found - params).abs() / params;
            assert!(error < 0.02, "{name}: {found}K, Table 1 has {params}K");
        }
        let found = stage.macs as f64 / 1e6;
        if let Some(operations) = operations {
            let error = (found - operations).abs();
            assert!(error < 1.0, "{name}: {found}M, Table 1 has {operations}M");
        }
    }
    let shape = |name: &str| {
        let stage = summary.stages.iter().find(|stage| stage.name == name);
        stage.unwrap().shape.clone()
    };
    assert_eq!(shape("conv1"), [64, 112, 112]);
    assert_eq!(shape("maxpool2"), [192, 28, 28]);
    assert_eq!(shape("inception_3b"), [480, 28, 28]);
    assert_eq!(shape("inception_4e"), [832, 14, 14]);
    assert_eq!(shape("inception_5b"), [1024, 7, 7]);
}

/// What `tools/reference/googlenet_paper.py` tells beside the other files' numbers.
#[derive(Deserialize)]
struct Paper {
    input_scale: f32,
    aux: BTreeMap<String, Vec<f32>>,
}

#[test]
fn the_papers_network_is_the_references() {
    let name = "googlenet_paper";
    let golden = Golden::read(name);
    let text = std::fs::read(fixture(&format!("golden/{name}.json"))).unwrap();
    let paper: Paper = serde_json::from_slice(&text).unwrap();
    let device = Device::flex();
    let model = GoogLeNetPaperConfig::new().init(&device);
    let keys = model.keys();
    let checkpoint = golden.checkpoint(name);
    let model = load(model, name, &checkpoint, &keys, Differences::default()).unwrap();
    let summary = burn_zoo_graph::summarise(&model, 224, 224).unwrap();
    assert_eq!(summary.params + summary.params_aux, golden.parameters);
    assert_eq!(summary.macs, golden.macs);

    let input = golden.input(&device) * paper.input_scale;
    for head in model.forward_train(input.clone()) {
        let expected = paper.aux.get(head.name).unwrap_or(&golden.output);
        let error = relative_error(&values(head.logits)[..expected.len()], expected);
        assert!(error < LOGITS, "{}: logits differ by {error}", head.name);
    }
    check_activations(name, &golden, &model.features(input));
}

#[test]
fn the_papers_network_comes_back_from_its_own_file() {
    let device = Device::flex();
    let config = GoogLeNetPaperConfig::new().with_num_classes(10);
    let model = config.init(&device);
    let bytes = to_safetensors(&model, &model.keys(), Dtype::F32).unwrap();
    let file = Checkpoint::from_bytes("ours", bytes).unwrap();
    let images = synthetic::image(3 * 80 * 80);
    let images = Tensor::from_data(TensorData::new(images, [1, 3, 80, 80]), &device);
    let keys = model.keys();
    let again = load(
        config.init(&device),
        "ours",
        &file,
        &keys,
        Differences::default(),
    )
    .unwrap();
    let logits = |heads: Vec<Head>| -> Vec<f32> {
        heads
            .into_iter()
            .flat_map(|head| values(head.logits))
            .collect()
    };
    let found = logits(again.forward_train(images.clone()));
    assert_eq!(found, logits(model.forward_train(images)));
    assert!(statistics(&found).1 > 1e-3, "the logits say nothing");
}

#[test]
fn the_small_network_is_small() {
    let config = CifarGoogLeNetConfig::new().with_in_channels(1);
    let model = config.init(&Device::flex());
    let summary = burn_zoo_graph::summarise(&model, 28, 28).unwrap();
    assert!((5_000_000..25_000_000).contains(&summary.macs));
    let keys = slots(&model, &model.keys());
    assert_eq!(keys[0].key, "conv1.conv.weight");
    assert_eq!(keys[5].key, "inception3a.branch1.conv.weight");
    assert_eq!(keys.last().unwrap().key, "fc.bias");
    assert_eq!((summary.params, summary.params_aux), (89_354, 0));
}

/// The first 64 of MNIST's training digits, one batch, and their labels.
fn digits(device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
    let read = |name: &str, header: usize, count: usize| {
        let path = fixture(&format!("../../assets/mnist/train-{name}.gz"));
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).unwrap();
        flate2::read::GzDecoder::new(file)
            .read_to_end(&mut bytes)
            .unwrap();
        bytes[header..header + count].to_vec()
    };
    let pixels = read("images-idx3-ubyte", 16, 64 * 28 * 28);
    let pixels = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0);
    let images = TensorData::new(pixels.collect(), [64, 1, 28, 28]);
    let labels = read("labels-idx1-ubyte", 8, 64);
    let labels = TensorData::new(labels.into_iter().map(i64::from).collect(), [64]);
    let images = Tensor::<4>::from_data(images, device);
    (
        (images - 0.1307) / 0.3081,
        Tensor::from_data(labels, device),
    )
}

#[test]
fn the_small_network_learns_64_digits() {
    let device = Device::flex().autodiff();
    device.seed(7);
    let config = CifarGoogLeNetConfig::new()
        .with_in_channels(1)
        .with_dropout(0.0);
    let mut model = config.init(&device);
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let (images, labels) = digits(&device);
    let mut mean = f32::INFINITY;
    for _epoch in 0..20 {
        let batches = images.clone().chunk(4, 0).into_iter();
        let mut sum = 0.0;
        for (images, labels) in batches.zip(labels.clone().chunk(4, 0)) {
            let loss = cross_entropy.forward(model.forward(images), labels);
            sum += values(loss.clone())[0];
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.05, model, gradients);
        }
        mean = sum / 4.0;
    }
    assert!(mean < 0.05, "64 digits are learned to a loss of {mean}");
}

#[derive(Deserialize)]
struct TrainRun {
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
fn googlenet_trains_as_in_pytorch_as_far_as_rounding_lets_it() {
    let text = std::fs::read(fixture("golden/train_googlenet.json")).unwrap();
    let run: TrainRun = serde_json::from_slice(&text).unwrap();
    let device = Device::flex().autodiff();
    let config = GoogLeNetConfig::new()
        .with_dropout(0.0)
        .with_aux_dropout(0.0);
    let mut model = filled(&Golden::read("googlenet"), config, &device);
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
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let close = |what: &str, found: f32, expected: f32, tolerance: f32| {
        let error = (found - expected).abs() / expected;
        assert!(error < tolerance, "{what}: {found}, expected {expected}");
    };

    for (step, &expected) in run.losses.iter().enumerate() {
        let heads = model.forward_train(images.clone());
        let mut sum = Tensor::<1>::zeros([1], &device);
        for head in heads {
            let loss = cross_entropy.forward(head.logits.clone(), labels.clone());
            if step == 0 {
                let part = values(loss.clone())[0];
                close(head.name, part, run.first_step.loss_parts[head.name], 1e-5);
                let expected = &run.first_step.logits[head.name];
                let error = relative_error(&values(head.logits)[..expected.len()], expected);
                assert!(error < 1e-3, "{}: logits differ by {error}", head.name);
            }
            sum = sum + loss * head.weight;
        }
        let tolerance = if step == 0 { 1e-5 } else { 5e-2 };
        close(
            &format!("loss of step {step}"),
            values(sum.clone())[0],
            expected,
            tolerance,
        );
        let gradients = GradientsParams::from_grads(sum.backward(), &model);
        if step == 0 {
            let mut collect = Collect {
                gradients: &gradients,
                found: HashMap::new(),
            };
            model.visit(&mut collect);
            let slots = slots(&model, &model.keys()).into_iter();
            let ids: HashMap<String, u64> = slots.map(|slot| (slot.key, slot.id)).collect();
            for (key, expected) in &run.first_step.gradients {
                let (mean, std) = statistics(&collect.found[&ids[key]]);
                let error = (mean - expected.mean).abs().max((std - expected.std).abs());
                assert!(error.is_finite(), "gradient of {key} is not finite");
                assert!(
                    error < 3e-2 * expected.std,
                    "gradient of {key} differs by {} standard deviations",
                    error / expected.std
                );
            }
        }
        model = optimizer.step(run.lr, model, gradients);
    }
}
