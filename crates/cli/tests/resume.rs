//! A training run that is killed and goes on.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

mod common;

/// The ten digits that ship as pictures, six times, one folder a class.
fn data(folder: &Path) {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/digits");
    for digit in 0..10 {
        let class = folder.join("train").join(digit.to_string());
        std::fs::create_dir_all(&class).unwrap();
        for copy in 0..6 {
            let picture = digits.join(format!("{digit}.png"));
            std::fs::copy(picture, class.join(format!("{copy}.png"))).unwrap();
        }
    }
}

fn recipe(folder: &Path, output: &Path) -> String {
    let text = format!(
        r#"
        model = "resnet20_cifar"
        classes = 10
        channels = 1
        epochs = 4
        batch = 8
        seed = 5
        output = {output:?}
        [data]
        path = {folder:?}
        valid = 10
        augment = {{ shift = 2 }}
        [optimizer]
        lr = 0.05
        nesterov = true
        weight_decay = 5e-4
        [schedule]
        decay = "cosine"
        warmup_epochs = 1
        "#
    );
    let path = output.with_extension("toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// All but the time taken.
fn epochs(stdout: &[u8]) -> Vec<[f64; 4]> {
    let document: Value = serde_json::from_slice(stdout).unwrap();
    let figures = ["epoch", "train_loss", "valid_loss", "top1"];
    let row = |epoch: &Value| figures.map(|figure| epoch[figure].as_f64().unwrap());
    document["epochs"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

#[test]
fn a_run_killed_in_an_epoch_and_resumed_ends_as_one_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    data(folder.path());
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let run = recipe(folder.path(), &whole);
    let expected = common::burn_zoo(&["train", &run, "--device", "flex", "--json"]);
    assert_eq!(
        common::status(&expected),
        Some(0),
        "{}",
        common::stderr(&expected)
    );

    let run = recipe(folder.path(), &killed);
    let mut child = Command::new(env!("CARGO_BIN_EXE_burn-zoo"))
        .args(["train", &run, "--device", "flex", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let second = lines.find(|line| line.as_ref().unwrap().contains("epoch 2/4"));
    assert!(second.is_some(), "the second epoch is done");
    // An epoch takes longer than this.
    std::thread::sleep(Duration::from_millis(50));
    child.kill().unwrap();
    child.wait().unwrap();
    let checkpoints = killed.join("checkpoints");
    assert!(checkpoints.join("epoch-2/state.json").is_file());
    assert!(!checkpoints.join("epoch-3").exists());

    let again = common::burn_zoo(&["train", &run, "--device", "flex"]);
    assert_eq!(common::status(&again), Some(1));
    assert!(common::stderr(&again).contains("holds a run already"));

    let killed = killed.display().to_string();
    let resumed = common::burn_zoo(&["train", "--resume", &killed, "--device", "flex", "--json"]);
    assert_eq!(
        common::status(&resumed),
        Some(0),
        "{}",
        common::stderr(&resumed)
    );
    let [found, expected] = [resumed, expected].map(|output| epochs(&output.stdout));
    assert_eq!(found.len(), 4);
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!(
            (found - expected).abs() <= 1e-6,
            "{found} is not {expected}"
        );
    }
}
