//! Real-world weight files on the command line.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;

use std::path::{Path, PathBuf};

use burn_zoo_checkpoint::testing::{Array, Py, dict, state_dict, text, torch_zip};
use common::{burn_zoo, checkpoint, root, status, stderr};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The weights of ResNet-20 without those whose names begin with `without`.
fn body(without: &str) -> Vec<(String, Array)> {
    let bytes = std::fs::read(checkpoint("resnet20_cifar.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors = Vec::new();
    for (key, view) in file.iter() {
        if !key.starts_with(without) && !key.ends_with("num_batches_tracked") {
            let shape: Vec<u64> = view.shape().iter().map(|&size| size as u64).collect();
            let array = Array::new("Float", &shape, view.data().to_vec());
            tensors.push((key.to_owned(), array));
        }
    }
    tensors
}

fn sd(tensors: &[(String, Array)], prefix: &str) -> Py {
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(key, array)| (format!("{prefix}{key}"), array.clone()))
        .collect();
    state_dict(
        tensors
            .iter()
            .map(|(key, array)| (key.as_str(), array.clone())),
    )
}

fn file(folder: &TempDir, name: &str, value: &Py) -> String {
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, torch_zip("archive", value)).unwrap();
    path.display().to_string()
}

fn picture() -> String {
    root().join("assets/digits/5.png").display().to_string()
}

