//! Makes images to measure with how long a training step waits for them (`tools/data-wait-check`):
//!
//! - `digits`: the first training digits in `assets/mnist`, as IDX files;
//! - `photos/train`: as many JPEG pictures of 500x400 pixels in ten classes, about as large as photos
//!   (clouds of four sizes in each colour, of which each class has its own brightness).
//!
//! ```sh
//! cargo run --release --example loader_images -- /tmp/images 2000
//! ```

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

const WIDTH: u32 = 500;
const HEIGHT: u32 = 400;
const CLASSES: u32 = 10;
const QUALITY: u8 = 90;
/// Of the smallest clouds, so that a picture has about 100 kB.
const STRENGTH: f32 = 10.0;
/// Edges of the clouds' cells, in pixels.
const CELLS: [u32; 4] = [128, 32, 8, 2];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "say where and how many: cargo run --example loader_images -- FOLDER COUNT";
    let folder = PathBuf::from(arguments.next().ok_or(usage)?);
    let count: u32 = arguments.next().ok_or(usage)?.parse()?;

    let digits = folder.join("digits");
    std::fs::create_dir_all(&digits)?;
    for (name, header, each) in [
        ("images-idx3-ubyte", 16, 28 * 28),
        ("labels-idx1-ubyte", 8, 1),
    ] {
        let mut bytes = Vec::new();
        let file = File::open(format!("assets/mnist/train-{name}.gz"))?;
        GzDecoder::new(file).read_to_end(&mut bytes)?;
        let all = (bytes.len() - header) / each;
        let count = all.min(count as usize);
        bytes.truncate(header + count * each);
        bytes[4..8].copy_from_slice(&u32::try_from(count)?.to_be_bytes());
        std::fs::write(digits.join(format!("train-{name}")), bytes)?;
    }

    let photos = folder.join("photos/train");
    let mut bytes = 0;
    for class in 0..CLASSES {
        std::fs::create_dir_all(photos.join(class.to_string()))?;
    }
    for index in 0..count {
        let class = index % CLASSES;
        let path = photos.join(class.to_string()).join(format!("{index}.jpg"));
        write(&path, &photo(index, class))?;
        bytes += std::fs::metadata(&path)?.len();
    }
    println!(
        "{} has digits and photos, of {} kB each",
        folder.display(),
        bytes / u64::from(count.max(1)) / 1000
    );
    Ok(())
}

fn photo(index: u32, class: u32) -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let brightness = 60.0 + 10.0 * class as f32;
        let colour = |colour: u32| {
            // Large clouds are the strongest, as in photos.
            let clouds = CELLS.iter().zip(0_u32..).map(|(&cell, size)| {
                let strength = STRENGTH * (cell as f32).powf(0.25);
                strength * cloud([x, y], cell, [index, 3 * size + colour])
            });
            (brightness + clouds.sum::<f32>()).clamp(0.0, 255.0) as u8
        };
        Rgb([0, 1, 2].map(colour))
    })
}

/// Noise between -1 and 1 in the corners of cells, and straight lines between them.
fn cloud([x, y]: [u32; 2], cell: u32, [index, plane]: [u32; 2]) -> f32 {
    let corner = |column: u32, row: u32| {
        // A hash: Murmur3's last steps.
        let mut bits = index
            .wrapping_mul(0x9e37_79b9)
            .wrapping_add(plane.wrapping_mul(0x85eb_ca6b))
            .wrapping_add(column.wrapping_mul(0xc2b2_ae35))
            .wrapping_add(row.wrapping_mul(0x27d4_eb2f));
        for factor in [0x85eb_ca6b, 0xc2b2_ae35] {
            bits = (bits ^ (bits >> 15)).wrapping_mul(factor);
        }
        (bits >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let (column, row) = (x / cell, y / cell);
    let [right, down] = [x, y].map(|place| (place % cell) as f32 / cell as f32);
    let line = |row| corner(column, row) * (1.0 - right) + corner(column + 1, row) * right;
    line(row) * (1.0 - down) + line(row + 1) * down
}

fn write(path: &Path, photo: &RgbImage) -> Result<(), Box<dyn Error>> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(photo)?;
    Ok(())
}
