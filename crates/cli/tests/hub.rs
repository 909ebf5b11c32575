//! Hugging Face files on the command line, from a local test hub.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;
#[path = "../../core/tests/server/hub.rs"]
mod hub;
#[path = "../../core/tests/server/mod.rs"]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{burn_zoo_in, status, stderr};
use hub::{COMMIT, Hub};
use serde_json::Value;
use tempfile::TempDir;

/// A home directory and a hub.
struct Home {
    folder: TempDir,
    hub: Hub,
}

impl Home {
    fn new(files: &[(&str, &str, &[u8])]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            hub: Hub::of(files),
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn run(&self, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
        let home = self.folder.path().to_str().unwrap();
        let base = [
            ("HOME", home),
            ("XDG_CACHE_HOME", ""),
            ("BURN_ZOO_CACHE", ""),
            ("BURN_ZOO_MIRROR", ""),
            ("HF_ENDPOINT", &self.hub.server.base),
        ];
        burn_zoo_in(&[&base[..], settings].concat(), arguments)
    }
}

#[track_caller]
fn done(output: &Output) -> Value {
    assert_eq!(status(output), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn fails(output: &Output, parts: &[&str]) {
    assert_eq!(status(output), Some(1), "{}", stderr(output));
    let message = stderr(output);
    let last = message.lines().last().unwrap();
    for part in parts {
        assert!(last.contains(part), "{part} is not in: {last}");
    }
}

/// The path of a file of `me/net` in a folder.
fn snapshot(folder: &Path, file: &str) -> PathBuf {
    let commit = format!("models--me--net/snapshots/{COMMIT}");
    folder.join(commit).join(file)
}

#[test]
fn a_network_runs_from_the_hub_and_from_pythons_folder() {
    let file = common::checkpoint("resnet20_cifar.safetensors");
    let bytes = fs::read(&file).unwrap();
    let home = Home::new(&[("me/net", "model.safetensors", &bytes)]);
    let picture = common::root().join("assets/digits/5.png");
    let classify = |weights: &str, settings: &[(&str, &str)]| {
        let what = ["classify", picture.to_str().unwrap(), "--json", "--logits"];
        let model = ["--model", "resnet20_cifar", "--weights", weights];
        done(&home.run(settings, &[what, model].concat()))
    };
    let expected = classify(file.to_str().unwrap(), &[]);
    assert_eq!(classify("hf:me/net", &[]), expected);
    let page = "https://huggingface.co/me/net/blob/main/model.safetensors";
    assert_eq!(classify(page, &[("HF_HUB_OFFLINE", "1")]), expected);
    assert_eq!(classify(page, &[("BURN_ZOO_OFFLINE", "1")]), expected);
    // huggingface_hub's default on every platform.
    assert!(snapshot(&home.path(".cache/huggingface/hub"), "model.safetensors").is_file());
    assert_eq!(home.hub.asked().len(), 2);
}

#[test]
fn pythons_settings_choose_the_folder() {
    let home = Home::new(&[("me/net", "a.json", b"{}")]);
    let base = home.folder.path().display().to_string();
    let at = |name: &str| format!("{base}/{name}");
    let (a, b, c, d, e) = (at("a"), at("b"), at("c"), at("d"), at("e"));
    let mut settings: Vec<(&str, &str)> = Vec::new();
    // Each takes precedence over those above it.
    for (variable, value, folder) in [
        ("XDG_CACHE_HOME", &*a, format!("{a}/huggingface/hub")),
        ("HF_HOME", &b, format!("{b}/hub")),
        ("HUGGINGFACE_HUB_CACHE", &c, c.clone()),
        ("HF_HUB_CACHE", "~/d", d.clone()),
        ("HF_HUB_CACHE", "${HOME}/d2", format!("{base}/d2")),
        ("BURN_ZOO_CACHE", &e, e.clone()),
    ] {
        settings.push((variable, value));
        let pulled = done(&home.run(&settings, &["pull", "hf:me/net/a.json", "--json"]));
        let path = snapshot(Path::new(&folder), "a.json");
        assert_eq!(pulled["path"], path.to_str().unwrap(), "{variable}={value}");
        assert_eq!(pulled["bytes"], 2);
        assert!(path.is_file());
    }
    assert_eq!(d, at("d"));
}

#[test]
fn the_users_token_is_sent() {
    let home = Home::new(&[("me/gated", "x.json", b"{}")]);
    let pull = |settings: &[(&str, &str)]| {
        // Each time into a new folder.
        let folder = tempfile::tempdir().unwrap();
        let cache = [("HF_HUB_CACHE", folder.path().to_str().unwrap())];
        home.run(
            &[&cache[..], settings].concat(),
            &["pull", "hf:me/gated/x.json"],
        )
    };
    let good = hub::TOKEN;
    fails(
        &pull(&[]),
        &["hf:me/gated/x.json", "gated", "hf auth login"],
    );
    for variable in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        let output = pull(&[(variable, &format!("{good}\n"))]);
        assert_eq!(status(&output), Some(0), "{}", stderr(&output));
    }
    fails(&pull(&[("HF_TOKEN", "hf_old")]), &["not valid"]);
    let hidden = [("HF_TOKEN", good), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "yes")];
    fails(&pull(&hidden), &["gated"]);

    // As `hf auth login` stores it.
    fs::create_dir_all(home.path(".cache/huggingface")).unwrap();
    fs::write(home.path(".cache/huggingface/token"), good).unwrap();
    assert_eq!(status(&pull(&[])), Some(0));
    fs::write(home.path("mine"), "hf_old").unwrap();
    let path = home.path("mine").display().to_string();
    fails(&pull(&[("HF_TOKEN_PATH", &path)]), &["not valid"]);
    let folder = home.folder.path().display().to_string();
    fails(
        &pull(&[("HF_TOKEN_PATH", &folder)]),
        &["cannot read", &folder],
    );
    let elsewhere = [("HF_HOME", &*folder)];
    fails(&pull(&elsewhere), &["gated"]);
    fs::write(home.path("token"), format!("{good}\n")).unwrap();
    assert_eq!(status(&pull(&elsewhere)), Some(0));
    fails(
        &pull(&[("HF_ENDPOINT", "hub.example.org")]),
        &["HF_ENDPOINT", "https://"],
    );
}

#[test]
fn the_cache_lists_and_removes_pythons_files_only_by_an_hf_pattern() {
    let home = Home::new(&[("timm/resnet18.a1_in1k", "model.safetensors", b"values")]);
    done(&home.run(&[], &["pull", "hf:timm/resnet18.a1_in1k", "--json"]));
    let cache = |arguments: &[&str]| {
        let output = home.run(&[], &[&["cache"], arguments, &["--json"]].concat());
        done(&output)
    };
    let path = home.path(".cache/huggingface/hub").join(format!(
        "models--timm--resnet18.a1_in1k/snapshots/{COMMIT}/model.safetensors"
    ));
    let names = |rows: &Value| -> Vec<String> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| {
            assert_eq!(row["path"], path.to_str().unwrap());
            row["name"].as_str().unwrap().to_owned()
        })
        .collect()
    };
    // It is the file of registered weights, so these are cached too.
    let listed = cache(&[]);
    assert_eq!(names(&listed), ["resnet18.a1_in1k"]);
    assert_eq!(listed[0]["verified"], Value::Null);
    assert_eq!(cache(&["verify"])[0]["verified"], true);
    let row = done(&home.run(&[], &["list", "resnet18.a1_in1k", "--json"]));
    assert_eq!(row[0]["cached"], true);
    let name = format!("hf:timm/resnet18.a1_in1k@{COMMIT}/model.safetensors");
    assert_eq!(names(&cache(&["list", "hf:*"])), [name.as_str()]);
    assert_eq!(cache(&["list", "hf:me/*"]), Value::Array(vec![]));

    for pattern in ["*", "resnet18*"] {
        let kept = cache(&["clean", pattern]);
        assert_eq!(
            (names(&kept).len(), &kept[0]["kept"]),
            (1, &Value::Bool(true))
        );
        assert!(path.is_file());
    }
    assert_eq!(names(&cache(&["clean", "hf:timm/*"])), [name.as_str()]);
    assert!(!path.exists());
    assert_eq!(cache(&[]), Value::Array(vec![]));
}

#[test]
fn an_invalid_hub_name_is_a_usage_error() {
    let home = Home::new(&[]);
    for (name, reason) in [
        ("hf:resnet50", "the owner is missing"),
        ("hf:o/r/../x", "not a path inside"),
    ] {
        for arguments in [["pull", name], ["inspect", name]] {
            let output = home.run(&[], &arguments);
            assert_eq!(status(&output), Some(2), "{}", stderr(&output));
            assert!(stderr(&output).contains(reason), "{}", stderr(&output));
        }
    }
    assert!(home.hub.asked().is_empty());
}
