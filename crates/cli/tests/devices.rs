//! `devices`, `compare`, `bench` and `--dtype`: on flex always, on the others where they are
//! compiled in.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;

#[cfg(feature = "wgpu")]
use common::burn_zoo_in;
use common::{burn_zoo, root, status, stderr};
use serde_json::Value;

const DIGITS: &str = "resnet20_cifar.digits";

#[track_caller]
fn json(arguments: &[&str], expected: i32) -> Value {
    let output = burn_zoo(arguments);
    assert_eq!(status(&output), Some(expected), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn seven() -> String {
    root().join("assets/digits/7.png").display().to_string()
}

/// `path` is a number above zero.
#[track_caller]
fn positive(row: &Value, path: &str) -> f64 {
    let value = row.pointer(path).and_then(Value::as_f64);
    let value = value.unwrap_or_else(|| panic!("no number {path} in {row}"));
    assert!(value > 0.0, "{path} in {row}");
    value
}

#[test]
fn devices_are_listed_with_what_they_compute_in() {
    let rows = json(&["devices", "--json"], 0);
    let flex = &rows[0];
    assert_eq!(flex["device"], "flex");
    assert_eq!(
        flex["dtypes"],
        serde_json::json!(["f64", "f32", "f16", "bf16"])
    );
    for row in rows.as_array().unwrap() {
        assert!(row["adapter"].is_string(), "{row}");
        assert!(row["error"].is_null(), "{row}");
        assert!(row["dtypes"].as_array().unwrap().contains(&"f32".into()));
    }
}

#[test]
fn compare_measures_each_device_and_a_failed_one_is_a_row() {
    let image = seven();
    let run = [
        "compare",
        "--model",
        DIGITS,
        "--devices",
        "flex,abacus,flex",
        "--image",
        &image,
        "--seconds",
        "0",
        "--layers",
        "--json",
    ];
    let output = burn_zoo(&run);
    assert_eq!(status(&output), Some(1));
    let last = stderr(&output).lines().last().unwrap().to_owned();
    assert!(
        last.starts_with("burn-zoo: 1 of 3 devices failed"),
        "{last}"
    );
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let error = rows[1]["error"].as_str().unwrap();
    assert!(error.contains("unknown device abacus"), "{error}");
    for row in [&rows[0], &rows[2]] {
        assert_eq!(row["device"], "flex");
        assert_eq!(row["max_abs_diff"], 0.0);
        assert_eq!(row["max_rel_diff"], 0.0);
        assert_eq!([&row["argmax_equal"], &row["top5_equal"]], [true, true]);
        assert!(positive(row, "/latency_ms/median") <= positive(row, "/latency_ms/p95"));
        let seconds = positive(row, "/latency_ms/median") / 1e3;
        assert!((positive(row, "/images_per_s") * seconds - 1.0).abs() < 1e-6);
        assert!(positive(row, "/warm_up/total_ms") >= positive(row, "/warm_up/first_ms"));
        // Nothing is compiled for flex.
        assert!(row["warm_up"]["compile_ms"].is_null(), "{row}");
        assert_eq!([&row["dtype"], &row["engine"]], ["f32", "off"]);
        assert!(row["first_different_layer"].is_null());
        let layers: Vec<_> = row["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| &l["name"])
            .collect();
        assert_eq!(layers, ["conv1", "stage1", "stage2", "stage3"]);
        if cfg!(target_os = "linux") {
            assert!(positive(row, "/peak_bytes") > 1e6, "{row}");
            assert_eq!(row["peak_memory"], "process");
        }
    }
}

#[test]
fn compare_draws_a_chart_and_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.svg").display().to_string();
    let run = [
        "compare",
        "--model",
        "highway_fc10",
        "--devices",
        "flex,flex",
        "--batch",
        "4",
        "--seconds",
        "0",
        "--svg",
        &path,
    ];
    let output = burn_zoo(&run);
    assert_eq!(status(&output), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("highway_fc10: seeded random weights"));
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(
        svg.starts_with("<svg") && svg.contains("highway_fc10, ms per batch of 4"),
        "{svg}"
    );
    assert_eq!(svg.matches("flex").count(), 2);
    let again = burn_zoo(&run);
    assert_eq!(status(&again), Some(1));
    assert!(
        stderr(&again).contains("bars.svg exists already"),
        "{}",
        stderr(&again)
    );
}

#[test]
fn compare_compiles_on_flex_where_it_is_asked_to() {
    let run = |dtype: &'static str| {
        let fixed = ["compare", "--model", DIGITS, "--engine", "on", "--layers"];
        let more = ["--seconds", "0", "--json", "--dtype", dtype];
        [&fixed[..], &["--devices", "flex"], &more].concat()
    };
    let rows = json(&run("f32"), 0);
    assert_eq!(rows[0]["engine"], "on");
    assert_eq!(rows[0]["layers"].as_array().unwrap().len(), 4);
    positive(&rows[0], "/warm_up/compile_ms");
    let output = burn_zoo(&run("f16"));
    assert_eq!(status(&output), Some(2));
    let message = stderr(&output);
    assert!(
        message.contains("--engine on computes in f32, not in f16"),
        "{message}"
    );
}

/// What Burn's other backend for processors answers, the plan answers.
#[cfg(feature = "ndarray")]
#[test]
fn compare_says_which_device_ran_a_plan() {
    let run = [
        "compare",
        "--model",
        DIGITS,
        "--devices",
        "ndarray,flex",
        "--engine",
        "on",
        "--seconds",
        "0",
        "--layers",
        "--json",
    ];
    let rows = json(&run, 0);
    assert_eq!([&rows[0]["engine"], &rows[1]["engine"]], ["off", "on"]);
    assert!(rows[0]["warm_up"]["compile_ms"].is_null());
    let difference = positive(&rows[1], "/max_rel_diff");
    assert!(difference < 1e-4, "{difference}");
    assert!(rows[1]["first_different_layer"].is_null(), "{}", rows[1]);
}

#[test]
fn bench_times_both_passes_and_collects_rows() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("speed.csv").display().to_string();
    let run = |more: &[&str]| {
        let fixed = [
            "bench",
            "--model",
            "highway_fc10",
            "--seconds",
            "0",
            "--csv",
            &csv,
        ];
        json(&[&fixed[..], more, &["--json"]].concat(), 0)
    };
    let one = run(&[]);
    assert_eq!([&one["model"], &one["device"]], ["highway_fc10", "flex"]);
    assert_eq!(
        [&one["batch"], &one["dtype"]],
        [&Value::from(1), &Value::from("f32")]
    );
    for key in [
        "/forward_ms/median",
        "/forward_ms/p95",
        "/train_ms/median",
        "/images_per_s",
    ] {
        positive(&one, key);
    }
    assert_eq!(one["engine"], "on");
    positive(&one, "/forward_plain_ms/median");
    if cfg!(feature = "fast-cpu") {
        assert_eq!(one["kernels"], "fast");
        positive(&one, "/train_plain_ms/median");
    }
    let several = run(&[
        "--batch",
        "1,16",
        "--dtype",
        "f32,bf16",
        "--forward-only",
        "--vs",
        &csv,
    ]);
    let several = several.as_array().unwrap();
    assert_eq!(several.len(), 4);
    // Only the first combination has a row in the file as it was.
    positive(&several[0], "/vs/forward");
    assert!(several[0]["vs"]["train"].is_null() && several[0]["train_ms"].is_null());
    assert!(several[1..].iter().all(|row| row["vs"].is_null()));
    let off = run(&["--engine", "off"]);
    positive(&off, "/train_ms/median");
    assert_eq!(off["engine"], "off");
    for key in ["kernels", "forward_plain_ms", "train_plain_ms"] {
        assert!(off[key].is_null(), "{off}");
    }
    let text = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(text.lines().count(), 1 + 1 + 4 + 1, "{text}");
    assert!(
        text.lines()
            .nth(5)
            .unwrap()
            .contains("burn-zoo bench --model highway_fc10")
    );
}

