//! Inception v2 against the reference's numbers.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo_core::Classifier;
use burn_zoo_core::weights::{Differences, load, slots};
use burn_zoo_inception_v2::{CifarInceptionV2Config, InceptionV2Config};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::{relative_error, statistics};

/// f32 sums in another order over 34 layers.
const LOGITS: f32 = 1e-4;
/// In units of the reference's standard deviation.
const ACTIVATIONS: f64 = 1e-4;

#[test]
fn inception_v2_is_the_references() {
    let name = "inception_v2";
    let golden = Golden::read(name);
    let device = Device::flex();
    let model = InceptionV2Config::new().init(&device);
    let rows = model.keys();
    let checkpoint = golden.checkpoint(name);
    let model = load(model, name, &checkpoint, &rows, Differences::default()).unwrap();

    let slots = slots(&model, &rows).into_iter();
    let mut keys: Vec<_> = slots.map(|slot| (slot.key, slot.shape)).collect();
    let mut expected = golden.keys();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected, "{name}: keys and shapes");

    let [_, _, height, width] = golden.input_shape;
    let summary = burn_zoo_graph::summarise(&model, height, width).unwrap();
    assert_eq!((summary.params, summary.params_aux), (11_295_240, 0));
    assert_eq!(golden.parameters, 11_295_240);
    assert_eq!(summary.macs, golden.macs, "{name}: multiply-accumulates");

    let input = golden.input(&device);
    let error = relative_error(&values(model.forward(input.clone())), &golden.output);
    assert!(error < LOGITS, "{name}: logits differ by {error}");

    let maps = model.features(input);
    assert_eq!(golden.activations.len(), 10);
    for (tap, expected) in &golden.activations {
        let ours = tap.replace("stages.", "inception_");
        let map = &maps.iter().find(|stage| stage.name == ours).unwrap().map;
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
fn the_small_variant_is_small() {
    let model = CifarInceptionV2Config::new()
        .with_in_channels(1)
        .init(&Device::flex());
    let keys: Vec<_> = slots(&model, &model.keys())
        .into_iter()
        .map(|slot| slot.key)
        .collect();
    assert_eq!(keys[0], "conv1_3x3.weight");
    assert_eq!(keys[6], "inception_3a_1x1.weight");
    let summary = burn_zoo_graph::summarise(&model, 28, 28).unwrap();
    assert!(summary.params < 400_000, "{} parameters", summary.params);
    assert!(
        (5_000_000..25_000_000).contains(&summary.macs),
        "{} multiply-accumulates",
        summary.macs
    );
}
