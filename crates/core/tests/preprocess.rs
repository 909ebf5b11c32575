//! Preprocessing against torchvision, timm and Pillow.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use burn_zoo_core::{
    Antialias, ChannelOrder, Interpolation, Orientation, Preprocess, Resize, ValueRange,
};
use image::{DynamicImage, ImageFormat, Rgb};
use serde::Deserialize;

/// Values as they are: no resize beyond `size`, no scaling.
const fn plain(size: usize) -> Preprocess {
    Preprocess {
        resize: Resize::Shorter(size),
        antialias: Antialias::On,
        crop: [size; 2],
        interpolation: Interpolation::Bilinear,
        channels: 3,
        order: ChannelOrder::Rgb,
        range: ValueRange::Byte,
        mean: [0.0; 3],
        std: [1.0; 3],
        orientation: Orientation::Keep,
    }
}

/// A row of preprocess.json.
#[derive(Deserialize)]
struct Reference {
    resize: usize,
    crop: usize,
    interpolation: String,
    mean: [f32; 3],
    std: [f32; 3],
    channel_mean: [f64; 3],
    channel_std: [f64; 3],
    first_row_first_8_red: [f32; 8],
}

impl Reference {
    fn preprocess(&self) -> Preprocess {
        Preprocess {
            resize: Resize::Shorter(self.resize),
            crop: [self.crop; 2],
            interpolation: match self.interpolation.as_str() {
                "bilinear" => Interpolation::Bilinear,
                "bicubic" => Interpolation::Bicubic,
                other => panic!("{other}"),
            },
            range: ValueRange::Unit,
            mean: self.mean,
            std: self.std,
            ..plain(1)
        }
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn photo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../assets/photo")
        .join(name)
}

fn references() -> Vec<(String, Reference)> {
    let text = std::fs::read_to_string(fixture("preprocess.json")).unwrap();
    let rows: std::collections::BTreeMap<String, Reference> = serde_json::from_str(&text).unwrap();
    assert_eq!(rows.len(), 5);
    rows.into_iter().collect()
}

/// Values of the tensor that comes of a file.
fn values(preprocess: &Preprocess, path: &Path) -> Vec<f32> {
    preprocess
        .open(path, &Device::flex())
        .unwrap()
        .into_data()
        .try_to_vec()
        .unwrap()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn decoded(preprocess: &Preprocess, bytes: &[u8]) -> Vec<f32> {
    let tensor = preprocess.decode("bytes", bytes, &Device::flex()).unwrap();
    tensor.into_data().try_to_vec().unwrap()
}

/// Largest difference and number of values that differ.
fn difference(found: &DynamicImage, expected: &DynamicImage) -> (u8, usize) {
    assert_eq!(
        (found.width(), found.height()),
        (expected.width(), expected.height())
    );
    assert_eq!(found.color(), expected.color());
    let pairs = found.as_bytes().iter().zip(expected.as_bytes());
    let differences: Vec<u8> = pairs
        .map(|(a, b)| a.abs_diff(*b))
        .filter(|d| *d > 0)
        .collect();
    (
        differences.iter().copied().max().unwrap_or(0),
        differences.len(),
    )
}

#[test]
fn crops_of_the_png_are_pillows() {
    let image = image::open(photo("photo.png")).unwrap();
    for (name, row) in references() {
        let expected = image::open(fixture(&format!("{name}.png"))).unwrap();
        assert_eq!(
            difference(&row.preprocess().crop(&image).into_image(), &expected),
            (0, 0),
            "{name}"
        );
    }
}

#[test]
fn crops_of_the_jpeg_are_pillows() {
    let bytes = std::fs::read(photo("photo.jpg")).unwrap();
    let decoded = burn_zoo_jpeg::decode(&bytes, burn_zoo_jpeg::Limits::default()).unwrap();
    let image = image::RgbImage::from_raw(512, 600, decoded.pixels).unwrap();
    let image = DynamicImage::from(image);
    // The PNG has the pixels that Pillow reads from the JPEG.
    let pillows = image::open(photo("photo.png")).unwrap();
    assert_eq!(difference(&image, &pillows), (0, 0));
    for (name, row) in references() {
        let expected = image::open(fixture(&format!("{name}.png"))).unwrap();
        assert_eq!(
            difference(&row.preprocess().crop(&image).into_image(), &expected),
            (0, 0),
            "{name}"
        );
    }
}

#[test]
fn normalised_values_are_torchvisions() {
    for (name, row) in references() {
        let found = values(&row.preprocess(), &photo("photo.png"));
        for (channel, plane) in found.chunks_exact(row.crop * row.crop).enumerate() {
            let count = plane.len() as f64;
            let mean = plane.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
            let squares = plane
                .iter()
                .map(|v| (f64::from(*v) - mean).powi(2))
                .sum::<f64>();
            // PyTorch's `std` divides by n - 1, numpy's by n; at 50,000 values both are within.
            let std = (squares / count).sqrt();
            // The reference may have summed in f32.
            assert!(
                (mean - row.channel_mean[channel]).abs() < 1e-5,
                "{name} {channel}: {mean}"
            );
            assert!(
                (std - row.channel_std[channel]).abs() < 2e-5,
                "{name} {channel}: {std}"
            );
        }
        assert_eq!(found[..8], row.first_row_first_8_red, "{name}");
    }
}

#[test]
fn one_channel_is_pillows_grey() {
    let image = image::open(photo("photo.png")).unwrap();
    let expected = image::open(fixture("grey_resize28_crop28_bilinear.png")).unwrap();
    let grey = Preprocess {
        channels: 1,
        range: ValueRange::Unit,
        mean: [0.1307, 9.0, 9.0],
        std: [0.3081, 9.0, 9.0],
        ..plain(28)
    };
    assert_eq!(
        difference(&grey.crop(&image).into_image(), &expected),
        (0, 0)
    );
    let tensor = grey.image(&image, &Device::flex());
    assert_eq!(tensor.dims(), [1, 1, 28, 28]);
    let found: Vec<f32> = tensor.into_data().try_to_vec().unwrap();
    for (found, byte) in found.iter().zip(expected.as_bytes()) {
        assert_eq!(*found, (f32::from(*byte) / 255.0 - 0.1307) / 0.3081);
    }
}

#[test]
fn a_small_picture_is_enlarged_and_padded_with_black() {
    let small = image::open(fixture("small.png")).unwrap();
    let expected = image::open(fixture("small_resize33_crop40x50_bicubic.png")).unwrap();
    let preprocess = Preprocess {
        crop: [40, 50],
        interpolation: Interpolation::Bicubic,
        ..plain(33)
    };
    assert_eq!(
        difference(&preprocess.crop(&small).into_image(), &expected),
        (0, 0)
    );
}

#[test]
fn a_picture_of_the_right_size_stays_as_it_is() {
    let image = image::open(fixture("inception_resize342_crop299_bilinear.png")).unwrap();
    for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
        let preprocess = Preprocess {
            interpolation,
            ..plain(299)
        };
        assert_eq!(
            difference(&preprocess.crop(&image).into_image(), &image),
            (0, 0)
        );
    }
}

#[test]
fn a_very_long_picture_is_cropped_without_being_resized_whole() {
    // 256 x 15,000,000 pixels would be 11 GiB; the crop is the only part that is computed.
    let line = DynamicImage::from(image::RgbImage::from_pixel(60_000, 1, Rgb([7, 8, 9])));
    let crop = Preprocess {
        crop: [224; 2],
        ..plain(256)
    }
    .crop(&line)
    .into_image();
    assert_eq!((crop.width(), crop.height()), (224, 224));
    assert!(
        crop.as_bytes()
            .chunks_exact(3)
            .all(|pixel| pixel == [7, 8, 9])
    );
}

#[test]
fn lossless_formats_are_told_by_their_content() {
    let small = image::open(fixture("small.png"))
        .unwrap()
        .crop_imm(0, 0, 14, 14);
    let expected: Vec<f32> = (0..3)
        .flat_map(|channel| small.as_bytes().iter().skip(channel).step_by(3))
        .map(|value| f32::from(*value))
        .collect();
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::WebP,
    ] {
        assert_eq!(
            decoded(&plain(14), &encoded(&small, format)),
            expected,
            "{format:?}"
        );
    }
}

