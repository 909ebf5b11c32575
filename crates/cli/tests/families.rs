//! Every family through every command, on a network of it that is small.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use burn::tensor::Device;
use burn_zoo::weights::Dtype;
use burn_zoo::{AnyClassifier, Classifier as _, DIGITS, Options, ZeroPad};
use common::{burn_zoo, root, status, stderr};
use serde_json::Value;
use tempfile::TempDir;

/// Digits in the data set that the commands get.
const FEW: usize = 24;

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let output: Output = burn_zoo(arguments);
    assert_eq!(
        status(&output),
        Some(0),
        "{arguments:?}: {}",
        stderr(&output)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The first training digits, as the training and the test split.
fn few_digits(folder: &Path) {
    for (name, header, each) in [
        ("images-idx3-ubyte", 16, 28 * 28),
        ("labels-idx1-ubyte", 8, 1),
    ] {
        let source = root().join(format!("assets/mnist/train-{name}.gz"));
        let mut decoder = flate2::read::GzDecoder::new(std::fs::File::open(source).unwrap());
        let mut bytes = Vec::new();
        decoder.read_to_end(&mut bytes).unwrap();
        bytes.truncate(header + FEW * each);
        bytes[4..8].copy_from_slice(&u32::try_from(FEW).unwrap().to_be_bytes());
        for split in ["train", "t10k"] {
            std::fs::write(folder.join(format!("{split}-{name}")), &bytes).unwrap();
        }
    }
}

/// A network with random weights and a file of them.
struct Made {
    architecture: &'static str,
    model: AnyClassifier,
    folder: TempDir,
}

impl Made {
    fn new(architecture: &'static str) -> Self {
        let device = Device::flex();
        device.seed(5);
        let options = Options {
            classes: 10,
            channels: 1,
            aux_heads: true,
            zero_pad: ZeroPad::End,
        };
        let model = burn_zoo::create(architecture, options, &device).unwrap();
        let folder = tempfile::tempdir().unwrap();
        few_digits(folder.path());
        let made = Self {
            architecture,
            model,
            folder,
        };
        made.model.save(made.file(), Dtype::F32).unwrap();
        made
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("weights")
    }
}

fn check(architecture: &'static str) {
    let made = Made::new(architecture);
    let (file, data) = (made.file(), made.folder.path().to_str().unwrap());
    let with = [
        "--model",
        made.architecture,
        "--weights",
        file.to_str().unwrap(),
    ];
    let three = root().join("assets/digits/3.png");
    let picture = three.to_str().unwrap();
    let device = Device::flex();
    let image = DIGITS.preprocess.open(&three, &device).unwrap();

    let pattern = format!("{architecture}*");
    let listed = &json(&["list", &pattern, "--json"])[0];
    let summary = json(&["summary", architecture, "--weights", with[3], "--json"]);
    assert_eq!(listed["architecture"], architecture);
    let total = |key: &str| -> u64 {
        let stages = summary["stages"].as_array().unwrap().iter();
        stages.map(|stage| stage[key].as_u64().unwrap()).sum()
    };
    for key in ["params", "macs"] {
        assert_eq!(summary[key], total(key), "{architecture}: {key}");
    }

    let inspected = json(&["inspect", with[3], "--json"]);
    assert_eq!(inspected["container"], "safetensors");
    let fits = inspected["fits"].as_array().unwrap();
    assert!(fits.iter().any(|name| name == architecture), "{fits:?}");

    let seen = &json(&[&["classify", picture, "--json", "--logits"], &with[..]].concat())[0];
    let logits = made.model.forward(image.clone()).into_data();
    let expected = logits.iter::<f64>().collect::<Vec<_>>();
    let found = seen["logits"].as_array().unwrap();
    assert_eq!(found.len(), 10);
    for (found, expected) in found.iter().zip(expected) {
        let difference = (found.as_f64().unwrap() - expected).abs();
        assert!(difference < 1e-4, "{architecture}: {found}, not {expected}");
    }

    let maps = made.model.features(image);
    for map in [&maps[0], maps.last().unwrap()] {
        let stage = ["--stage", map.name.as_ref()];
        let row = &json(&[&["features", picture, "--json"], &stage[..], &with].concat())[0];
        let shape: Vec<u64> = map.map.dims()[1..]
            .iter()
            .map(|&size| size as u64)
            .collect();
        assert_eq!(row["shape"], serde_json::json!(shape), "{architecture}");
    }

    let evaluate = ["evaluate", "--data", data, "--json"];
    let found = json(&[&evaluate[..], &with].concat());
    assert_eq!(found["images"], FEW);

    let recipe = root().join("recipes/digits-small.toml");
    let output = made.folder.path().join("run");
    let settings = [
        format!("model={architecture}"),
        format!("output={}", output.display()),
        "epochs=1".to_owned(),
        "batch=8".to_owned(),
        "data.valid=8".to_owned(),
    ];
    let mut train = vec!["train", recipe.to_str().unwrap(), "--data", data, "--json"];
    for setting in &settings {
        train.extend(["--set", setting]);
    }
    let trained = json(&train);
    let checkpoint = trained["checkpoint"].as_str().unwrap();
    assert_eq!(trained["epochs"].as_array().unwrap().len(), 1);
    let best = ["--model", architecture, "--weights", checkpoint];
    let after = json(&[&evaluate[..], &best].concat());
    assert_ne!(
        after["loss"], found["loss"],
        "{architecture} did not change"
    );
}

#[test]
fn highway_goes_through_every_command() {
    check("highway_fc10");
    check("highway_a");
}

#[test]
fn resnet_goes_through_every_command() {
    check("resnet20_cifar");
}

#[test]
fn inception_v1_goes_through_every_command() {
    check("googlenet_cifar");
}

#[test]
fn inception_v2_goes_through_every_command() {
    check("inception_v2_cifar");
}

#[test]
fn inception_v3_goes_through_every_command() {
    check("inception_v3_cifar");
}

#[test]
fn inception_v4_goes_through_every_command() {
    check("inception_v4_cifar");
}

#[test]
fn inception_resnet_v2_goes_through_every_command() {
    check("inception_resnet_v2_cifar");
}

#[test]
fn too_small_an_image_is_an_error_that_says_what_is_needed() {
    let rows = [
        ("highway_fc10", "exactly 28x28 pixels"),
        ("resnet50", "at least 32x32 pixels"),
        ("googlenet", "at least 15x15 pixels"),
        ("inception_v2", "at least 7x7 pixels"),
        ("inception_v3", "at least 75x75 pixels"),
        ("inception_v4", "at least 75x75 pixels"),
        ("inception_resnet_v2", "at least 75x75 pixels"),
    ];
    for (model, needed) in rows {
        let output = burn_zoo(&["summary", model, "--input", "6x6"]);
        assert_eq!(status(&output), Some(1), "{model}");
        let message = stderr(&output);
        assert!(message.contains(needed), "{model}: {message}");
    }
}
