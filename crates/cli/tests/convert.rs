//! Between containers and number formats.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;

use std::path::Path;

use common::{burn_zoo, checkpoint, root, status, stderr};
use serde_json::Value;

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let output = burn_zoo(arguments);
    let message = stderr(&output);
    assert_eq!(status(&output), Some(0), "{arguments:?}: {message}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Logits of one digit, in colour, through a file of ResNet-20.
fn logits(file: &Path) -> Vec<f64> {
    let picture = root().join("assets/digits/5.png");
    let seen = json(&[
        "classify",
        picture.to_str().unwrap(),
        "--model",
        "resnet20_cifar",
        "--weights",
        file.to_str().unwrap(),
        "--json",
        "--logits",
    ]);
    let logits = seen[0]["logits"].as_array().unwrap();
    logits.iter().map(|logit| logit.as_f64().unwrap()).collect()
}

fn difference(found: &[f64], expected: &[f64]) -> f64 {
    let greatest = expected
        .iter()
        .fold(0.0, |most, logit| logit.abs().max(most));
    let pairs = found.iter().zip(expected);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / greatest
}

#[test]
fn every_form_gives_the_same_logits_as_far_as_its_numbers_go() {
    let folder = tempfile::tempdir().unwrap();
    let source = checkpoint("resnet20_cifar.zip.pth");
    let expected = logits(&source);
    // Bytes of a value, and what 11 and 8 bits of one leave after 20 layers.
    let rows = [
        ("f32.safetensors", "f32", "safetensors", 4, 0.0),
        ("f16.safetensors", "f16", "safetensors", 2, 5e-3),
        ("bf16.safetensors", "bf16", "safetensors", 2, 4e-2),
        ("f32.bpk", "f32", "burnpack", 4, 0.0),
        ("f16.bpk", "f16", "burnpack", 2, 5e-3),
    ];
    for (name, dtype, container, bytes, tolerance) in rows {
        let output = folder.path().join(name);
        let output = output.to_str().unwrap();
        let source = source.to_str().unwrap();
        let arguments = ["convert", source, output, "--model", "resnet20_cifar"];
        let report = json(&[&arguments[..], &["--dtype", dtype, "--json"]].concat());
        let size = std::fs::metadata(output).unwrap().len();
        assert_eq!(report["bytes"], size, "{name}");
        // 269,722 parameters and 1,376 running statistics.
        let values = 271_098 * bytes;
        assert!((values..values + 40_000).contains(&size), "{name}: {size}");

        let inspected = json(&["inspect", output, "--json"]);
        assert_eq!(inspected["container"], container, "{name}");
        let tensors = inspected["tensors"].as_array().unwrap();
        assert_eq!(report["tensors"], tensors.len(), "{name}");
        let fits = inspected["fits"].as_array().unwrap();
        assert!(
            fits.iter().any(|fit| fit == "resnet20_cifar"),
            "{name}: {fits:?}"
        );

        let found = logits(Path::new(output));
        let error = difference(&found, &expected);
        assert!(error <= tolerance, "{name}: {error}");

        // And back again from burnpack to the reference's keys.
        if container == "burnpack" {
            let back = folder.path().join(format!("{name}.safetensors"));
            let back = back.to_str().unwrap();
            json(&[
                "convert",
                output,
                back,
                "--model",
                "resnet20_cifar",
                "--json",
            ]);
            let keys = json(&["inspect", back, "--json"]);
            assert_eq!(keys["tensors"][0]["name"], "bn1.bias", "{name}");
            assert_eq!(difference(&logits(Path::new(back)), &found), 0.0, "{name}");
        }
    }
}

#[test]
fn nothing_is_overwritten_and_the_ending_says_the_form() {
    let folder = tempfile::tempdir().unwrap();
    let source = checkpoint("resnet20_cifar.safetensors");
    let there = folder.path().join("mine.safetensors");
    std::fs::write(&there, "mine").unwrap();
    let (source, there) = (source.to_str().unwrap(), there.to_str().unwrap());
    let other = folder.path().join("mine.h5");
    let missing = folder.path().join("no/such/folder.bpk");
    let fresh = folder.path().join("fresh.bpk");
    let rows = [
        (there, "resnet20_cifar", "mine.safetensors exists already"),
        (
            other.to_str().unwrap(),
            "resnet20_cifar",
            "neither .safetensors nor .bpk",
        ),
        (
            missing.to_str().unwrap(),
            "resnet20_cifar",
            "no/such/folder.bpk",
        ),
        (fresh.to_str().unwrap(), "resnet18", "does not fit resnet18"),
        (fresh.to_str().unwrap(), "resnet21", "did you mean"),
    ];
    for (output, model, part) in rows {
        let run = burn_zoo(&["convert", source, output, "--model", model]);
        let message = stderr(&run);
        assert_eq!(status(&run), Some(1), "{message}");
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert_eq!(std::fs::read_to_string(there).unwrap(), "mine");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "something was left behind");
}
