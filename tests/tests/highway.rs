//! Highway networks against the reference's numbers, and on a few real digits.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Write as _};
use std::path::Path;

use burn::backend::ir::{ModuleOperationIr, OperationIr};
use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo::Classifier;
use burn_zoo::weights::{Checkpoint, Differences, Dtype, load, save, slots};
use burn_zoo_highway::{
    Activation, ConvHighwayLayerConfig, HighwayConvNetConfig, HighwayNet, HighwayNetConfig, Variant,
};
use burn_zoo_tests::golden::{Golden, fixture, values};
use burn_zoo_tests::{relative_error, statistics, synthetic};
use burn_zoo_train::{Dataset, Recipe, Run, evaluate, train};
use serde::Deserialize;

/// f32 sums in another order.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;
/// Losses relative, gradients in units of the reference's standard deviation.
const TRAINING: f64 = 1e-3;

fn sorted(mut keys: Vec<(String, Vec<usize>)>) -> Vec<(String, Vec<usize>)> {
    keys.sort();
    keys
}

fn keys<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    let slots = slots(module, &[]).into_iter();
    sorted(slots.map(|slot| (slot.key, slot.shape)).collect())
}

fn check(name: &str, config: &HighwayNetConfig) {
    let golden = Golden::read(name);
    let device = Device::flex();
    let model = config.init(&device);
    let rows = model.keys();
    let checkpoint = golden.checkpoint(name);
    let model = load(model, name, &checkpoint, &rows, Differences::default()).unwrap();
    assert!(rows.is_empty(), "our paths are the reference's keys");
    assert_eq!(keys(&model), sorted(golden.keys()), "{name}: keys, shapes");

    let [_, _, height, width] = golden.input_shape;
    let summary = burn_zoo_graph::summarise(&model, height, width).unwrap();
    assert_eq!(
        (summary.params, summary.params_aux, summary.macs),
        (golden.parameters, 0, golden.macs),
        "{name}: parameters and multiply-accumulates"
    );
    let stages = &summary.stages;
    assert_eq!(stages.len(), config.num_layers + 2);
    assert_eq!((stages[0].params, stages[0].macs), (39_250, 39_200));
    for stage in &stages[1..=config.num_layers] {
        assert_eq!((stage.params, stage.macs), (5_100, 5_000), "{}", stage.name);
    }

    let input = golden.input(&device);
    let error = relative_error(&values(model.forward(input.clone())), &golden.output);
    assert!(error < LOGITS, "{name}: logits differ by {error}");

    let maps = model.features(input);
    for (tap, expected) in &golden.activations {
        let map = maps.iter().find(|map| map.name == tap).unwrap();
        let dims = map.map.dims();
        assert_eq!((&dims[..2], &dims[2..]), (&expected.shape[..], &[1, 1][..]));
        let (mean, std) = statistics(&values(map.map.clone()));
        let worst = (mean - expected.mean).abs().max((std - expected.std).abs()) / expected.std;
        assert!(worst < ACTIVATIONS, "{name}: {tap} differs by {worst}");
    }
}

#[test]
fn highway_fc10_is_the_references() {
    check("highway_fc10", &HighwayNetConfig::new(10));
}

#[test]
fn highway_fc50_tanh_is_the_references() {
    let config = HighwayNetConfig::new(50).with_activation(Activation::Tanh);
    check("highway_fc50_tanh", &config);
}

#[test]
fn a_convolutional_layer_is_the_references() {
    let golden = Golden::read("highway_conv");
    let device = Device::flex();
    let layer = ConvHighwayLayerConfig::new(16).init(&device);
    let checkpoint = golden.checkpoint("highway_conv");
    let layer = load(layer, "layer", &checkpoint, &[], Differences::default()).unwrap();
    let found = keys(&layer);
    assert_eq!(found, sorted(golden.keys()));
    let sizes = found
        .iter()
        .map(|(_, shape)| shape.iter().product::<usize>());
    assert_eq!(sizes.sum::<usize>(), golden.parameters);

    let recording = burn_zoo_graph::record(&layer, golden.input_shape, |layer, input| {
        vec![layer.forward(input)]
    });
    let macs = |operation: &OperationIr| match operation {
        OperationIr::Module(ModuleOperationIr::Conv2d(conv)) => {
            let kernel = conv.weight.shape[1..].iter().product::<usize>();
            conv.out.shape.iter().product::<usize>() * kernel
        }
        _ => 0,
    };
    let macs: usize = recording.operations.iter().map(macs).sum();
    assert_eq!(macs as u64, golden.macs);

    let error = relative_error(
        &values(layer.forward(golden.input(&device))),
        &golden.output,
    );
    assert!(error < LOGITS, "differs by {error}");
}

#[derive(Deserialize)]
struct Golds {
    input_shape: [usize; 4],
    classes: usize,
    lr: f64,
    weight_decay: f32,
    losses: Vec<f64>,
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
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.found.insert(param.id.val(), values(gradient));
        }
    }
}

