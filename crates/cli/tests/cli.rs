//! What goes wrong, as scripts see it: exit status and one line on standard error.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;

use common::{burn_zoo, checkpoint, status, stderr};
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;

/// Exit status 1, nothing on standard output and one line that says all of `parts`.
#[track_caller]
fn fails(arguments: &[&str], parts: &[&str]) {
    let output = burn_zoo(arguments);
    let message = stderr(&output);
    assert_eq!(status(&output), Some(1), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    assert!(message.starts_with("burn-zoo: "), "{message}");
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

fn in_folder(name: &str, bytes: &[u8]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path.display().to_string())
}

/// A safetensors file of zeros.
fn zeros(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, shape)| vec![0; 4 * shape.iter().product::<usize>()])
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
        (
            *name,
            TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn a_truncated_checkpoint_is_one_clear_line() {
    let whole = std::fs::read(checkpoint("resnet20_cifar.zip.pth")).unwrap();
    let (_folder, path) = in_folder("cut.pth", &whole[..whole.len() / 2]);
    fails(&["inspect", &path], &["cut.pth", "cannot read weights"]);
    let run = [
        "classify",
        "x.png",
        "--model",
        "resnet20_cifar",
        "--weights",
        &path,
    ];
    fails(&run, &["cut.pth"]);
}

#[test]
fn a_text_file_named_safetensors_is_one_clear_line() {
    let (_folder, path) = in_folder("notes.safetensors", b"Dear diary, today I trained a net.");
    fails(&["inspect", &path], &["notes.safetensors", "safetensors"]);
}

#[test]
fn weights_of_another_network_name_the_tensors() {
    let file = zeros(&[
        ("conv1.weight", &[64, 3, 7, 7]),
        ("layer3.5.conv1.weight", &[256, 256, 3, 3]),
    ]);
    let (_folder, path) = in_folder("resnet34.safetensors", &file);
    let run = [
        "classify",
        "x.png",
        "--model",
        "resnet18",
        "--weights",
        &path,
    ];
    fails(&run, &["resnet34.safetensors", "resnet18"]);
}

#[test]
fn a_missing_file_is_one_clear_line() {
    fails(
        &["inspect", "no/such/file.pth"],
        &["no/such/file.pth", "No such file"],
    );
}

#[test]
fn a_broken_image_and_a_missing_folder_are_one_clear_line_each() {
    let weights = checkpoint("resnet20_cifar.safetensors")
        .display()
        .to_string();
    // Without the last flag, a note states the assumption.
    let model = [
        "--model",
        "resnet20_cifar",
        "--weights",
        &weights,
        "--zero-pad",
        "end",
    ];
    let (_folder, broken) = in_folder("broken.png", b"this is no picture");
    fails(
        &[&["classify", &broken][..], &model].concat(),
        &["cannot read image", "broken.png"],
    );
    fails(
        &[&["classify", "no/folder/"][..], &model].concat(),
        &["no/folder", "No such file"],
    );
}

#[test]
fn an_unknown_model_suggests_the_nearest() {
    fails(
        &["summary", "resnt18"],
        &["unknown model resnt18", "resnet18"],
    );
}

#[test]
fn an_unknown_device_lists_the_known_ones() {
    let run = ["classify", "x.png", "--device", "quantum"];
    fails(&run, &["unknown device quantum", "flex", "cuda[:N]"]);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_backend_that_is_not_compiled_in_names_its_feature() {
    fails(
        &["classify", "x.png", "--device", "cuda:0"],
        &["cuda", "--features cuda"],
    );
}

#[test]
fn wrong_usage_exits_with_two() {
    for arguments in [
        &["classify"][..],
        &["frobnicate"],
        &["summary", "resnet18", "--input", "0"],
        &["classify", "x.png", "--std", "0"],
        &["classify", "x.png", "--model", "resnet18"],
        &["features", "x.png"],
        &["train", "recipe.toml", "--set", "novalue"],
        &[
            "compare",
            "--model",
            "resnet18",
            "--devices",
            "flex",
            "--layers",
            "--tolerance",
            "nan",
        ],
    ] {
        let output = burn_zoo(arguments);
        assert_eq!(
            status(&output),
            Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
