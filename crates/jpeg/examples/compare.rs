//! Compares our pixels with Pillow's: `compare FOLDER`, where `tools/reference/jpeg.py sweep` created
//! the folder.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use burn_zoo_jpeg::{Limits, decode};

#[derive(Debug, Default)]
struct Tally {
    files: usize,
    pixels: usize,
    unequal_files: usize,
    unequal_bytes: usize,
    largest: u8,
    only_ours: usize,
    only_theirs: usize,
    refused: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: compare FOLDER")?;
    let folder = Path::new(&folder);
    let index = std::fs::read(folder.join("index.json"))?;
    let index: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&index)?;
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (name, entry) in &index {
        let bytes = std::fs::read(folder.join(name))?;
        let kind = name
            .trim_end_matches(".jpg")
            .rsplit('-')
            .next()
            .unwrap_or_default();
        let tally = tallies.entry(kind.to_owned()).or_default();
        tally.files += 1;
        let theirs = entry["error"].as_str();
        match (decode(&bytes, Limits::default()), theirs) {
            (Ok(image), None) => {
                let raw = std::fs::read(folder.join(name).with_extension("raw"))?;
                let size = [image.width, image.height].map(serde_json::Value::from);
                let same_size = entry["size"].as_array().is_some_and(|s| s[..] == size);
                if !same_size || raw.len() != image.pixels.len() {
                    println!("{name}: size {size:?}, {}", entry["size"]);
                    tally.unequal_files += 1;
                    continue;
                }
                tally.pixels += image.width * image.height;
                let differences = raw.iter().zip(&image.pixels).map(|(&a, &b)| a.abs_diff(b));
                let unequal = differences.clone().filter(|&d| d > 0).count();
                if unequal > 0 {
                    let largest = differences.max().unwrap_or(0);
                    tally.largest = tally.largest.max(largest);
                    tally.unequal_files += 1;
                    tally.unequal_bytes += unequal;
                    println!("{name}: {unequal} of {} bytes, up to {largest}", raw.len());
                }
            }
            (Err(_), Some(_)) => tally.refused += 1,
            (Ok(_), Some(error)) => {
                tally.only_ours += 1;
                println!("{name}: we read it, Pillow: {error}");
            }
            (Err(error), None) => {
                tally.only_theirs += 1;
                println!("{name}: Pillow reads it, we: {error}");
            }
        }
    }
    for (kind, tally) in tallies {
        println!("{kind}: {tally:?}");
    }
    Ok(())
}