#[test]
fn highway_fc10_trains_as_in_pytorch() {
    let text = std::fs::read(fixture("golden/train_highway_fc10.json")).unwrap();
    let run: Golds = serde_json::from_slice(&text).unwrap();
    let device = Device::flex().autodiff();
    let name = "highway_fc10";
    let checkpoint = Golden::read(name).checkpoint(name);
    let model = HighwayNetConfig::new(10).init(&device);
    let mut model = load(model, name, &checkpoint, &[], Differences::default()).unwrap();
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
    for (step, expected) in run.losses.iter().enumerate() {
        let criterion = CrossEntropyLossConfig::new().init(&device);
        let loss = criterion.forward(model.forward(images.clone()), labels.clone());
        let found = f64::from(values(loss.clone())[0]);
        let error = (found - expected).abs() / expected;
        assert!(error < TRAINING, "step {step}: {found}, not {expected}");
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        if step == 0 {
            let mut collect = Collect {
                gradients: &gradients,
                found: HashMap::new(),
            };
            model.visit(&mut collect);
            let slots = slots(&model, &[]).into_iter();
            let ids: HashMap<String, u64> = slots.map(|slot| (slot.key, slot.id)).collect();
            assert_eq!(ids.len(), run.first_step.gradients.len());
            for (key, expected) in &run.first_step.gradients {
                // PyTorch's matrices are transposed, which changes neither statistic.
                let (mean, std) = statistics(&collect.found[&ids[key]]);
                let error = (mean - expected.mean).abs().max((std - expected.std).abs());
                assert!(
                    error < TRAINING * expected.std,
                    "gradient of {key} differs by {error}"
                );
            }
        }
        model = optimizer.step(run.lr, model, gradients);
    }
}

/// The first 64 training digits as a data set of their own, its test split the same images.
fn digits(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/mnist");
    for (name, header, each) in [
        ("images-idx3-ubyte", 16, 28 * 28),
        ("labels-idx1-ubyte", 8, 1),
    ] {
        let file = std::fs::File::open(source.join(format!("train-{name}.gz"))).unwrap();
        let mut bytes = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(file);
        decoder.read_to_end(&mut bytes).unwrap();
        bytes.truncate(header + 64 * each);
        bytes[4..8].copy_from_slice(&64_u32.to_be_bytes());
        for split in ["train", "t10k"] {
            let mut file = std::fs::File::create(folder.join(format!("{split}-{name}"))).unwrap();
            file.write_all(&bytes).unwrap();
        }
    }
}

#[test]
fn highway_fc10_learns_64_digits_by_heart_and_its_file_loads() {
    let folder = tempfile::tempdir().unwrap();
    digits(folder.path());
    let text = format!(
        r#"
        model = "highway_fc10"
        classes = 10
        channels = 1
        epochs = 40
        batch = 16
        seed = 3
        output = {:?}
        [data]
        path = {:?}
        valid = 16
        [optimizer]
        lr = 0.01
        [schedule]
        decay = "cosine"
        "#,
        folder.path().join("run"),
        folder.path(),
    );
    let recipe = Recipe::parse("test", &text, &[]).unwrap();
    let device = Device::flex();
    device.seed(recipe.seed);
    let preprocess = burn_zoo::preprocess("resnet20_cifar", 1).unwrap();
    let test = Dataset::open(folder.path(), "test", 10).unwrap();
    let run = Run {
        recipe: &recipe,
        preprocess,
        training: Dataset::open(folder.path(), "train", 10).unwrap(),
        validation: test.clone(),
        save: |model: &HighwayNet, path| save(model, &model.keys(), path, Dtype::F32),
    };
    let config = HighwayNetConfig::new(10);
    let report = train(config.init(&device), run, &device, |_| {}).unwrap();
    let loss = report.epochs.last().unwrap().train_loss;
    assert!(loss < 0.05, "64 digits are learned to a loss of {loss}");

    let checkpoint = Checkpoint::open(&report.checkpoint.with_file_name("last.safetensors"));
    let (empty, checkpoint) = (config.init(&device), checkpoint.unwrap());
    let model = load(empty, "fc10", &checkpoint, &[], Differences::default()).unwrap();
    let found = evaluate(&model, &test, &preprocess, 32, &device).unwrap();
    assert_eq!(found.top1, 100.0);
}

#[test]
fn the_networks_for_cifar_add_up() {
    let device = Device::flex();
    // Multiply-accumulates worked out by hand: pixels times kernel times channels, gates twice.
    let rows = [
        (Variant::A, 1024, [9_648, 41_472, 165_888], 64 * 250, 250),
        (
            Variant::B,
            1024,
            [74_592, 599_040, 1_566_720],
            128 * 100,
            100,
        ),
    ];
    for (variant, pixels, stages, hidden, features) in rows {
        let model = HighwayConvNetConfig::new(variant).init(&device);
        let summary = burn_zoo_graph::summarise(&model, 32, 32).unwrap();
        assert_eq!(summary.params_aux, 0);
        let names: Vec<_> = summary.stages.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["stage1", "stage2", "stage3", "head"]);
        let expected = [
            pixels * stages[0],
            pixels / 4 * stages[1],
            pixels / 16 * stages[2],
            pixels / 16 * hidden + features * 10,
        ];
        let found: Vec<_> = summary.stages.iter().map(|s| s.macs as usize).collect();
        assert_eq!(found, expected, "{variant:?}");
    }
}