#[test]
fn half_precision_changes_the_logits_and_not_the_answer() {
    let image = seven();
    let logits = |dtype: &str| -> Vec<f64> {
        let run = ["classify", &image, "--json", "--logits", "--dtype", dtype];
        let rows = json(&run, 0);
        assert_eq!(rows[0]["predictions"][0]["class"], 7);
        let logits = rows[0]["logits"].as_array().unwrap().iter();
        logits.map(|logit| logit.as_f64().unwrap()).collect()
    };
    let exact = logits("f32");
    // Bits of the significand: 11 and 8; the errors of twenty layers add up.
    for (dtype, least, most) in [("f16", 1e-5, 2e-2), ("bf16", 1e-4, 2e-1)] {
        let pairs = logits(dtype).into_iter().zip(&exact);
        let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let error = error / exact.iter().map(|logit| logit.abs()).fold(0.0, f64::max);
        assert!((least..most).contains(&error), "{dtype}: {error}");
    }
}

#[test]
fn lending_a_device_needs_its_feature() {
    if cfg!(feature = "remote") {
        return;
    }
    let output = burn_zoo(&["serve-device", "127.0.0.1:0"]);
    assert_eq!(status(&output), Some(1));
    assert!(
        stderr(&output).contains("--features remote"),
        "{}",
        stderr(&output)
    );
}

/// A device that has not enough memory is an error, and the process that ran out is another one.
#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_an_error_that_says_so() {
    let command = format!(
        "ulimit -v 1500000; exec '{}' bench --model resnet18 --batch 4096 --seconds 0 --forward-only --json",
        env!("CARGO_BIN_EXE_burn-zoo")
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &command])
        .output()
        .unwrap();
    assert_eq!(status(&output), Some(1), "{}", stderr(&output));
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = row["error"].as_str().unwrap();
    assert!(error.contains("out of memory"), "{error}");
}

