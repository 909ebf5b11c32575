//! What the shipped digits weights make of images through the command line.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/digits")
}

fn digit(number: usize) -> String {
    digits().join(format!("{number}.png")).display().to_string()
}

fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_burn-zoo"))
        .args(arguments)
        .env_remove("BURN_DEVICE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have closed it.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn json(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {errors}"))
}

#[test]
fn all_ten_pictures_are_recognised() {
    let paths: Vec<String> = (0..10).map(digit).collect();
    let mut arguments = vec!["classify", "--json", "--top", "1"];
    arguments.extend(paths.iter().map(String::as_str));
    let output = run(&arguments, b"");
    assert_eq!(output.status.code(), Some(0));
    for (number, row) in json(&output).as_array().unwrap().iter().enumerate() {
        assert_eq!(row["image"], paths[number]);
        assert_eq!(row["predictions"][0]["label"], number.to_string(), "{row}");
        assert_eq!(row["predictions"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn standard_input_gives_the_answer_of_the_file() {
    let bytes = std::fs::read(digit(7)).unwrap();
    let rows = json(&run(&["classify", "-", "--json", "--logits"], &bytes));
    assert_eq!(rows[0]["image"], "-");
    assert_eq!(rows[0]["predictions"][0]["class"], 7);
    assert_eq!(rows[0]["logits"].as_array().unwrap().len(), 10);
}

#[test]
fn a_broken_image_among_good_ones_has_an_error_in_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, "this is no picture").unwrap();
    let broken = broken.display().to_string();
    let output = run(
        &["classify", &digit(4), &broken, "no/folder", "--json"],
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    let rows = json(&output);
    assert_eq!(rows[0]["predictions"][0]["class"], 4);
    assert!(
        rows[1]["error"].as_str().unwrap().contains("broken.png"),
        "{rows}"
    );
    assert!(
        rows[2]["error"].as_str().unwrap().contains("no/folder"),
        "{rows}"
    );
    assert_eq!(
        String::from_utf8(output.stderr)
            .unwrap()
            .trim_end()
            .lines()
            .count(),
        1
    );
}

#[test]
fn features_are_written_under_the_images_names_and_never_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder
        .path()
        .join("features.safetensors")
        .display()
        .to_string();
    let image = digit(2);
    let model = "resnet20_cifar.digits";
    let arguments = [
        "features", &image, "--model", model, "--out", &out, "--json",
    ];
    let rows = json(&run(&arguments, b""));
    assert_eq!(rows[0]["shape"], serde_json::json!([64]));
    let bytes = std::fs::read(&out).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor(&image).unwrap().shape(), [64]);
    let again = run(&arguments, b"");
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("remove it"));
    assert_eq!(std::fs::read(&out).unwrap(), bytes);
}

#[test]
fn an_unknown_stage_lists_the_known_ones() {
    let arguments = [
        "features",
        &digit(2),
        "--model",
        "resnet20_cifar.digits",
        "--stage",
        "stage9",
    ];
    let output = run(&arguments, b"");
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        message.contains("stage9") && message.contains("pooled"),
        "{message}"
    );
}

#[test]
fn the_engine_and_the_plain_module_agree_on_logits_and_features() {
    let seven = digit(7);
    let both = |arguments: &[&str], pick: &dyn Fn(&Value) -> Value| {
        let numbers = |engine: &str| {
            let all = [arguments, &["--json", "--engine", engine]].concat();
            let values = pick(&json(&run(&all, b""))[0]);
            let values = values
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it.as_f64().unwrap());
            values.collect::<Vec<_>>()
        };
        let (on, off) = (numbers("on"), numbers("off"));
        assert!(on.len() > 9 && on.len() == off.len(), "{arguments:?}");
        // f32 sums in another order, so not the same to the digit.
        let apart = on
            .iter()
            .zip(&off)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        let greatest = off.iter().map(|it| it.abs()).fold(0.0, f64::max);
        assert!(
            apart < 1e-4 * greatest,
            "{arguments:?}: {apart} of {greatest}"
        );
        assert!(apart > 0.0, "{arguments:?}: the engine did not run");
    };
    let classify = ["classify", &seven, "--logits"];
    both(&classify, &|row| row["logits"].clone());
    let features = ["features", &seven, "--model", "resnet20_cifar.digits"];
    both(&features, &|row| row["values"].clone());
    let stage = [&features[..], &["--stage", "stage2"]].concat();
    both(&stage, &|row| row["values"].clone());
}
