//! Times our decoder and that of the `image` crate alternately: `speed FILE...`. Prints the median
//! time of each in milliseconds, and the ratio.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::hint::black_box;
use std::io::Cursor;
use std::time::{Duration, Instant};

use burn_zoo_jpeg::{Limits, decode};
use image::{DynamicImage, ImageFormat, ImageReader};

const RUNS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let start = Instant::now();
            black_box(decode(black_box(&bytes), Limits::default())?);
            ours.push(start.elapsed());
            let start = Instant::now();
            black_box(by_image(black_box(&bytes))?);
            theirs.push(start.elapsed());
        }
        let [ours, theirs] = [ours, theirs].map(sorted);
        let (fastest, median) = (0, RUNS / 2);
        println!(
            "{path}: {:.3} ms, image {:.3} ms, ratio {:.2} (of the fastest runs {:.2})",
            ours[median] * 1e3,
            theirs[median] * 1e3,
            ours[median] / theirs[median],
            ours[fastest] / theirs[fastest],
        );
    }
    Ok(())
}

fn by_image(bytes: &[u8]) -> Result<DynamicImage, image::ImageError> {
    ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg).decode()
}

fn sorted(mut times: Vec<Duration>) -> Vec<f64> {
    times.sort_unstable();
    times.iter().map(Duration::as_secs_f64).collect()
}
