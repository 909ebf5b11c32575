//! Each example is run as a reader would.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::Device;
use burn_zoo::weights::{Checkpoint, Dtype};
use burn_zoo::{Adapt, AnyClassifier};
use burn_zoo_train::{Recipe, Run, TrainReport};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn output(example: &str) -> String {
    output_of(example, &[])
}

fn output_of(example: &str, arguments: &[&Path]) -> String {
    // Cargo builds a package's examples before its tests, beside them.
    let test = std::env::current_exe().unwrap();
    let folder = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples");
    let run = Command::new(folder.join(example))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn classify_sees_a_seven() {
    let text = output("classify");
    let seven = text.lines().find(|line| line.starts_with('7')).unwrap();
    let percent: f32 = seven
        .trim_end_matches('%')
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(percent > 90.0, "{text}");
}

#[test]
fn features_are_named_as_in_the_paper() {
    let last = output("features").lines().last().unwrap().to_owned();
    assert_eq!(last, "conv5_x  [1, 512, 7, 7]");
}

#[test]
fn fine_tuning_learns_odd_and_even() {
    let text = output("finetune_digits");
    let percent = |line: &str| -> f32 {
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    };
    let lines: Vec<f32> = text.lines().map(percent).collect();
    assert!(lines[0] < 80.0 && lines[1] > 95.0, "{text}");
}

#[test]
fn each_device_sees_the_seven() {
    let text = output("swap_device");
    assert!(text.starts_with("Device<Flex"), "{text}");
    for line in text.lines() {
        assert!(line.contains("sees a 7, differs by "), "{text}");
        let difference = line.split([' ', ',']).nth_back(4).unwrap();
        assert!(difference.parse::<f32>().unwrap() < 1e-2, "{text}");
    }
}

#[test]
fn a_recipe_trains_a_network_whose_weights_load() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("run");
    let settings = [
        "recipes/digits-small.toml".to_owned(),
        "model=highway_fc10".to_owned(),
        "epochs=1".to_owned(),
        format!("output={}", output.display()),
    ];
    let settings = settings.each_ref().map(Path::new);
    let text = output_of("train_recipe", &settings);
    assert!(text.starts_with("epoch 1: train loss "), "{text}");
    let weights = output.join("best.safetensors");
    assert!(text.ends_with(&format!("weights: {}\n", weights.display())));
    burn_zoo::from_file("highway_fc10", weights, &Device::flex()).unwrap();
}

/// A shorter `recipes/finetune.toml` on a folder of pictures, which tells how many classes there are.
fn fine_tuned(digits: &Path, output: &str, freeze: &str) -> TrainReport {
    let settings = [
        ("data.path", digits.join("finetune").display().to_string()),
        ("data.valid", "val".to_owned()),
        ("output", digits.join(output).display().to_string()),
        ("epochs", "8".to_owned()),
        ("fine_tune.freeze", freeze.to_owned()),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value));
    let recipe = Recipe::read(&root().join("recipes/finetune.toml"), &settings).unwrap();
    let data = recipe.datasets(None).unwrap();
    let device = Device::flex();
    device.seed(recipe.seed);
    let weights = root().join(recipe.weights.as_deref().unwrap());
    let adapt = Adapt {
        classes: Some(data.0.num_classes()),
        ..Adapt::default()
    };
    let weights = Checkpoint::open(weights).unwrap();
    let found = burn_zoo::load_adapted(&recipe.model, &weights, &adapt, &device).unwrap();
    let architecture = burn_zoo::architecture(&recipe.model).unwrap();
    let save = |model: &AnyClassifier, path: &Path| model.save(path, Dtype::F32);
    let preprocess = architecture.preprocess(recipe.channels);
    let run = Run::new(&recipe, preprocess, data, save);
    burn_zoo_train::train(found.network, run, &[device], |_| {}).unwrap()
}

/// `tools/finetune-check` is the whole of it.
#[test]
fn a_folder_of_pictures_is_learned_by_all_of_a_network_or_faster_by_its_head() {
    let folder = tempfile::tempdir().unwrap();
    let digits = folder.path();
    output_of("digit_folders", &[digits]);
    let whole = fine_tuned(digits, "whole", "[]");
    let kept = std::fs::read_to_string(digits.join("whole/recipe.toml")).unwrap();
    assert!(kept.contains("classes = 10\n"), "{kept}");
    let head = fine_tuned(digits, "head", "[\"backbone\"]");
    let top1 = |report: &TrainReport| report.epochs[7].top1.unwrap();
    assert!(top1(&whole) > 85.0, "{whole:?}");
    // The weights have seen seven of the ten digits.
    assert!(top1(&head) > 75.0, "{head:?}");
    let quickest = |report: &TrainReport| {
        let seconds = report.epochs.iter().map(|epoch| epoch.seconds);
        seconds.fold(f64::INFINITY, f64::min)
    };
    assert!(quickest(&head) < quickest(&whole), "{head:?} {whole:?}");
}
