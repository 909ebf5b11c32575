//! Every network against PyTorch's, torchvision's and timm's numbers.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo::Classifier;
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::{relative_error, statistics};

/// f32 sums in another order over up to 152 layers.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;

/// The reference's names for the paper's stages.
const STAGES: [(&str, &[&str]); 7] = [
    ("maxpool", &["conv1"]),
    ("layer1", &["conv2_x", "stage1"]),
    ("layer2", &["conv3_x", "stage2"]),
    ("layer3", &["conv4_x", "stage3"]),
    ("layer4", &["conv5_x"]),
    ("avgpool", &["pooled"]),
    ("global_pool", &["pooled"]),
];

fn check(name: &str) {
    let golden = Golden::read(name);
    let architecture = name.trim_end_matches(".timm");
    let device = Device::flex();
    let model = burn_zoo::load(architecture, &golden.checkpoint(name), &device).unwrap();

    let slots = model.slots().into_iter();
    let mut keys: Vec<_> = slots.map(|slot| (slot.key, slot.shape)).collect();
    let mut expected = golden.keys();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected, "{name}: keys and shapes");

    let [_, _, height, width] = golden.input_shape;
    let summary = burn_zoo_graph::summarise(&model, height, width).unwrap();
    assert_eq!(
        (summary.params, summary.params_aux),
        (golden.parameters, 0),
        "{name}: parameters"
    );
    assert_eq!(summary.macs, golden.macs, "{name}: multiply-accumulates");

    let input = golden.input(&device);
    let error = relative_error(&values(model.forward(input.clone())), &golden.output);
    assert!(error < LOGITS, "{name}: logits differ by {error}");

    let maps = model.features(input.clone());
    for (tap, expected) in &golden.activations {
        let (_, ours) = STAGES.iter().find(|(theirs, _)| theirs == tap).unwrap();
        let (dims, found) = match maps.iter().find(|map| ours.contains(&map.name)) {
            Some(map) => (map.map.dims().to_vec(), values(map.map.clone())),
            None => {
                let pooled = model.pooled(input.clone());
                (pooled.dims().to_vec(), values(pooled))
            }
        };
        assert_eq!(dims, expected.shape[..dims.len()], "{name}: shape of {tap}");
        let (mean, std) = statistics(&found);
        let worst = (mean - expected.mean).abs().max((std - expected.std).abs()) / expected.std;
        assert!(
            worst < ACTIVATIONS,
            "{name}: {tap} differs by {worst} standard deviations"
        );
    }
}

#[test]
fn resnet18_is_the_references() {
    check("resnet18");
}

#[test]
fn resnet34_is_the_references() {
    check("resnet34");
}

#[test]
fn resnet50_is_the_references() {
    check("resnet50");
}

#[test]
fn resnet101_is_the_references() {
    check("resnet101");
}

#[test]
fn resnet152_is_the_references() {
    check("resnet152");
}

#[test]
fn resnext50_32x4d_is_the_references() {
    check("resnext50_32x4d");
}

#[test]
fn resnext101_32x8d_is_the_references() {
    check("resnext101_32x8d");
}

#[test]
fn wide_resnet50_2_is_the_references() {
    check("wide_resnet50_2");
}

#[test]
fn wide_resnet101_2_is_the_references() {
    check("wide_resnet101_2");
}

#[test]
fn resnet50d_is_the_references() {
    check("resnet50d.timm");
}

#[test]
fn resnet101d_is_the_references() {
    check("resnet101d.timm");
}

#[test]
fn resnet20_cifar_is_the_references() {
    check("resnet20_cifar");
}

#[test]
fn resnet32_cifar_is_the_references() {
    check("resnet32_cifar");
}

#[test]
fn resnet44_cifar_is_the_references() {
    check("resnet44_cifar");
}

#[test]
fn resnet56_cifar_is_the_references() {
    check("resnet56_cifar");
}

#[test]
fn resnet110_cifar_is_the_references() {
    check("resnet110_cifar");
}

#[test]
fn plain20_cifar_is_the_references() {
    check("plain20_cifar");
}
