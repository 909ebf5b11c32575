//! A run whose disk is full, or can only be read.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

mod common;
mod folders;

/// Three epochs of a network whose weights take 363 KB.
fn recipe(folder: &Path) -> String {
    let text = format!(
        r#"
        model = "highway_fc10"
        classes = 10
        channels = 1
        epochs = 3
        batch = 8
        seed = 5
        output = "run"
        [data]
        path = {:?}
        valid = 10
        [optimizer]
        lr = 0.05
        [schedule]
        decay = "cosine"
        "#,
        folder.join("data"),
    );
    let path = folder.join("recipe.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Runs shell lines in a folder, which may mount file systems that nobody else sees; `BURN_ZOO`
/// is the program.
fn mounting(script: &str, folder: &Path) -> Output {
    let works = |flags: &str| {
        let script = ["--mount", "sh", "-c", "mount -t tmpfs none /mnt"];
        let mut command = Command::new("unshare");
        command.arg(flags).args(script).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let flags = ["--fork", "--map-root-user"]
        .into_iter()
        .find(|flags| works(flags))
        .expect("this test needs `unshare` and the right to mount");
    let script = script.replace("BURN_ZOO", env!("CARGO_BIN_EXE_burn-zoo"));
    let mut command = Command::new("unshare");
    let command = command.args([flags, "--mount", "sh", "-ec", &script]);
    command.current_dir(folder).output().unwrap()
}

fn losses(json: &[u8]) -> Vec<f64> {
    let document: Value = serde_json::from_slice(json).unwrap();
    let epochs = document["epochs"].as_array().unwrap();
    let losses = epochs.iter().map(|epoch| epoch["train_loss"].as_f64());
    losses.map(Option::unwrap).collect()
}

#[test]
fn a_full_disk_stops_a_run_that_goes_on_where_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    folders::digits(&folder.path().join("data"));
    let recipe = recipe(folder.path());
    let output = folder.path().join("whole").display().to_string();
    let whole = [
        "train",
        &recipe,
        "--json",
        "--set",
        &format!("output={output}"),
    ];
    let whole = common::burn_zoo(&whole);
    assert_eq!(
        common::status(&whole),
        Some(0),
        "{}",
        common::stderr(&whole)
    );

    // Room for the weights, the first checkpoint and a part of the second.
    let script = format!(
        "mkdir run; mount -t tmpfs -o size=2200k none run; \
         BURN_ZOO train {recipe} --plain && exit 3; \
         ls run/checkpoints >&2; test -f run/checkpoints/epoch-1/state.json; \
         mount -o remount,size=16m run; BURN_ZOO train --resume run --json"
    );
    let resumed = mounting(&script, folder.path());
    let said = common::stderr(&resumed);
    assert!(resumed.status.success(), "{said}");
    assert!(said.contains("epoch 1/3"), "{said}");
    assert!(said.contains("burn-zoo: cannot write run/"), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("epoch-1\nepoch-2.partial\n"), "{said}");
    let (found, expected) = (losses(&resumed.stdout), losses(&whole.stdout));
    assert_eq!(found.len(), 3);
    for (found, expected) in found.iter().zip(&expected) {
        assert!(
            (found - expected).abs() <= 1e-6,
            "{found} is not {expected}"
        );
    }
}

#[test]
fn a_folder_that_can_only_be_read_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    folders::digits(&folder.path().join("data"));
    let recipe = recipe(folder.path());
    let script = format!(
        "mkdir run; mount -t tmpfs -o size=16m none run; \
         BURN_ZOO train {recipe} --plain --set epochs=1; sed -i s/epochs.=.1/epochs=2/ run/recipe.toml; \
         mount -o remount,ro run; BURN_ZOO train --resume run --plain && exit 3; \
         ls run/checkpoints/epoch-1 >&2"
    );
    let stopped = mounting(&script, folder.path());
    let said = common::stderr(&stopped);
    assert!(stopped.status.success(), "{said}");
    assert!(said.contains("burn-zoo: cannot write run/"), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(said.contains("state.json"), "{said}");
}