#[test]
fn a_palette_gives_its_colours_even_where_transparent() {
    // Planes of the four colours in make.py, the second transparent in the PNG.
    let rows = [
        [250.0, 30.0, 60.0, 90.0],
        [10.0, 240.0, 70.0, 100.0],
        [20.0, 50.0, 230.0, 110.0],
    ];
    let expected: Vec<f32> = rows.into_iter().flat_map(|row| [row; 4].concat()).collect();
    for name in ["palette.png", "palette.gif"] {
        assert_eq!(values(&plain(4), &fixture(name)), expected, "{name}");
    }
}

#[test]
fn alpha_is_dropped_and_not_blended() {
    let rgba = image::RgbaImage::from_pixel(1, 1, image::Rgba([200, 100, 50, 0])).into();
    assert_eq!(
        decoded(&plain(1), &encoded(&rgba, ImageFormat::Png)),
        [200.0, 100.0, 50.0]
    );
    let grey = image::GrayAlphaImage::from_pixel(1, 1, image::LumaA([90, 10])).into();
    assert_eq!(
        decoded(&plain(1), &encoded(&grey, ImageFormat::Png)),
        [90.0; 3]
    );
    // Image.new("RGB", (1, 1), (200, 100, 50)).convert("L") of Pillow is 124.
    let one = Preprocess {
        channels: 1,
        ..plain(1)
    };
    assert_eq!(decoded(&one, &encoded(&rgba, ImageFormat::Png)), [124.0]);
}

