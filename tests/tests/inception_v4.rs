//! Inception-v4 against timm's numbers.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo::Classifier;
use burn_zoo::weights::{Differences, load, slots};
use burn_zoo_inception_v4::{CifarInceptionV4Config, InceptionV4Config};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::{relative_error, statistics};

/// f32 sums in another order over some 150 layers.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;

/// The reference's names for the paper's stages.
const STAGES: [(&str, &str); 8] = [
    ("features.3", "stem_1"),
    ("features.4", "stem_2"),
    ("features.5", "stem_3"),
    ("features.9", "inception_a"),
    ("features.10", "reduction_a"),
    ("features.17", "inception_b"),
    ("features.18", "reduction_b"),
    ("features.21", "inception_c"),
];

#[test]
fn inception_v4_is_the_references() {
    let golden = Golden::read("inception_v4.timm");
    let device = Device::flex();
    let model = InceptionV4Config::new().init(&device);

    let slots = slots(&model, &model.keys()).into_iter();
    let mut keys: Vec<_> = slots.map(|slot| (slot.key, slot.shape)).collect();
    let mut expected = golden.keys();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected, "keys and shapes");

    let checkpoint = golden.checkpoint("inception_v4");
    let rows = model.keys();
    let model = load(
        model,
        "inception_v4",
        &checkpoint,
        &rows,
        Differences::default(),
    )
    .unwrap();

    let [_, _, height, width] = golden.input_shape;
    let summary = burn_zoo_graph::summarise(&model, height, width).unwrap();
    assert_eq!((summary.params, summary.params_aux), (42_679_816, 0));
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
    let model = CifarInceptionV4Config::new()
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
