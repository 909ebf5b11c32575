//! `pull`, `cache`, and weights fetched on first use, from a server of our own.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;
#[path = "../../core/tests/server/published.rs"]
mod published;
#[path = "../../core/tests/server/mod.rs"]
mod server;

use std::path::Path;
use std::process::Output;

use common::{burn_zoo_in, status, stderr};
use serde_json::{Value, json};
use server::{Reply, Server};

/// Runs a command with this cache and mirror.
fn with(folder: &Path, mirror: &str, arguments: &[&str]) -> Output {
    let folder = folder.display().to_string();
    let environment = [("BURN_ZOO_CACHE", &*folder), ("BURN_ZOO_MIRROR", mirror)];
    burn_zoo_in(&environment, arguments)
}

fn offline(folder: &Path, arguments: &[&str]) -> Output {
    let folder = folder.display().to_string();
    let environment = [("BURN_ZOO_CACHE", &*folder), ("BURN_ZOO_OFFLINE", "1")];
    burn_zoo_in(&environment, arguments)
}

#[track_caller]
fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stderr(output)))
}

#[track_caller]
fn done(output: &Output) -> Value {
    assert_eq!(status(output), Some(0), "{}", stderr(output));
    parsed(output)
}

/// Status 1, nothing on standard output, and all of `parts` in the last line of standard error.
#[track_caller]
fn fails(output: &Output, parts: &[&str]) {
    let message = stderr(output);
    assert_eq!(status(output), Some(1), "{message}");
    assert!(output.stdout.is_empty());
    let last = message.lines().last().unwrap();
    assert!(last.starts_with("burn-zoo: "), "{message}");
    for part in parts {
        assert!(last.contains(part), "{part} is not in: {last}");
    }
}

#[test]
fn a_name_is_pulled_used_verified_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, cache) = (published::resnet18(), folder.path().join("cache"));
    let server = Server::of(&bytes);
    let file = cache.join("resnet18-f37072fd.pth");
    let name = "resnet18.tv_in1k";
    let cached = || done(&offline(&cache, &["list", name, "--json"]))[0]["cached"].clone();
    assert_eq!(cached(), false);
    assert_eq!(done(&offline(&cache, &["cache", "--json"])), json!([]));

    let pulled = done(&with(&cache, &server.base, &["pull", name, "--json"]));
    // By `sha256sum`.
    let sum = "f37072fda3a9494cf0bb820da4b77c6e4c9f383c9fc30433b1fd5278f53d2c5e";
    let expected = json!({ "path": file, "bytes": bytes.len(), "sha256": sum });
    assert_eq!(pulled, expected);
    assert_eq!(server.seen()[0].path, published::PATH);
    assert!(std::fs::read(&file).unwrap() == bytes);
    assert_eq!(cached(), true);
    let row = json!([{ "name": name, "path": file, "bytes": bytes.len(), "verified": true }]);
    assert_eq!(done(&offline(&cache, &["cache", "--json"])), row);
    assert_eq!(done(&offline(&cache, &["pull", name, "--json"])), expected);

    // By name it is the same network as by its file, and nothing is fetched for it.
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/digits/3.png");
    let picture = picture.display().to_string();
    let run = ["classify", &picture, "--json", "--logits", "--model"];
    let by_name = done(&offline(&cache, &[&run[..], &[name]].concat()));
    let path = file.display().to_string();
    let by_file = [&run[..], &["resnet18", "--weights", &path]].concat();
    assert_eq!(by_name, done(&offline(&cache, &by_file)));
    assert_eq!(by_name[0]["logits"].as_array().unwrap().len(), 1000);
    assert_eq!(server.seen().len(), 1);

    let verify = ["cache", "verify", "--json"];
    assert_eq!(done(&offline(&cache, &verify)), row);
    let mut broken = bytes.clone();
    broken[1_000_000] ^= 1;
    std::fs::write(&file, &broken).unwrap();
    let listed = done(&offline(&cache, &["cache", "--json"]));
    assert_eq!(listed[0]["verified"], Value::Null);
    let output = offline(&cache, &verify);
    assert_eq!(status(&output), Some(1));
    let rows = parsed(&output);
    assert_eq!(rows[0]["verified"], false);
    let error = rows[0]["error"].as_str().unwrap();
    assert!(error.contains("expected f37072fd"), "{error}");
    let classify = [&run[..], &[name]].concat();
    fails(&offline(&cache, &classify), &["sha256", &path]);

    std::fs::write(cache.join("diary.txt"), "mine").unwrap();
    let cleaned = done(&offline(&cache, &["cache", "clean", "resnet18*", "--json"]));
    assert_eq!(cleaned[0]["name"], name);
    assert!(!file.exists() && cache.join("diary.txt").exists());
    assert_eq!(cached(), false);
}