#[test]
fn grey_becomes_three_equal_channels() {
    let grey = image::GrayImage::from_pixel(1, 1, image::Luma([77])).into();
    assert_eq!(
        decoded(&plain(1), &encoded(&grey, ImageFormat::Png)),
        [77.0; 3]
    );
}

/// A GIF whose screen has no width; its picture has four pixels a side.
#[test]
fn a_picture_without_pixels_is_an_error() {
    let head = b"GIF89a\x00\x00\x04\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff";
    let frame = b"\x2c\x00\x00\x00\x00\x04\x00\x04\x00\x00\x02\x04\x84\x8f\x09\x05\x00\x3b";
    let bytes = [&head[..], frame].concat();
    let error = plain(1)
        .decode("flat.gif", &bytes, &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("flat.gif: it has no pixels (0x4)"),
        "{error}"
    );
}

#[test]
fn of_sixteen_bits_the_upper_eight_stay_but_grey_is_clipped() {
    // 0x12ff rounds to 0x13, Pillow's upper byte is 0x12.
    let high = [0x12ff_u16, 0xabff, 0xff80];
    let expected = [f32::from(0x12_u8), f32::from(0xab_u8), 255.0];
    let rgb = DynamicImage::from(image::ImageBuffer::from_pixel(1, 1, Rgb(high)));
    assert_eq!(
        decoded(&plain(1), &encoded(&rgb, ImageFormat::Png)),
        expected
    );
    let [red, green, blue] = high;
    let pixel = image::Rgba([red, green, blue, 1]);
    let rgba = DynamicImage::from(image::ImageBuffer::from_pixel(1, 1, pixel));
    assert_eq!(
        decoded(&plain(1), &encoded(&rgba, ImageFormat::Png)),
        expected
    );
    // Pillow clips grey to 255.
    for (value, expected) in [(red, 255.0), (0x12, 18.0)] {
        let grey = DynamicImage::from(image::ImageBuffer::from_pixel(1, 1, image::Luma([value])));
        assert_eq!(
            decoded(&plain(1), &encoded(&grey, ImageFormat::Png)),
            [expected; 3]
        );
    }
}

#[test]
fn a_cmyk_jpeg_is_read_as_pillow_reads_it() {
    // One plain color.
    const PILLOWS: [f32; 3] = [155.0, 105.0, 50.0];
    let found = values(&plain(16), &fixture("cmyk.jpg"));
    for (plane, expected) in found.chunks_exact(256).zip(PILLOWS) {
        assert!(plane.iter().all(|value| *value == expected), "{plane:?}");
    }
}

