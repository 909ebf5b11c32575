//! Prints every tensor of a file as a line of JSON: `list FILE`.
//!
//! `--root` prints the tree instead.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::process::ExitCode;

use burn_zoo_checkpoint::{Archive, Error};
use sha2::{Digest as _, Sha256};

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_root = arguments.iter().any(|argument| argument == "--root");
    arguments.retain(|argument| argument != "--root");
    let mut failed = false;
    for path in &arguments {
        let done = if is_root { root(path) } else { tensors(path) };
        if let Err(error) = done {
            println!("{}", serde_json::json!({ "error": error.to_string() }));
            failed = true;
        }
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn root(path: &str) -> Result<(), Error> {
    let archive = Archive::open(path)?;
    println!("{} {:#?}", archive.format(), archive.root());
    Ok(())
}

fn tensors(path: &str) -> Result<(), Error> {
    let archive = Archive::open(path)?;
    println!(
        "{}",
        serde_json::json!({ "format": archive.format().to_string() })
    );
    for tensor in archive.tensors() {
        let bytes = tensor.read()?;
        let sha256: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path: Vec<_> = tensor.path().iter().map(|key| &**key).collect();
        let line = serde_json::json!({
            "path": path,
            "dtype": tensor.dtype().to_string(),
            "shape": tensor.shape(),
            "sha256": sha256,
        });
        println!("{line}");
    }
    Ok(())
}
