//! Opens many broken weight files: `hostile [COUNT [FIRST]]`.
//!
//! Fails if one makes the program panic, takes two seconds or more memory than 64 MB and 128 times its
//! length, or gives an error that does not name it. The files are opened by a second process,
//! which may die: `prlimit` (util-linux) bounds its memory, so more ends it, and the first says
//! of which file.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail and says so"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use burn_zoo_tests::hostile::{self, Tiny};

const WORKER: &str = "BURN_ZOO_HOSTILE_WORKER";
const MEMORY: u64 = 64 << 20;
/// Claimed, not used: some times the memory, since the heap of many files has gaps.
const CLAIMS: u64 = 768 << 20;
/// Memory of objects per byte of the file, which the reader holds twice.
const PER_BYTE: u64 = 128;
const TIME: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().unwrap());
    let count: u64 = numbers.next().unwrap_or(200_000);
    let first: u64 = numbers.next().unwrap_or(0);
    if std::env::var_os(WORKER).is_some() {
        work(first..first + count);
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args([count.to_string(), first.to_string()])
        .env(WORKER, "1")
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut last = None;
    for line in BufReader::new(worker.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        match line.parse::<u64>() {
            Ok(number) => last = Some(number),
            Err(_) => println!("{line}"),
        }
    }
    let status = worker.wait().unwrap();
    if status.success() {
        println!("{count} files in {:.1} s", start.elapsed().as_secs_f64());
        return ExitCode::SUCCESS;
    }
    let number = last.unwrap_or(first);
    let file = hostile::file(number);
    let path = std::env::temp_dir().join(format!("hostile-{number}"));
    std::fs::write(&path, &file.bytes).unwrap();
    println!(
        "file {number} ({}, {}), kept as {}: {status}",
        file.form,
        file.attack,
        path.display()
    );
    ExitCode::FAILURE
}

/// When the file that is being opened began, in milliseconds; 0 for none.
static BEGAN: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct Outcome {
    filled: u64,
    refused: u64,
    slowest: Duration,
    most: u64,
}

fn work(numbers: std::ops::Range<u64>) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        std::process::exit(101);
    }));
    let device = Device::flex();
    let network = Tiny::new(&device);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    // What is allocated once, for good.
    let forms = hostile::FORMS.len() as u64;
    let last = hostile::ATTACKS.len() as u64 - 1;
    for number in forms * last..forms * (last + 1) {
        let file = hostile::file(number);
        assert_eq!(file.attack, "untouched");
        let filled = hostile::check("whole", file.bytes, None, network.clone());
        assert_eq!(filled, Ok(true), "{}", file.form);
    }
    let zero = Instant::now();
    let now = move || zero.elapsed().as_millis() as u64 + 1;
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(TIME / 20);
            let began = BEGAN.load(Ordering::Relaxed);
            if began != 0 && now().saturating_sub(began) > TIME.as_millis() as u64 {
                eprintln!("it takes more than {TIME:?}");
                std::process::exit(102);
            }
        }
    });
    std::thread::sleep(TIME / 40);

    limit_memory(status("VmSize:") + CLAIMS);
    let mut outcomes: BTreeMap<(&str, &str), Outcome> = BTreeMap::new();
    let mut peak = 0;
    let mut out = std::io::stdout().lock();
    for number in numbers {
        let file = hostile::file(number);
        writeln!(out, "{number}").unwrap();
        let round = forms * (last + 1);
        let on_disk = number / round % 2 == 1;
        if on_disk {
            std::fs::write(&path, &file.bytes).unwrap();
        }
        let limit = MEMORY + PER_BYTE * file.bytes.len() as u64;
        let before = status("VmRSS:");
        forget_peak();
        let began = Instant::now();
        BEGAN.store(now(), Ordering::Relaxed);
        let name = format!("file {number}");
        let filled = hostile::check(
            &name,
            file.bytes,
            on_disk.then_some(path.as_path()),
            network.clone(),
        );
        BEGAN.store(0, Ordering::Relaxed);
        let took = began.elapsed();
        let used = status("VmHWM:").saturating_sub(before);
        assert!(used <= limit, "{used} bytes");
        assert!(took < TIME, "{took:?}");
        peak = peak.max(used);
        let outcome = outcomes.entry((file.form, file.attack)).or_default();
        match filled {
            Ok(true) => outcome.filled += 1,
            Ok(false) => outcome.refused += 1,
            Err(text) => panic!("the error does not name the file: {text}"),
        }
        outcome.slowest = outcome.slowest.max(took);
        outcome.most = outcome.most.max(used);
    }
    writeln!(
        out,
        "{:22} {:20} {:>8} {:>8} {:>10} {:>10}",
        "container", "attack", "refused", "loaded", "slowest", "most"
    )
    .unwrap();
    for ((form, attack), outcome) in outcomes {
        let Outcome {
            filled,
            refused,
            slowest,
            most,
        } = outcome;
        let (slowest, most) = (slowest.as_secs_f64() * 1e3, most as f64 / 1e6);
        writeln!(
            out,
            "{form:22} {attack:20} {refused:8} {filled:8} {slowest:7.1} ms {most:7.1} MB"
        )
        .unwrap();
    }
    writeln!(
        out,
        "no panic; at most {:.1} MB more than before",
        peak as f64 / 1e6
    )
    .unwrap();
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

/// `VmHWM` counts from here.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn limit_memory(bytes: u64) {
    let limited = Command::new("prlimit")
        .arg(format!("--pid={}", std::process::id()))
        .arg(format!("--as={bytes}"))
        .status();
    assert!(
        limited.is_ok_and(|status| status.success()),
        "prlimit (util-linux) is needed"
    );
}