#[track_caller]
fn seen(arguments: &[&str]) -> Value {
    let output = burn_zoo(arguments);
    let message = stderr(&output);
    assert_eq!(status(&output), Some(0), "{arguments:?}: {message}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn classified(weights: &str, more: &[&str]) -> Value {
    let picture = picture();
    let usual = [
        "classify",
        &picture,
        "--model",
        "resnet20_cifar",
        "--weights",
        weights,
        "--json",
        "--logits",
    ];
    seen(&[&usual, more].concat())
}

/// A head whose weights are zero, so that its logits equal `bias`.
fn with_head(bias: &[f32]) -> Vec<(String, Array)> {
    let mut tensors = body("fc.");
    let classes = bias.len() as u64;
    let zeros = vec![0.0; bias.len() * 64];
    tensors.push(("fc.weight".into(), Array::floats(&[classes, 64], &zeros)));
    tensors.push(("fc.bias".into(), Array::floats(&[classes], bias)));
    tensors
}

fn predictions(row: &Value) -> Vec<(i64, Value, f64)> {
    let predictions = row[0]["predictions"].as_array().unwrap().iter();
    predictions
        .map(|it| {
            let probability = it["probability"].as_f64().unwrap();
            (
                it["class"].as_i64().unwrap(),
                it["label"].clone(),
                probability,
            )
        })
        .collect()
}

#[track_caller]
fn near(found: &[(i64, Value, f64)], expected: &[(i64, Value, f64)]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!((found.0, &found.1), (expected.0, &expected.1));
        assert!(
            (found.2 - expected.2).abs() < 1e-6,
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn independent_outputs_use_sigmoids() {
    let folder = tempfile::tempdir().unwrap();
    // The sigmoids of 0 and of the logarithms of 3 and 1/3.
    let bias = [0.0, 3.0_f32.ln(), -(3.0_f32.ln())];
    let expected = [
        (1, Value::Null, 0.75),
        (0, Value::Null, 0.5),
        (2, Value::Null, 0.25),
    ];
    let plain = file(&folder, "plain.pth", &sd(&with_head(&bias), ""));
    near(
        &predictions(&classified(&plain, &["--multi-label"])),
        &expected,
    );
    // Softmax: shares of 1, 3 and 1/3.
    let softmax = predictions(&classified(&plain, &[]));
    assert!(
        (softmax[0].2 - 3.0 / (13.0 / 3.0)).abs() < 1e-6,
        "{softmax:?}"
    );
    let says = dict([
        ("model", sd(&with_head(&bias), "")),
        ("multi_label", Py::Bool(true)),
    ]);
    let says = file(&folder, "says.pth", &says);
    near(&predictions(&classified(&says, &[])), &expected);
}

#[test]
fn one_output_uses_a_sigmoid_and_decides_between_two_names() {
    let folder = tempfile::tempdir().unwrap();
    let head = with_head(&[3.0_f32.ln()]);
    let bare = file(&folder, "bare.pth", &sd(&head, ""));
    near(
        &predictions(&classified(&bare, &[])),
        &[(0, Value::Null, 0.75)],
    );
    let names = Py::List(vec![text("cat"), text("dog")]);
    let named = dict([("net", sd(&head, "")), ("class_names", names)]);
    let named = file(&folder, "named.pth", &named);
    let expected = [(1, json!("dog"), 0.75), (0, json!("cat"), 0.25)];
    near(&predictions(&classified(&named, &[])), &expected);

    // A folder of each class: a network that always predicts "dog" is right on half of the images.
    let data = folder.path().join("data");
    for class in ["cat", "dog"] {
        std::fs::create_dir_all(data.join(class)).unwrap();
        std::fs::copy(picture(), data.join(class).join("1.png")).unwrap();
    }
    let data = data.display().to_string();
    let found = seen(&[
        "evaluate",
        "--model",
        "resnet20_cifar",
        "--weights",
        &named,
        "--data",
        &data,
        "--json",
    ]);
    assert_eq!(found["top1"], json!(50.0));
    assert_eq!(found["confusion"], json!([[0, 1], [0, 1]]));
    // Cross entropy of 1/4 and 3/4.
    let loss = (4.0_f64.ln() + (4.0_f64 / 3.0).ln()) / 2.0;
    assert!(
        (found["loss"].as_f64().unwrap() - loss).abs() < 1e-6,
        "{found}"
    );
}

#[test]
fn inspect_shows_how_a_file_fits() {
    let folder = tempfile::tempdir().unwrap();
    let names = (0..10)
        .map(|class| text(&format!("name {class}")))
        .collect();
    let value = dict([
        ("epoch", Py::Int(3)),
        ("state_dict", sd(&body("nothing"), "net.")),
        ("classes", Py::List(names)),
        ("img_size", Py::Int(32)),
    ]);
    let path = file(&folder, "checkpoint_epoch_0010.pth", &value);
    let found = seen(&["inspect", &path, "--json"]);
    assert_eq!(found["container"], "pytorch-zip");
    assert_eq!(found["fits"], json!(["resnet20_cifar", "plain20_cifar"]));
    assert_eq!(
        (&found["key"], &found["prefix"]),
        (&json!("state_dict"), &json!("net."))
    );
    assert_eq!(
        (&found["head"], &found["classes"]),
        (&json!("state_dict.net.fc"), &json!(10))
    );
    assert_eq!(found["labels"][9], "name 9");
    assert_eq!(found["preprocess"], json!({ "image_size": [32, 32] }));
    assert_eq!(found["others"], json!(["epoch", "classes", "img_size"]));
    assert_eq!(found["nearest"], json!([]));
    assert_eq!(found["tensors"].as_array().unwrap().len(), 97);
}

#[test]
fn inspect_shows_the_nearest_architecture_and_the_differences() {
    let folder = tempfile::tempdir().unwrap();
    let mut tensors = body("fc.");
    tensors.retain(|(key, _)| key != "layer2.1.bn1.weight");
    let path = file(&folder, "broken.pth", &sd(&tensors, "backbone."));
    let found = seen(&["inspect", &path, "--json"]);
    assert_eq!(found["fits"], json!([]));
    assert_eq!(
        (&found["key"], &found["head"]),
        (&Value::Null, &Value::Null)
    );
    let near = &found["nearest"][0];
    assert_eq!(near["architecture"], "resnet20_cifar");
    let expected = [
        "missing tensors (1): layer2.1.bn1.weight",
        "no head",
        "a prefix: backbone",
    ];
    assert_eq!(near["differs"], json!(expected));
}

#[test]
fn a_headless_file_gives_features_but_does_not_classify() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "body.pth", &sd(&body("fc."), "encoder."));
    let (picture, model) = (picture(), ["--model", "resnet20_cifar", "--weights", &path]);
    let output = burn_zoo(&[&["classify", &picture][..], &model].concat());
    assert_eq!(status(&output), Some(1));
    let message = stderr(&output);
    assert!(
        message.lines().count() == 1 && message.contains("no head"),
        "{message}"
    );
    let found = seen(&[&["features", &picture, "--json"][..], &model].concat());
    assert_eq!(found[0]["shape"], json!([64]));
}

#[test]
fn a_tie_is_an_error_with_both_places_and_a_key_breaks_it() {
    let folder = tempfile::tempdir().unwrap();
    let pair = [
        ("student", sd(&with_head(&[1.0, 2.0]), "")),
        ("teacher", sd(&with_head(&[2.0, 1.0]), "module.")),
    ];
    let path = file(&folder, "pair.pth", &dict(pair));
    let picture = picture();
    let model = [
        "classify",
        &picture,
        "--model",
        "resnet20_cifar",
        "--weights",
        &path,
    ];
    let output = burn_zoo(&model);
    assert_eq!(status(&output), Some(1));
    assert!(
        stderr(&output).contains("at student and teacher.module"),
        "{}",
        stderr(&output)
    );
    let of = |flags: &[&str]| predictions(&classified(&path, flags))[0].0;
    assert_eq!(of(&["--key", "student"]), 1);
    assert_eq!(of(&["--key", "teacher"]), 0);
    assert_eq!(of(&["--prefix", "module."]), 0);
}

#[test]
fn saved_files_record_where_zeros_are_padded() {
    let folder = tempfile::tempdir().unwrap();
    let source = checkpoint("resnet20_cifar.safetensors")
        .display()
        .to_string();
    let logits = |row: &Value| row[0]["logits"].clone();
    let both = logits(&classified(&source, &["--zero-pad", "both"]));
    assert_ne!(both, logits(&classified(&source, &["--zero-pad", "end"])));
    for name in ["both.safetensors", "both.bpk"] {
        let saved = folder.path().join(name).display().to_string();
        let converted = burn_zoo(&[
            "convert",
            &source,
            &saved,
            "--model",
            "resnet20_cifar",
            "--zero-pad",
            "both",
        ]);
        assert_eq!(status(&converted), Some(0), "{}", stderr(&converted));
        assert_eq!(logits(&classified(&saved, &[])), both, "{name}");
    }
    assert!(Path::new(&source).exists());
}

#[test]
fn what_a_file_says_goes_with_its_weights() {
    let folder = tempfile::tempdir().unwrap();
    let names = Py::List(vec![text("cat"), text("dog"), text("cow")]);
    let floats = |values: [f64; 3]| Py::Tuple(values.map(Py::Float).to_vec());
    let value = dict([
        ("state_dict", sd(&with_head(&[1.0, 3.0, 2.0]), "")),
        ("class_names", names),
        ("img_size", Py::Int(48)),
        ("mean", floats([0.5, 0.25, 0.125])),
        ("std", floats([0.25, 0.5, 0.75])),
        ("multi_label", Py::Bool(true)),
        ("interpolation", text("bicubic")),
    ]);
    let source = file(&folder, "source.pth", &value);
    let expected = seen(&["inspect", &source, "--json"]);
    for name in ["saved.safetensors", "saved.bpk"] {
        let saved = folder.path().join(name).display().to_string();
        let done = burn_zoo(&["convert", &source, &saved, "--model", "resnet20_cifar"]);
        assert_eq!(status(&done), Some(0), "{}", stderr(&done));
        let found = seen(&["inspect", &saved, "--json"]);
        for key in ["labels", "preprocess", "classes"] {
            assert_eq!(found[key], expected[key], "{name}");
        }
        assert_eq!(
            classified(&saved, &[])[0],
            classified(&source, &[])[0],
            "{name}"
        );
    }
}
