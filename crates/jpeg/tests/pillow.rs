//! Pixels equal those of Pillow. `tools/reference/jpeg.py` created the files and recorded Pillow's
//! results.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::BTreeMap;
use std::path::Path;

use burn_zoo_jpeg::{Color, Error, Limits, decode, header};
use sha2::{Digest as _, Sha256};

/// The bytes and description of each file, and Pillow's mode, size and pixel hash, or its error.
fn fixtures() -> Vec<(Vec<u8>, serde_json::Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let index = std::fs::read(folder.join("index.json")).unwrap();
    let index: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&index).unwrap();
    index
        .into_iter()
        .map(|(name, entry)| (std::fs::read(folder.join(name)).unwrap(), entry))
        .collect()
}

/// The file of that name.
fn fixture(what: &str) -> Vec<u8> {
    let files = fixtures();
    let found = files.into_iter().find(|(_, entry)| entry["what"] == what);
    found.unwrap().0
}

#[test]
fn what_pillow_reads_is_read_with_its_pixels() {
    let mut count = 0;
    for (bytes, entry) in fixtures() {
        let Some(hash) = entry["sha256"].as_str() else {
            continue;
        };
        let what = entry["what"].as_str().unwrap();
        let image = decode(&bytes, Limits::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
        let mode = match image.color {
            Color::Gray => "L",
            Color::Rgb => "RGB",
            Color::Cmyk => "CMYK",
        };
        assert_eq!(entry["mode"], mode, "{what}");
        assert_eq!(entry["size"][0], image.width, "{what}");
        assert_eq!(entry["size"][1], image.height, "{what}");
        let ours = Sha256::digest(&image.pixels);
        let ours: String = ours.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(ours, hash, "{what}");
        let head = header(&bytes).unwrap();
        assert_eq!(
            (head.width, head.height, head.color),
            (image.width, image.height, image.color),
            "{what}"
        );
        count += 1;
    }
    assert!(count > 100, "{count} files were read");
}

#[test]
fn what_pillow_refuses_is_refused() {
    let mut count = 0;
    for (bytes, entry) in fixtures() {
        let Some(theirs) = entry["error"].as_str() else {
            continue;
        };
        let what = entry["what"].as_str().unwrap();
        let error = decode(&bytes, Limits::default()).expect_err(what);
        assert_eq!(
            matches!(error, Error::CutOff),
            theirs.to_lowercase().contains("truncated"),
            "{what}: {error}, {theirs}"
        );
        count += 1;
    }
    assert!(count > 15, "{count} files were refused");
}

#[test]
fn what_is_not_supported_is_named() {
    for (what, name) in [
        ("twelve bits", "a JPEG of 12 bits is not supported"),
        ("lossless", "a lossless JPEG is not supported"),
        ("hierarchical", "a hierarchical JPEG is not supported"),
        ("two components", "a JPEG of 2 components is not supported"),
        (
            "fractional factors",
            "a JPEG with fractional sampling factors is not supported",
        ),
        ("garbage first", "it is not a JPEG"),
        ("cut off", "the file is cut off"),
        (
            "height of zero",
            "the JPEG is damaged: it has no pixels (50x0)",
        ),
    ] {
        let error = decode(&fixture(what), Limits::default()).expect_err(what);
        assert_eq!(error.to_string(), name);
    }
}

#[test]
fn the_first_exif_segment_is_in_the_header() {
    let exif = header(&fixture("comment, exif and thumbnail"))
        .unwrap()
        .exif;
    assert_eq!(exif.unwrap(), b"ZZ is no order of bytes");
    assert_eq!(header(&fixture("size 8x8")).unwrap().exif, None);
}
