//! Small files in every format and every kind of resize, compared with Pillow and torchvision
//! (`tools/reference/pictures.py`).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use burn::tensor::Device;
use burn_zoo_core::{Pixels, Preprocess, PreprocessOverrides};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Fixture<T> {
    rows: Vec<T>,
}

/// Whether this build supports a file's format.
fn is_read(name: &str) -> bool {
    cfg!(feature = "avif") || !name.ends_with(".avif")
}

fn rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str::<Fixture<T>>(&text).unwrap().rows
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[derive(Deserialize)]
struct Picture {
    name: String,
    file: String,
    width: usize,
    height: usize,
    #[serde(rename = "RGB")]
    rgb: String,
    #[serde(rename = "L")]
    gray: String,
}

/// The full image in a file.
fn read(bytes: &[u8], channels: usize) -> Result<Pixels, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let preprocess = Preprocess {
        channels,
        ..Preprocess::IMAGENET
    };
    preprocess.pixels(file.path()).map_err(|error| {
        let text = error.to_string();
        text.split_once(": ").unwrap().1.to_owned()
    })
}

#[test]
fn files_of_every_kind_have_pillows_pixels() {
    let pictures: Vec<Picture> = rows("pictures.json");
    assert_eq!(pictures.len(), 122);
    for picture in pictures.into_iter().filter(|it| is_read(&it.name)) {
        let Picture { name, file, .. } = &picture;
        for (channels, expected) in [(3, &picture.rgb), (1, &picture.gray)] {
            let found =
                read(&bytes(file), channels).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                (found.height(), found.width(), found.channels()),
                (picture.height, picture.width, channels),
                "{name}"
            );
            assert_eq!(
                found.values(),
                bytes(expected),
                "{name}, {channels} channels"
            );
        }
    }
}

#[test]
fn files_of_every_kind_that_are_cut_off_are_errors() {
    for picture in rows::<Picture>("pictures.json") {
        let file = bytes(&picture.file);
        if picture.name == "pages.tif" {
            // Its first page is in the first half.
            continue;
        }
        let error = read(&file[..file.len() / 2], 3);
        assert!(error.is_err(), "{}", picture.name);
        let error = error.unwrap_err();
        assert!(!error.contains('\n'), "{}: {error}", picture.name);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    // The tags of a TIFF of one gray pixel in little-endian order, with another compression or kind of colors.
    let tiff = |compression: u16, photometric: u16| {
        let tags = [
            (256, 1),
            (257, 1),
            (258, 8),
            (259, compression),
            (262, photometric),
            (273, 8),
            (277, 1),
            (278, 1),
            (279, 1),
        ];
        let entries = tags.map(|(tag, value): (u16, u16)| {
            [tag, 3, 1, 0, value, 0].map(u16::to_le_bytes).concat()
        });
        [
            &b"II*\0\x0a\0\0\0\x07\0"[..],
            &[9, 0],
            &entries.concat(),
            &[0; 4],
        ]
        .concat()
    };
    assert_eq!(read(&tiff(1, 1), 1).unwrap().values(), [7]);
    for (bytes, name) in [
        (tiff(50_000, 1), "a TIFF with Zstandard compression"),
        (tiff(3, 1), "a TIFF with CCITT group 3 compression"),
        (tiff(1, 8), "a TIFF with CIE L*a*b* colors"),
        (tiff(1, 32_803), "raw camera sensor data"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(),
            "a HEIC image",
        ),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf".to_vec(), "an AVIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(), "a JPEG 2000 image"),
        (b"II*\0\x10\0\0\0CR\x02\0".to_vec(), "(CR2)"),
        (Vec::new(), "the file is empty"),
    ] {
        let error = read(&bytes, 3).unwrap_err();
        assert!(error.contains(name), "{error}");
    }
}

#[derive(Deserialize)]
struct Resized {
    height: usize,
    width: usize,
    pixels: String,
    crops: Vec<Crop>,
}

#[derive(Deserialize)]
struct Crop {
    settings: serde_json::Value,
    #[serde(default)]
    one: String,
    #[serde(default)]
    ten: String,
    pixels: Option<String>,
}

fn hash<'a>(crops: impl IntoIterator<Item = &'a Pixels>) -> String {
    let mut hash = Sha256::new();
    for crop in crops {
        hash.update(crop.values());
    }
    let digits = hash.finalize();
    digits[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn resizes_of_every_kind_are_pillows_and_torchvisions() {
    let (mut count, mut close) = (0, 0);
    for image in rows::<Resized>("resizes.json") {
        let pixels = Pixels::new(image.height, image.width, 3, bytes(&image.pixels));
        for crop in image.crops {
            let overrides: PreprocessOverrides =
                serde_json::from_value(crop.settings.clone()).unwrap();
            let preprocess = overrides.apply(Preprocess::IMAGENET);
            let what = format!("{}x{}: {}", image.height, image.width, crop.settings);
            let found = preprocess.centre(&pixels);
            if let Some(expected) = crop.pixels {
                // PyTorch's kernels do not round values between two integers consistently.
                let expected = bytes(&expected);
                assert_eq!(found.values().len(), expected.len(), "{what}");
                let pairs = found.values().iter().zip(&expected);
                let differences = pairs.map(|(a, b)| usize::from(a.abs_diff(*b)));
                let (sum, largest) =
                    differences.fold((0, 0), |(sum, largest), one| (sum + one, one.max(largest)));
                assert!(largest <= 1 && sum <= 5, "{what}: {sum}, {largest}");
                close += 1;
                continue;
            }
            assert_eq!(hash([&found]), crop.one, "{what}");
            let fits = preprocess.resize.least().is_none_or(|least| {
                preprocess.crop[0] <= least[0] && preprocess.crop[1] <= least[1]
            });
            if fits {
                assert_eq!(
                    hash(&preprocess.ten_crops(&pixels)),
                    crop.ten,
                    "{what}, ten"
                );
                count += 1;
            }
        }
    }
    assert_eq!((count, close), (4 * 6 * 6, 2 * 3 * 2));
}

#[test]
fn antialiasing_cannot_be_taken_out_of_filters_that_are_made_of_it() {
    for filter in ["lanczos", "area"] {
        let json = format!(r#"{{ "interpolation": "{filter}", "antialias": "off" }}"#);
        let overrides: PreprocessOverrides = serde_json::from_str(&json).unwrap();
        let preprocess = overrides.apply(Preprocess::IMAGENET);
        let error = preprocess.decode("x", b"P5 1 1 255 \x07", &Device::flex());
        let message = error.unwrap_err().to_string();
        assert!(
            message.contains("nearest, bilinear or bicubic"),
            "{message}"
        );
    }
}
