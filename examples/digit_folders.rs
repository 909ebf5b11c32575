//! Makes folders of PNG pictures from the digits in `assets/mnist`, one folder a class, as people
//! have them:
//!
//! - `base`: 300 pictures of each digit from 0 to 6, to train a model that never saw the others;
//! - `finetune/train`: 20 other pictures of each of the ten digits, for `recipes/finetune.toml`;
//! - `finetune/val`: 50 test digits of each class, which no training sees.
//!
//! ```sh
//! cargo run --release --example digit_folders -- /tmp/digits
//! cargo run --release -- train recipes/finetune.toml --data /tmp/digits/finetune
//! ```

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use image::GrayImage;

const SIZE: u32 = 28;

/// Pictures of a class that the fine-tuned model learns from, that it is tested on, and that the
/// base model learns from.
const FEW: usize = 20;
const HELD_OUT: usize = 50;
const BASE: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("say where: cargo run --example digit_folders -- FOLDER")?;
    let [train, test] = [digits("train")?, digits("t10k")?];
    for class in 0..10 {
        let of_class = |digits: &[(u8, GrayImage)]| -> Vec<GrayImage> {
            let of_class = digits.iter().filter(|(label, _)| *label == class);
            of_class.map(|(_, image)| image.clone()).collect()
        };
        let pictures = of_class(&train);
        let (few, rest) = pictures.split_at(FEW);
        write(&folder.join("finetune/train"), class, few)?;
        write(
            &folder.join("finetune/val"),
            class,
            &of_class(&test)[..HELD_OUT],
        )?;
        if class < 7 {
            write(&folder.join("base"), class, &rest[..BASE])?;
        }
    }
    println!(
        "{} has base, finetune/train and finetune/val",
        folder.display()
    );
    Ok(())
}

/// The digits of a split with their labels, out of its IDX files.
fn digits(split: &str) -> Result<Vec<(u8, GrayImage)>, Box<dyn Error>> {
    let read = |name: &str, header: usize| -> Result<Vec<u8>, Box<dyn Error>> {
        let path = format!("assets/mnist/{split}-{name}-ubyte.gz");
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(path)?).read_to_end(&mut bytes)?;
        Ok(bytes.split_off(header))
    };
    let (pixels, labels) = (read("images-idx3", 16)?, read("labels-idx1", 8)?);
    let images = pixels.chunks_exact((SIZE * SIZE) as usize);
    let image = |pixels: &[u8]| GrayImage::from_raw(SIZE, SIZE, pixels.to_vec());
    let all = labels.into_iter().zip(images);
    Ok(all
        .filter_map(|(label, pixels)| Some((label, image(pixels)?)))
        .collect())
}

fn write(folder: &Path, class: u8, pictures: &[GrayImage]) -> Result<(), Box<dyn Error>> {
    let folder = folder.join(class.to_string());
    std::fs::create_dir_all(&folder)?;
    for (number, picture) in pictures.iter().enumerate() {
        picture.save(folder.join(format!("{number:03}.png")))?;
    }
    Ok(())
}
