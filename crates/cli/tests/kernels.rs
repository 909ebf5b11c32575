//! `train` with each choice of kernels.
#![cfg(feature = "fast-cpu")]
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

use serde_json::Value;

mod common;
mod folders;

#[test]
fn train_computes_its_steps_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    folders::digits(folder.path());
    let recipe = folder.path().join("recipe.toml");
    let text = format!(
        r#"
        model = "resnet20_cifar"
        classes = 10
        channels = 1
        epochs = 1
        batch = 16
        seed = 5
        output = "replaced"
        [data]
        path = {:?}
        valid = 10
        [optimizer]
        lr = 0.05
        [schedule]
        decay = "constant"
        "#,
        folder.path()
    );
    std::fs::write(&recipe, text).unwrap();
    let run = |name: &str, more: &[&str]| {
        let output = format!("output={}", folder.path().join(name).display());
        let recipe = recipe.display().to_string();
        let fixed = ["train", &recipe, "--set", &output, "--json"];
        let output = common::burn_zoo(&[&fixed[..], more].concat());
        let error = common::stderr(&output);
        assert_eq!(common::status(&output), Some(0), "{error}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["epochs"][0]["train_loss"].as_f64().unwrap()
    };
    let fast = run("fast", &[]);
    let off = run("off", &["--engine", "off"]);
    let others = [
        fast,
        run("exact", &["--exact"]),
        run("both", &["--exact", "--engine", "off"]),
    ];
    assert!(
        others.iter().all(|loss| (loss - off).abs() < 1e-3 * off),
        "{others:?}, {off}"
    );
    // Each rounds in its own way, and in the same way each time.
    assert!(fast != off && others[1] != off && others[1] != fast);
    assert_eq!(others[2], off);
    assert_eq!(run("again", &[]), fast);
}