#[test]
fn a_model_is_fetched_on_first_use() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(&published::resnet18());
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/digits/3.png");
    let run = [
        "classify",
        &picture.display().to_string(),
        "--model",
        "resnet18.tv_in1k",
        "--json",
    ];
    let output = with(folder.path(), &server.base, &run);
    assert_eq!(done(&output)[0]["predictions"].as_array().unwrap().len(), 5);
    assert!(stderr(&output).contains("fetching resnet18.tv_in1k"));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn what_goes_wrong_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path();
    let pull = ["pull", "resnet18.tv_in1k", "--json"];
    let server = Server::of(b"<html>Please log in</html>");
    let output = with(cache, &server.base, &pull);
    fails(
        &output,
        &[
            "/models/resnet18-f37072fd.pth",
            "expected f37072fd",
            "nothing was kept",
        ],
    );
    assert_eq!(done(&offline(cache, &["cache", "--json"])), json!([]));

    let server = Server::start(|_, _| Reply::status("404 Not Found"));
    fails(
        &with(cache, &server.base, &pull),
        &["404 Not Found", "resnet18-f37072fd.pth"],
    );
    fails(
        &offline(cache, &pull),
        &["BURN_ZOO_OFFLINE", "download.pytorch.org"],
    );
    fails(
        &with(cache, "mirror.example.org", &pull),
        &["BURN_ZOO_MIRROR", "https://"],
    );
    fails(
        &offline(cache, &["pull", "resnet18.tv_in2k"]),
        &["resnet18.tv_in1k"],
    );
    fails(
        &with(Path::new("/dev/null/x"), &server.base, &pull),
        &["/dev/null/x"],
    );

    let output = offline(cache, &["pull", "resnet18"]);
    assert_eq!(status(&output), Some(2), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_setting_that_is_no_text_is_not_taken_for_none() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().unwrap();
    for variable in ["BURN_ZOO_MIRROR", "BURN_ZOO_OFFLINE", "HF_TOKEN"] {
        let environment = [
            ("BURN_ZOO_CACHE", folder.path().as_os_str()),
            (variable, OsStr::from_bytes(b"\xff")),
        ];
        let output = burn_zoo_in(&environment, &["pull", "resnet18.tv_in1k"]);
        fails(&output, &[variable, "UTF-8 text"]);
    }
}

#[test]
fn weights_come_from_an_address_or_the_hub_and_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = common::checkpoint("resnet20_cifar.safetensors");
    let server = Server::of(&std::fs::read(&file).unwrap());
    let picture = common::root().join("assets/digits/5.png");
    let classify = |weights: &str, run: &dyn Fn(&[&str]) -> Output| {
        let picture = picture.to_str().unwrap();
        let what = ["classify", picture, "--json", "--logits"];
        let model = ["--model", "resnet20_cifar", "--weights", weights];
        done(&run(&[what, model].concat()))
    };
    let online = |arguments: &[&str]| with(folder.path(), &server.base, arguments);
    let cut_off = |arguments: &[&str]| offline(folder.path(), arguments);

    let expected = classify(file.to_str().unwrap(), &cut_off);
    let address = format!("{}/nets/resnet20.bin?download=1", server.base);
    for (weights, path) in [
        ("hf:me/digits", "/me/digits/resolve/main/model.safetensors"),
        (address.as_str(), "/nets/resnet20.bin?download=1"),
    ] {
        let before = server.seen().len();
        assert_eq!(classify(weights, &online), expected, "{weights}");
        assert_eq!(
            classify(weights, &online),
            expected,
            "{weights} from the cache"
        );
        let seen = server.seen();
        assert_eq!(seen.len(), before + 1);
        assert_eq!(seen[before].path, path);
    }
    let names = |rows: Value| -> Vec<String> {
        let rows = rows.as_array().unwrap().iter();
        let mut names: Vec<_> = rows
            .inspect(|row| assert_eq!(row["verified"], true, "{row}"))
            .map(|row| row["name"].as_str().unwrap()[20..].to_owned())
            .collect();
        names.sort();
        names
    };
    let both = ["-model.safetensors", "-resnet20.bin"];
    assert_eq!(names(done(&cut_off(&["cache", "verify", "--json"]))), both);
    let clean = cut_off(&["cache", "clean", "url-*.bin", "--json"]);
    assert_eq!(done(&clean).as_array().unwrap().len(), 1);
    assert_eq!(names(done(&cut_off(&["cache", "--json"]))), both[..1]);

    let unknown = ["inspect", "hf:me/other"];
    fails(
        &offline(folder.path(), &unknown),
        &["huggingface.co/me/other"],
    );
    let wrong = offline(folder.path(), &["inspect", "hf:me"]);
    assert_eq!(status(&wrong), Some(2), "{}", stderr(&wrong));
}

#[test]
fn weights_not_for_commercial_use_are_fetched_by_who_accepts_that() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(b"some other file");
    let pull = ["pull", "resnet18.fb_swsl_ig1b_ft_in1k"];
    let refused = with(folder.path(), &server.base, &pull);
    fails(&refused, &["CC-BY-NC-4.0", "--accept-licence"]);
    assert!(server.seen().is_empty());
    let accepted = [&pull[..], &["--accept-licence"]].concat();
    let wrong = with(folder.path(), &server.base, &accepted);
    fails(&wrong, &["sha256", "118f1556"]);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_data_set_with_another_checksum_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(b"not the published archive");
    let evaluate = ["evaluate", "--model", "resnet20_cifar.digits", "--data"];
    let output = with(
        folder.path(),
        &server.base,
        &[&evaluate[..], &["download:cifar-100"]].concat(),
    );
    // As MLDatasets.jl has it.
    fails(
        &output,
        &["sha256", "expected 58a81ae192c23a4be8b1804d68e518ed"],
    );
    assert_eq!(server.seen()[0].path, "/~kriz/cifar-100-binary.tar.gz");
    assert!(!folder.path().join("cifar-100-binary.tar.gz").exists());
}
