//! How long loading `resnet152` takes and how much memory, against reading the file's bytes and
//! copying them once: `load_speed [ARCHITECTURE]`.
//!
//! Each measurement is a process of its own, for its peak of memory; the best of some rounds
//! that take turns, since other programs run too.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may fail and says so"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use burn::tensor::Device;
use burn_zoo::weights::Checkpoint;
use burn_zoo_tests::golden::Golden;
use burn_zoo_tests::torch::{self, Packed};

const ROUNDS: usize = 7;
/// What the loading of a file may take of the time of reading and copying it, and of its size.
const TIME: f64 = 1.5;
const MEMORY: f64 = 2.2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [task, architecture, path] = &arguments[..] {
        work(task, architecture, Path::new(path));
        return ExitCode::SUCCESS;
    }
    let architecture = arguments.first().map_or("resnet152", String::as_str);
    let folder = tempfile::tempdir().unwrap();
    let mut within = true;
    for (form, path) in files(architecture, folder.path()) {
        let size = std::fs::metadata(&path).unwrap().len() as f64;
        let mut best = [[f64::INFINITY; 2]; 2];
        for _ in 0..ROUNDS {
            for (best, task) in best.iter_mut().zip(["copy", "load"]) {
                let [seconds, bytes] = measure(task, architecture, &path);
                *best = [best[0].min(seconds), best[1].min(bytes)];
            }
        }
        let [[copy, _], [load, peak]] = best;
        println!(
            "{architecture} {form}, {:.1} MB: read and copied in {:.0} ms, loaded in {:.0} ms \
             ({:.2} times, at most {TIME}); peak {:.1} MB ({:.2} times, at most {MEMORY})",
            size / 1e6,
            copy * 1e3,
            load * 1e3,
            load / copy,
            peak / 1e6,
            peak / size
        );
        within &= load < TIME * copy && peak < MEMORY * size;
    }
    if within {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The network's golden weights in both usual containers.
fn files(architecture: &str, folder: &Path) -> [(&'static str, PathBuf); 2] {
    let bytes = Golden::read(architecture).safetensors();
    let plain = folder.join("weights.safetensors");
    std::fs::write(&plain, &bytes).unwrap();

    let tensors = torch::described(&bytes);
    let zip = folder.join("weights.pth");
    let pickle = torch::pickle(&tensors);
    std::fs::write(&zip, torch::modern(&pickle, &tensors, Packed::Stored)).unwrap();
    [("safetensors", plain), ("pytorch-zip", zip)]
}

/// Seconds and bytes at the peak.
fn measure(task: &str, architecture: &str, path: &Path) -> [f64; 2] {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([task, architecture])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap());
    [numbers.next().unwrap(), numbers.next().unwrap()]
}

fn work(task: &str, architecture: &str, path: &Path) {
    let start = Instant::now();
    if task == "copy" {
        let bytes = std::fs::read(path).unwrap();
        let copy = bytes.clone();
        assert_eq!(copy.last(), bytes.last());
        println!("{} {}", start.elapsed().as_secs_f64(), peak());
    } else {
        let checkpoint = Checkpoint::open(path).unwrap();
        let model = burn_zoo::load(architecture, &checkpoint, &Device::flex()).unwrap();
        println!("{} {}", start.elapsed().as_secs_f64(), peak());
        drop(model);
    }
}

/// The most memory that this process has had; of the whole process, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let row = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = row.and_then(|row| row.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}