#[test]
fn exif_turns_the_picture_only_when_asked() {
    let stored = Preprocess {
        crop: [16, 32],
        ..plain(16)
    };
    let turned = Preprocess {
        crop: [32, 16],
        orientation: Orientation::Apply,
        ..stored
    };
    // Red in the corners top left, top right, bottom left, bottom right.
    let corners = |preprocess: &Preprocess| {
        let [height, width] = preprocess.crop;
        let red = values(preprocess, &fixture("turned.jpg"));
        [0, width - 1, (height - 1) * width, height * width - 1].map(|at| red[at] > 127.0)
    };
    assert_eq!(corners(&stored), [true, false, true, false]);
    assert_eq!(corners(&turned), [true, true, false, false]);
}

#[test]
fn order_and_mean_follow_caffe() {
    // Blue, green, red less 104, 117, 123, in values up to 255.
    let caffe = Preprocess {
        order: ChannelOrder::Bgr,
        mean: [104.0, 117.0, 123.0],
        ..plain(1)
    };
    let image = DynamicImage::from(image::RgbImage::from_pixel(1, 1, Rgb([200, 100, 50])));
    let found: Vec<f32> = caffe
        .image(&image, &Device::flex())
        .into_data()
        .try_to_vec()
        .unwrap();
    assert_eq!(found, [-54.0, -17.0, 77.0]);
}

#[test]
fn a_batch_keeps_the_order_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [10_u8, 20, 30].map(|value| {
        let path = folder.path().join(format!("{value}.png"));
        image::GrayImage::from_pixel(1, 1, image::Luma([value]))
            .save(&path)
            .unwrap();
        path
    });
    let batch = plain(1).batch(&paths, &Device::flex()).unwrap();
    assert_eq!(batch.dims(), [3, 3, 1, 1]);
    let found: Vec<f32> = batch.into_data().try_to_vec().unwrap();
    assert_eq!(
        found,
        [10.0, 10.0, 10.0, 20.0, 20.0, 20.0, 30.0, 30.0, 30.0]
    );
    let error = plain(1)
        .batch(&[], &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(error.contains("at least one image"), "{error}");
}

fn failure(preprocess: &Preprocess, name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let error = preprocess
        .open(&path, &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("cannot read image {}: ", path.display())),
        "{error}"
    );
    error
}

#[test]
fn text_called_png_is_an_error_that_names_it() {
    let error = failure(&plain(8), "notes.png", b"not a picture");
    assert!(error.ends_with(
        "its format is unknown; supported are jpeg, png, webp, bmp, gif, tiff, ppm, tga and ico"
    ));
    failure(&plain(8), "empty.png", b"");
}

#[test]
fn a_picture_that_is_cut_off_is_an_error() {
    for name in ["photo.png", "photo.jpg"] {
        let bytes = std::fs::read(photo(name)).unwrap();
        for part in [20, bytes.len() / 2, bytes.len() - 20] {
            failure(&plain(8), name, &bytes[..part]);
        }
    }
    let small = image::open(fixture("small.png")).unwrap();
    for format in [ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
        let bytes = encoded(&small, format);
        failure(&plain(8), "small", &bytes[..bytes.len() / 2]);
    }
    let gif = std::fs::read(fixture("palette.gif")).unwrap();
    failure(&plain(4), "palette.gif", &gif[..gif.len() / 2]);
}

#[test]
fn a_picture_that_would_fill_the_memory_is_an_error() {
    // The header of the small PNG with 60,000 x 60,000 pixels, its checksum by zlib.crc32.
    let mut bytes = std::fs::read(fixture("small.png")).unwrap();
    bytes[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    bytes[29..33].copy_from_slice(&0x0fb0_e215_u32.to_be_bytes());
    let error = failure(&plain(8), "huge.png", &bytes);
    assert!(error.contains("60000x60000 pixels are too many"), "{error}");
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let error = plain(8)
        .open("nowhere/cat.png", &Device::flex())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read nowhere/cat.png: "),
        "{error}"
    );
}

#[test]
fn impossible_sizes_and_channels_are_errors() {
    let bytes = std::fs::read(fixture("small.png")).unwrap();
    let error = failure(
        &Preprocess {
            channels: 2,
            ..plain(8)
        },
        "two.png",
        &bytes,
    );
    assert!(error.ends_with("1 or 3 channels, not 2"), "{error}");
    let error = failure(
        &Preprocess {
            crop: [0, 8],
            ..plain(8)
        },
        "none.png",
        &bytes,
    );
    assert!(error.ends_with("sizes start at 1"), "{error}");
}
