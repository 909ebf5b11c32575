//! A training run that is killed and goes on.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

mod common;
mod folders;

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

/// A run that was never stopped.
fn whole(folder: &Path) -> Vec<[f64; 4]> {
    let run = recipe(folder, &folder.join("whole"));
    let output = common::burn_zoo(&["train", &run, "--device", "flex", "--json"]);
    assert_eq!(
        common::status(&output),
        Some(0),
        "{}",
        common::stderr(&output)
    );
    epochs(&output.stdout)
}

/// A run in the middle of its third epoch.
fn in_the_third_epoch(run: &str, more: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_burn-zoo"))
        .args(["train", run, "--device", "flex", "--json"])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let second = lines.find(|line| line.as_ref().unwrap().contains("epoch 2/"));
    assert!(second.is_some(), "the second epoch is done");
    // What comes after is of no interest, but must not close the pipe.
    std::thread::spawn(move || lines.count());
    // An epoch takes longer than this.
    std::thread::sleep(Duration::from_millis(50));
    child
}

#[track_caller]
fn assert_failed(output: &Output, told: &str) {
    let message = common::stderr(output);
    assert_eq!(common::status(output), Some(1), "{message}");
    assert!(message.contains(told), "{message}");
}

#[track_caller]
fn assert_resumes(folder: &Path, expected: &[[f64; 4]]) {
    let folder = folder.display().to_string();
    let resumed = common::burn_zoo(&["train", "--resume", &folder, "--device", "flex", "--json"]);
    assert_eq!(
        common::status(&resumed),
        Some(0),
        "{}",
        common::stderr(&resumed)
    );
    let found = epochs(&resumed.stdout);
    assert_eq!(found.len(), 4);
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!(
            (found - expected).abs() <= 1e-6,
            "{found} is not {expected}"
        );
    }
}

#[test]
fn a_run_killed_in_an_epoch_and_resumed_ends_as_one_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    folders::digits(folder.path());
    let expected = whole(folder.path());

    let killed = folder.path().join("killed");
    let run = recipe(folder.path(), &killed);
    let mut child = in_the_third_epoch(&run, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    let checkpoints = killed.join("checkpoints");
    assert!(checkpoints.join("epoch-2/state.json").is_file());
    assert!(!checkpoints.join("epoch-3").exists());

    let again = common::burn_zoo(&["train", &run, "--device", "flex"]);
    assert_failed(&again, "holds a run already");

    let more = folder.path().join("train/0/more.png");
    std::fs::copy(folder.path().join("train/0/0.png"), &more).unwrap();
    let killed_path = killed.display().to_string();
    let other = common::burn_zoo(&["train", "--resume", &killed_path, "--device", "flex"]);
    assert_failed(&other, "other training images (then 50, now 51)");
    std::fs::remove_file(more).unwrap();
    assert_resumes(&killed, &expected);
}

#[test]
fn a_folder_is_trained_in_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    folders::digits(folder.path());
    let busy = folder.path().join("busy");
    let run = recipe(folder.path(), &busy);
    let mut child = in_the_third_epoch(&run, &["--set", "epochs=100000"]);
    let second = common::burn_zoo(&["train", "--resume", &busy.display().to_string()]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_failed(&second, "is being trained in already");
}

#[test]
fn a_recipe_that_cannot_be_run_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    folders::digits(folder.path());
    let output = folder.path().join("none");
    let run = recipe(folder.path(), &output);
    let failed = common::burn_zoo(&["train", &run, "--set", "channels=2"]);
    assert_failed(&failed, "needs 2 channels");
    assert!(!output.exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_writes_a_checkpoint_in_the_epoch_that_a_run_goes_on_from() {
    let folder = tempfile::tempdir().unwrap();
    folders::digits(folder.path());
    let expected = whole(folder.path());

    let stopped = folder.path().join("stopped");
    let child = in_the_third_epoch(&recipe(folder.path(), &stopped), &[]);
    let signal = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(signal.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["ended"], "stopped");
    assert_eq!(document["epochs"].as_array().unwrap().len(), 2);
    let resume = document["resume"].as_str().unwrap();
    assert_eq!(
        resume,
        format!("burn-zoo train --resume {}", stopped.display())
    );
    let checkpoints = std::fs::read_dir(stopped.join("checkpoints")).unwrap();
    let names = checkpoints.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        names
            .into_iter()
            .any(|name| name.starts_with("epoch-2-batch-"))
    );
    assert_resumes(&stopped, &expected);
}

/// On a pseudo terminal, which util-linux's `script` makes and passes keys on to.
#[cfg(all(target_os = "linux", feature = "dashboard"))]
#[test]
fn q_on_the_dashboard_ends_a_run_as_ctrl_c_does() {
    use std::io::{Read as _, Write as _};
    use std::time::Instant;

    let folder = tempfile::tempdir().unwrap();
    folders::digits(folder.path());
    let asked = folder.path().join("asked");
    let run = recipe(folder.path(), &asked);
    let program = env!("CARGO_BIN_EXE_burn-zoo");
    let train = format!("exec '{program}' train '{run}' --device flex --set epochs=100000");
    let mut child = Command::new("script")
        .args([
            "-qec",
            &format!("stty rows 40 cols 120; {train}"),
            "/dev/null",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux has `script`");
    let mut output = child.stdout.take().unwrap();
    let shown = std::thread::spawn(move || {
        let mut shown = Vec::new();
        output.read_to_end(&mut shown).unwrap();
        String::from_utf8_lossy(&shown).into_owned()
    });
    let mut keys = child.stdin.take().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("q did not end the run");
        }
        // One opens the question and the other answers it; elsewhere neither does anything. Nobody
        // reads them once the run has ended.
        for key in ["q", "s"] {
            let _ = keys.write_all(key.as_bytes());
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let shown = shown.join().unwrap();
    assert_eq!(status.code(), Some(0), "{shown}");
    // The terminal is as it was when the command that goes on is told.
    let (dashboard, told) = shown.rsplit_once("\x1b[?1049l").unwrap();
    assert!(dashboard.contains("\x1b[?1049h"), "{shown}");
    let resume = format!("burn-zoo train --resume {}", asked.display());
    assert!(told.contains(&resume), "{told}");
    let log = std::fs::read_to_string(asked.join("train.log")).unwrap();
    assert!(
        log.trim_end().ends_with("stopped; it can be resumed"),
        "{log}"
    );
    let checkpoints = std::fs::read_dir(asked.join("checkpoints")).unwrap();
    let newest = checkpoints.map(|entry| entry.unwrap().path().join("state.json"));
    assert!(newest.into_iter().any(|state| state.is_file()));
}
