//! Each example is run as a reader would.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::process::Command;

fn output(example: &str) -> String {
    // Cargo builds a package's examples before its tests, beside them.
    let test = std::env::current_exe().unwrap();
    let folder = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let run = Command::new(folder.join(example))
        .current_dir(root)
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
