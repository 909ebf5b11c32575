//! What the commands report: JSON on standard output and nothing else there.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;

use std::process::{Command, Output, Stdio};

use common::{burn_zoo, checkpoint, status, stderr};
use serde_json::Value;

#[track_caller]
fn json(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}\n{}", stderr(output)))
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        "list",
        "summary",
        "inspect",
        "classify",
        "features",
        "evaluate",
        "plan",
        "train",
        "convert",
        "pull",
        "cache",
        "devices",
        "completions",
    ] {
        let output = burn_zoo(&[command, "--help"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(status(&output), Some(0), "{command}");
        assert!(
            text.contains("Example") && text.contains(&format!("burn-zoo {command}")),
            "{text}"
        );
    }
}

#[test]
fn plan_names_every_step_and_what_it_takes_in() {
    let plan = json(&burn_zoo(&[
        "plan",
        "resnet20_cifar",
        "--profile",
        "--json",
    ]));
    assert_eq!(plan["fell_back"], serde_json::json!([]));
    let steps = plan["steps"].as_array().unwrap();
    let last = steps.last().unwrap();
    assert_eq!(last["op"], "linear");
    let sum: f64 = steps
        .iter()
        .map(|step| step["share"].as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    // He et al. 2015, section 4.2: 19 convolutions, every second one of which adds a shortcut.
    let fused = |part: &str| {
        let has = |step: &&Value| step["fused"].as_array().unwrap().contains(&part.into());
        steps.iter().filter(has).count()
    };
    assert_eq!(
        [fused("batch norm"), fused("relu"), fused("residual")],
        [19, 19, 9]
    );
}

#[test]
fn list_names_resnet18_and_its_published_weights() {
    let rows = json(&burn_zoo(&["list", "resnet18.tv*", "--json"]));
    let row = &rows[0];
    assert_eq!(row["name"], "resnet18.tv_in1k");
    assert_eq!(row["architecture"], "resnet18");
    assert_eq!(row["params"], 11_689_512);
    assert_eq!(row["classes"], 1000);
    assert_eq!(row["top1"], 69.758);
    assert_eq!(row["licence"], "BSD-3-Clause");
}

#[test]
fn summary_adds_up_to_the_published_counts() {
    let summary = json(&burn_zoo(&["summary", "resnet18", "--json"]));
    assert_eq!(summary["params"], 11_689_512);
    assert_eq!(summary["macs"], 1_814_073_344);
    let stages = summary["stages"].as_array().unwrap();
    let params: u64 = stages
        .iter()
        .map(|stage| stage["params"].as_u64().unwrap())
        .sum();
    assert_eq!(params, 11_689_512);
}

#[test]
fn inspect_says_the_container_and_what_fits() {
    let path = checkpoint("resnet20_cifar.legacy.pth")
        .display()
        .to_string();
    let found = json(&burn_zoo(&["inspect", &path, "--json"]));
    assert_eq!(found["container"], "pytorch-legacy");
    let fits = found["fits"].as_array().unwrap();
    assert!(fits.iter().any(|name| name == "resnet20_cifar"), "{fits:?}");
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_burn-zoo"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
    assert_eq!(status(&output), Some(0));
}
