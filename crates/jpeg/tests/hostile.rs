//! Damaged and hostile files take little time and memory, and give an error or an image.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::Path;
use std::time::{Duration, Instant};

use burn_zoo_jpeg::{Color, Error, Limits, decode};

/// Number of mutations in the test; `JPEG_FUZZ` sets another number.
const ROUNDS: u64 = 4000;

fn files() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jpg"))
        .collect();
    paths.sort();
    paths.iter().map(|p| std::fs::read(p).unwrap()).collect()
}

/// One of Marsaglia's generators, for the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let count = random.below(12).min(bytes.len() - at);
        match random.below(6) {
            0 | 1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at] ^= 1 << random.below(8),
            3 => drop(bytes.drain(at..at + count)),
            4 => {
                let from = random.below(bytes.len() - count);
                let part = bytes[from..from + count].to_vec();
                drop(bytes.splice(at..at, part));
            }
            _ => drop(bytes.splice(at..at, [0xff, random.below(256) as u8])),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

#[test]
fn damaged_files_give_an_error_or_a_whole_picture() {
    let rounds = std::env::var("JPEG_FUZZ").map_or(ROUNDS, |n| n.parse().unwrap());
    let files = files();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut read, mut slowest) = (0u64, Duration::ZERO);
    let limits = Limits {
        pixel_bytes: 4 << 20,
    };
    for round in 0..rounds {
        let mut bytes = files[random.below(files.len())].clone();
        mutate(&mut bytes, &mut random);
        let start = Instant::now();
        let result = decode(&bytes, limits);
        slowest = slowest.max(start.elapsed());
        if let Ok(image) = result {
            let channels = match image.color {
                Color::Gray => 1,
                Color::Rgb => 3,
                Color::Cmyk => 4,
            };
            let expected = image.width * image.height * channels;
            assert_eq!(image.pixels.len(), expected, "round {round}");
            read += 1;
        }
    }
    println!("{rounds} files, {read} of them read; the slowest took {slowest:?}");
    assert!(read > rounds / 4 && read < rounds);
    assert!(slowest < Duration::from_secs(10));
}

/// A one-component image of 8x8 blocks: header segments up to the first scan.
fn headers(marker: u8, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    bytes.extend([1; 64]);
    let ([w1, w0], [h1, h0]) = (width.to_be_bytes(), height.to_be_bytes());
    bytes.extend([0xff, marker, 0, 11, 8, h1, h0, w1, w0, 1, 1, 0x11, 0]);
    // A DC table with only size 0, and an AC table with the longest run of empty blocks.
    bytes.extend([
        0xff, 0xc4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    bytes.extend([
        0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0,
    ]);
    bytes
}

#[test]
fn dimensions_beyond_the_limit_are_refused_before_anything_is_allocated() {
    let mut bytes = headers(0xc0, 65_500, 65_500);
    bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0xff, 0xd9]);
    let error = decode(&bytes, Limits::default()).unwrap_err();
    assert_eq!(
        error,
        Error::TooLarge {
            width: 65_500,
            height: 65_500,
            limit: 512 << 20
        }
    );
    assert_eq!(
        error.to_string(),
        "65500x65500 pixels are too many; shrink it to less than 512 MiB of pixels"
    );
}

#[test]
fn scans_that_repeat_each_other_do_not_take_forever() {
    // For each frame header, a first scan and a repeated one; each takes a few bytes for a quarter of a
    // million blocks. One refines empty blocks, the others have no data at all.
    let dc = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0];
    let refinement = [&[0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0x10][..], &[0x7f; 24]].concat();
    let first = [0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0];
    let whole = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    let frames: [(u8, &[u8]); 5] = [
        (0xc2, &refinement),
        (0xc2, &first),
        (0xca, &first),
        (0xc1, &whole),
        (0xc9, &whole),
    ];
    for (marker, scan) in frames {
        let mut bytes = headers(marker, 4000, 4000);
        if matches!(marker, 0xc1 | 0xc9) {
            // A component without a scan makes these multi-scan files.
            let at = bytes.iter().position(|&b| b == marker).unwrap();
            bytes[at + 2] = 17;
            bytes[at + 8] = 3;
            let more = [2, 0x11, 0, 3, 0x11, 0];
            drop(bytes.splice(at + 12..at + 12, more));
        } else {
            bytes.extend(dc);
        }
        // A restart after each block.
        bytes.extend([0xff, 0xdd, 0, 4, 0, 1]);
        for _ in 0..20_000 {
            bytes.extend(scan);
        }
        bytes.extend([0xff, 0xd9]);
        let start = Instant::now();
        let error = decode(&bytes, Limits::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the JPEG is damaged: its scans repeat each other too often",
            "0x{marker:02x}"
        );
        println!("0x{marker:02x}: {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(60), "0x{marker:02x}");
    }
}
