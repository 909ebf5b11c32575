//! Runs the binary as a script does.
#![allow(dead_code, reason = "no test crate uses all of it")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn checkpoint(name: &str) -> PathBuf {
    root().join("tests/fixtures/checkpoints").join(name)
}

/// Runs a command without a network and with an empty cache.
pub(crate) fn burn_zoo(arguments: &[&str]) -> Output {
    let nowhere = [
        ("BURN_ZOO_OFFLINE", "1"),
        ("BURN_ZOO_CACHE", "/dev/null/no-cache"),
    ];
    burn_zoo_in(&nowhere, arguments)
}

pub(crate) fn burn_zoo_in(environment: &[(&str, impl AsRef<OsStr>)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_burn-zoo"));
    // The user's Hugging Face settings must not affect the test.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("HF_") || name.starts_with("HUGGING") {
            command.env_remove(variable);
        }
    }
    command
        .args(arguments)
        .envs(
            environment
                .iter()
                .map(|(variable, value)| (variable, value)),
        )
        .env_remove("BURN_DEVICE")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built")
}

pub(crate) fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
