//! Opens many broken files: `hostile [COUNT [FIRST]]`. Linux.
//!
//! Fails if one makes the program panic, takes two seconds, or more memory than twice its length
//! and 64 MB; prints how many were read and the most that one took.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the terminal that may fail"
)]

use std::time::{Duration, Instant};

use burn_zoo_checkpoint::Archive;
use burn_zoo_checkpoint::testing::{Dice, damage, forms};

const MEMORY: u64 = 64 << 20;
const TIME: Duration = Duration::from_secs(2);

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|number| number.parse().unwrap());
    let count: u64 = numbers.next().unwrap_or(200_000);
    let first: u64 = numbers.next().unwrap_or(0);
    let forms = forms();
    let path = std::env::temp_dir().join(format!("hostile-{}", std::process::id()));
    let (mut read, mut slowest, mut most, mut longest) = (0, Duration::ZERO, 0, 0);
    let start = Instant::now();
    for number in first..first + count {
        let mut dice = Dice::new(number);
        let (_, seed) = &forms[(number % forms.len() as u64) as usize];
        let (_, other) = &forms[dice.below(forms.len())];
        let bytes = damage(seed, other, &mut dice);
        let len = bytes.len() as u64;
        longest = longest.max(len);
        let on_disk = number % 2 == 1;
        if on_disk {
            std::fs::write(&path, &bytes).unwrap();
        }
        let before = status("VmRSS:");
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let began = Instant::now();
        let archive = match on_disk {
            true => Archive::open(&path),
            false => Archive::from_bytes("file", bytes),
        };
        match archive {
            Ok(archive) => {
                read += 1;
                for tensor in archive.tensors().iter().take(64) {
                    if let Ok(values) = tensor.read() {
                        assert_eq!(values.len() as u64, tensor.byte_len(), "file {number}");
                    }
                }
            }
            Err(error) => assert!(!error.to_string().contains('\n'), "file {number}"),
        }
        let took = began.elapsed();
        let used = status("VmHWM:").saturating_sub(before);
        assert!(took < TIME, "file {number} took {took:?}");
        assert!(
            used <= MEMORY + 2 * len,
            "file {number} of {len} bytes took {used} bytes"
        );
        slowest = slowest.max(took);
        most = most.max(used);
    }
    println!(
        "{count} files of up to {longest} bytes in {:.0} s: {read} read, the others refused; no panic; \
         at most {:.1} ms and {:.1} MB for one",
        start.elapsed().as_secs_f64(),
        slowest.as_secs_f64() * 1e3,
        most as f64 / 1e6,
    );
}

/// Bytes of a row of `/proc/self/status`.
fn status(row: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let row = status
        .lines()
        .find_map(|line| line.strip_prefix(row))
        .unwrap();
    let kilobytes: u64 = row.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes << 10
}
