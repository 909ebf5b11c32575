//! The paper's GoogLeNet: its table's costs, and a reference in plain Python.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo::inception_v1::GoogLeNetPaperConfig;
use burn_zoo::weights::{Checkpoint, Dtype, slots};
use burn_zoo::{Classifier, Head, Pretrained as _};
use burn_zoo_tests::golden::{Golden, fixture, values};
use burn_zoo_tests::{parity, relative_error, statistics, synthetic};
use serde::Deserialize;

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
    let layout = model.layout();
    let model = golden.checkpoint(name).fill(model, name, &layout).unwrap();
    let input = golden.input(&device) * paper.input_scale;
    let slots = slots(&model, &model.keys());
    parity::check_with(name, &golden, &model, slots, input.clone());
    for head in model.forward_train(input.clone()) {
        let expected = paper.aux.get(head.name).unwrap_or(&golden.output);
        let error = relative_error(&values(head.logits)[..expected.len()], expected);
        assert!(error < 1e-4, "{}: logits differ by {error}", head.name);
    }
}

#[test]
fn the_papers_network_comes_back_from_its_own_file() {
    let device = Device::flex();
    let config = GoogLeNetPaperConfig::new().with_num_classes(10);
    let model = config.init(&device);
    let bytes = model.to_safetensors(Dtype::F32).unwrap();
    let file = Checkpoint::from_bytes("ours", bytes).unwrap();
    let images = synthetic::image(3 * 80 * 80);
    let images = Tensor::from_data(TensorData::new(images, [1, 3, 80, 80]), &device);
    let layout = model.layout();
    let again = file.fill(config.init(&device), "ours", &layout).unwrap();
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