#[cfg(feature = "ndarray")]
#[test]
fn a_format_that_a_backend_lacks_is_an_error_that_names_those_it_has() {
    let output = burn_zoo(&[
        "classify",
        &seven(),
        "--device",
        "ndarray",
        "--dtype",
        "f16",
    ]);
    assert_eq!(status(&output), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("ndarray does not compute in f16; it does in f64, f32"),
        "{message}"
    );
}

#[cfg(all(feature = "ndarray", feature = "wgpu"))]
#[test]
fn three_backends_agree() {
    let run = [
        "compare",
        "--model",
        DIGITS,
        "--devices",
        "flex,ndarray,wgpu",
        "--seconds",
        "0",
        "--layers",
        "--json",
    ];
    let rows = json(&run, 0);
    for row in rows.as_array().unwrap() {
        assert!(row["max_rel_diff"].as_f64().unwrap() < 1e-3, "{row}");
        assert_eq!(
            [&row["argmax_equal"], &row["top5_equal"]],
            [true, true],
            "{row}"
        );
        assert!(row["first_different_layer"].is_null(), "{row}");
    }
    assert_eq!(rows[2]["peak_memory"], "device");
    positive(&rows[2], "/warm_up/compile_ms");
}

#[cfg(feature = "wgpu")]
#[test]
fn without_a_driver_there_is_no_adapter_and_no_panic() {
    let blind = [
        ("VK_DRIVER_FILES", "/dev/null"),
        ("VK_ICD_FILENAMES", "/dev/null"),
        // Where there is no Vulkan, OpenGL is tried.
        ("__EGL_VENDOR_LIBRARY_FILENAMES", "/dev/null"),
    ];
    let output = burn_zoo_in(&blind, &["classify", &seven(), "--device", "wgpu"]);
    assert_eq!(status(&output), Some(1));
    let message = stderr(&output);
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    for part in [
        "device wgpu",
        "no adapter was found",
        "Vulkan",
        "mesa-vulkan-drivers",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let output = burn_zoo_in(&blind, &["devices", "--json"]);
    assert_eq!(status(&output), Some(0), "{}", stderr(&output));
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wgpu = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["device"] == "wgpu")
        .unwrap();
    assert!(
        wgpu["error"].as_str().unwrap().contains("no adapter"),
        "{wgpu}"
    );
}

/// The epoch's mean loss from the weights of one seed.
#[cfg(all(feature = "ndarray", feature = "wgpu"))]
#[test]
fn one_recipe_runs_unchanged_on_three_backends() {
    let folder = tempfile::tempdir().unwrap();
    let loss = |device: &str| {
        let output = folder.path().join(device);
        let path = folder.path().join(format!("{device}.toml"));
        // The ten pictures, one folder a class: five steps.
        let data = folder.path().join("data");
        for digit in 0..10 {
            let class = data.join("train").join(digit.to_string());
            std::fs::create_dir_all(&class).unwrap();
            let picture = root().join(format!("assets/digits/{digit}.png"));
            std::fs::copy(picture, class.join("a.png")).unwrap();
        }
        let recipe = format!(
            "model = \"resnet20_cifar\"\nclasses = 10\nchannels = 1\nepochs = 1\nbatch = 2\n\
             seed = 7\noutput = {output:?}\n[data]\npath = {data:?}\nvalid = 0\n\
             [optimizer]\nlr = 0.02\n[schedule]\ndecay = \"cosine\"\n"
        );
        std::fs::write(&path, recipe).unwrap();
        let run = [
            "train",
            path.to_str().unwrap(),
            "--device",
            device,
            "--json",
        ];
        let report = json(&run, 0);
        report["epochs"][0]["train_loss"].as_f64().unwrap()
    };
    let flex = loss("flex");
    for device in ["ndarray", "wgpu"] {
        let found = loss(device);
        assert!(
            (found - flex).abs() < 1e-3,
            "{device}: {found}, flex: {flex}"
        );
    }
}

#[test]
fn gradients_are_exchanged_only_where_the_backend_can_and_nothing_is_written_before() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("run");
    let output = format!("output={}", output.display());
    let refused = |devices: &str| {
        let recipe = root().join("recipes/digits-small.toml");
        let recipe = recipe.display().to_string();
        let run = ["train", &recipe, "--set", &output, "--devices", devices];
        let run = [&run[..], &["--strategy", "all-reduce"]].concat();
        let refused = burn_zoo(&run);
        assert_eq!(status(&refused), Some(2), "{}", stderr(&refused));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        stderr(&refused)
    };
    for device in ["flex", "ndarray", "wgpu:1", "remote:ws://localhost:1"] {
        let told = refused(&format!("cuda:0,{device}"));
        let reason =
            format!("{device} has no collectives in Burn (only cuda has); --strategy gather works");
        assert!(told.contains(&reason), "{told}");
    }
    assert!(refused("cuda:0").contains("one device"));
    assert!(refused("cuda:0,cuda:0").contains("named twice"));
}
