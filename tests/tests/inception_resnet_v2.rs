//! Inception-ResNet-v2 against timm's numbers.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo::Classifier;
use burn_zoo::weights::{Differences, load, slots};
use burn_zoo_inception_resnet_v2::{CifarInceptionResNetV2Config, InceptionResNetV2Config};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::{relative_error, statistics};

/// f32 sums in another order over some 240 layers.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;

/// The reference's names for the paper's stages.
const STAGES: [(&str, &str); 9] = [
    ("maxpool_5a", "stem"),
    ("mixed_5b", "mixed_5b"),
    ("repeat", "inception_resnet_a"),
    ("mixed_6a", "reduction_a"),
    ("repeat_1", "inception_resnet_b"),
    ("mixed_7a", "reduction_b"),
    ("repeat_2", "inception_resnet_c"),
    ("block8", "block8"),
    ("conv2d_7b", "conv2d_7b"),
];

#[test]
fn inception_resnet_v2_is_the_references() {
    let golden = Golden::read("inception_resnet_v2.timm");
    let device = Device::flex();
    let model = InceptionResNetV2Config::new().init(&device);

    let slots = slots(&model, &model.keys()).into_iter();
    let mut keys: Vec<_> = slots.map(|slot| (slot.key, slot.shape)).collect();
    let mut expected = golden.keys();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected, "keys and shapes");

    let checkpoint = golden.checkpoint("inception_resnet_v2");
    let rows = model.keys();
    let model = load(
        model,
        "inception_resnet_v2",
        &checkpoint,
        &rows,
        Differences::default(),
    )
    .unwrap();

    let [_, _, height, width] = golden.input_shape;
    let summary = burn_zoo_graph::summarise(&model, height, width).unwrap();
    assert_eq!((summary.params, summary.params_aux), (55_843_464, 0));
    assert_eq!(summary.params, golden.parameters, "parameters");
    assert_eq!(summary.macs, golden.macs, "multiply-accumulates");

    let input = golden.input(&device);
    let error = relative_error(&values(model.forward(input.clone())), &golden.output);
    assert!(error < LOGITS, "logits differ by {error}");

    let maps = model.features(input);
    assert_eq!(maps.len(), STAGES.len());
    for (map, (theirs, ours)) in maps.into_iter().zip(STAGES) {
        assert_eq!(map.name, ours);
        let expected = &golden.activations[theirs];
        assert_eq!(map.map.dims().as_slice(), expected.shape, "shape of {ours}");
        let (mean, std) = statistics(&values(map.map));
        let worst = (mean - expected.mean).abs().max((std - expected.std).abs()) / expected.std;
        assert!(
            worst < ACTIVATIONS,
            "{ours} differs by {worst} standard deviations"
        );
    }
}

#[test]
fn the_small_network_is_small() {
    let model = CifarInceptionResNetV2Config::new()
        .with_in_channels(1)
        .init(&Device::flex());
    let summary = burn_zoo_graph::summarise(&model, 28, 28).unwrap();
    assert!(summary.params < 300_000, "{} parameters", summary.params);
    assert!(
        summary.macs < 10_000_000,
        "{} multiply-accumulates",
        summary.macs
    );
}
