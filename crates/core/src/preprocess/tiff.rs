//! TIFF files in the variants that Pillow reads: gray and palettes of 1 to 8 bits, integer and float gray of 16 and 32
//! bits, RGB of 8 and 16 bits with extra samples, CMYK, `YCbCr`.
//!
//! The `tiff` crate decodes the samples, and this module converts them to colors, because the `image` crate refuses
//! palettes and float gray and converts CMYK differently from Pillow.

use std::io::Cursor;

use image::metadata::Orientation;
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::color;
use super::pixels::Pixels;
use super::tags::as_gray;

/// Values of the tag `Compression` (TIFF 6.0 and its technical notes) that are not supported.
const UNKNOWN: [(u16, &str); 10] = [
    (2, "CCITT run-length"),
    (3, "CCITT group 3"),
    (6, "old-style JPEG"),
    (34_661, "JBIG"),
    (34_712, "JPEG 2000"),
    (34_887, "LERC"),
    (34_925, "LZMA"),
    (50_000, "Zstandard"),
    (50_001, "WebP"),
    (50_002, "JPEG XL"),
];

const PLAIN: u16 = 1;
const JPEG: u16 = 7;

/// Values of the tag `PhotometricInterpretation`.
const WHITE_IS_ZERO: u16 = 0;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const CMYK: u16 = 5;
const YCBCR: u16 = 6;

/// Whether the bytes begin like a TIFF file, but not like a Canon raw file.
pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    let magic = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
    magic.iter().any(|magic| bytes.starts_with(*magic)) && bytes.get(8..10) != Some(b"CR")
}

/// Decodes the first image, upright, to one or three channels. An error says why that is impossible. `most` limits its
/// size in bytes.
pub(super) fn decode(bytes: &[u8], channels: usize, most: usize) -> Result<Pixels, String> {
    let (photometric, gray) = as_gray(bytes).ok_or(
        "it is a TIFF whose tag directory is broken or does not give its color space; save it as PNG",
    )?;
    let form = Form::read(&gray, photometric, most)?;
    // The edit does not affect JPEG data.
    let file = if form.compression == JPEG {
        bytes
    } else {
        &gray
    };
    let samples = form.samples(file, most)?;
    let pixels = form.pixels(&samples, channels)?;
    let turn = u8::try_from(form.orientation).ok();
    Ok(match turn.and_then(Orientation::from_exif) {
        None | Some(Orientation::NoTransforms) => pixels,
        Some(turn) => {
            let mut image = pixels.into_image();
            image.apply_orientation(turn);
            Pixels::of(&image, channels)
        }
    })
}

/// The sample layout in the tags.
struct Form {
    width: usize,
    height: usize,
    photometric: u16,
    compression: u16,
    /// Samples per pixel.
    samples: usize,
    /// Bits per sample.
    bits: u8,
    /// `ExtraSamples` of the first extra sample; 1 means premultiplied alpha.
    beside: Option<u16>,
    orientation: u16,
    /// All reds, then all greens, then all blues.
    palette: Vec<u8>,
}

impl Form {
    /// Reads the tags of a file that [`as_gray`] edited.
    fn read(bytes: &[u8], photometric: u16, most: usize) -> Result<Self, String> {
        let mut decoder = opened(bytes, most)?;
        let mut tag = |tag, usual| {
            let found = decoder.find_tag_unsigned_vec::<u16>(tag);
            let found = found.map_err(said)?;
            Ok::<_, String>(found.and_then(|all| all.first().copied()).unwrap_or(usual))
        };
        let compression = tag(Tag::Compression, PLAIN)?;
        let samples = usize::from(tag(Tag::SamplesPerPixel, 1)?);
        let bits = tag(Tag::BitsPerSample, 1)?;
        let (order, orientation) = (tag(Tag::FillOrder, 1)?, tag(Tag::Orientation, 1)?);
        let across = tag(Tag::ChromaSubsampling, 1)?;
        let beside = tag(Tag::ExtraSamples, u16::MAX)?;
        if let Some((_, name)) = UNKNOWN.iter().find(|(code, _)| *code == compression) {
            return Err(format!(
                "it is a TIFF with {name} compression, which is not supported; save it as PNG"
            ));
        }
        let what = match photometric {
            4 => Some("a mask".to_owned()),
            8..=10 => Some("CIE L*a*b* colors".to_owned()),
            32_803 => Some("raw camera sensor data".to_owned()),
            YCBCR if compression != JPEG && across != 1 => {
                Some("subsampled YCbCr without JPEG compression".to_owned())
            }
            WHITE_IS_ZERO..=PALETTE | CMYK | YCBCR => None,
            other => Some(format!("an unknown color space ({other})")),
        };
        if let Some(what) = what {
            return Err(format!(
                "it is a TIFF with {what}, which is not supported; save it as PNG in RGB"
            ));
        }
        if order != 1 && bits < 8 {
            return Err(
                "it is a TIFF with reversed bit order, which is not supported; save it as PNG"
                    .to_owned(),
            );
        }
        let (width, height) = decoder.dimensions().map_err(said)?;
        let palette = match photometric {
            PALETTE => {
                let map = decoder.get_tag_u16_vec(Tag::ColorMap);
                let map = map.map_err(said)?;
                map.into_iter().map(color::high).collect()
            }
            _ => Vec::new(),
        };
        Ok(Self {
            width: width as usize,
            height: height as usize,
            photometric,
            compression,
            samples,
            bits: u8::try_from(bits).unwrap_or(u8::MAX),
            beside: Some(beside).filter(|beside| *beside != u16::MAX),
            orientation,
            palette,
        })
    }

    /// All samples, pixel by pixel, in the order of the file.
    fn samples(&self, bytes: &[u8], most: usize) -> Result<DecodingResult, String> {
        let mut decoder = opened(bytes, most)?;
        let mut found = DecodingResult::U8(Vec::new());
        let layout = decoder.read_image_to_buffer(&mut found).map_err(said)?;
        if found.as_buffer(0).as_bytes().len() < layout.complete_len {
            return Err(super::decode::too_many(self.width, self.height));
        }
        if layout.planes > 1 {
            return interleaved(found, layout.planes).ok_or_else(|| {
                "it is a TIFF with an unsupported planar layout; save it as PNG".to_owned()
            });
        }
        Ok(found)
    }

    fn pixels(&self, samples: &DecodingResult, channels: usize) -> Result<Pixels, String> {
        let colors = match self.photometric {
            RGB | YCBCR => 3,
            CMYK => 4,
            _ => 1,
        };
        let unknown = || {
            let Self { samples, bits, .. } = self;
            format!(
                "it is a TIFF with an unsupported combination of {samples} samples of {bits} bits; save it as PNG"
            )
        };
        if self.samples < colors {
            return Err(unknown());
        }
        if colors == 1 {
            let gray = self.single(samples).ok_or_else(unknown)?;
            let pixels = match self.photometric {
                PALETTE => self.painted(&gray),
                _ => Pixels::new(self.height, self.width, 1, gray),
            };
            return Ok(pixels.with_channels(channels));
        }
        let bytes: Vec<u8> = match samples {
            DecodingResult::U8(values) if self.bits == 8 => values.clone(),
            DecodingResult::U16(values) if self.bits == 16 => {
                values.iter().copied().map(color::high).collect()
            }
            _ => return Err(unknown()),
        };
        if bytes.len() != self.width * self.height * self.samples {
            return Err(unknown());
        }
        let pixels = bytes.chunks_exact(self.samples);
        if self.photometric == YCBCR && self.compression == PLAIN && channels == 1 {
            // Pillow uses the luma unchanged.
            let luma = pixels.map(|pixel| pixel[0]).collect();
            return Ok(Pixels::new(self.height, self.width, 1, luma));
        }
        let rgb = |pixel: &[u8]| match (self.photometric, self.beside) {
            (CMYK, _) => color::from_cmyk([pixel[0], pixel[1], pixel[2], pixel[3]]),
            (YCBCR, _) => {
                let color = [pixel[0], pixel[1], pixel[2]];
                match self.compression {
                    PLAIN => color::from_ycbcr(color),
                    JPEG => color::from_full_range(color, color::LIBJPEG),
                    _ => color::from_full_range(color, color::LIBTIFF),
                }
            }
            (RGB, Some(1)) if pixel.len() > 3 => {
                color::divided([pixel[0], pixel[1], pixel[2]], pixel[3])
            }
            _ => [pixel[0], pixel[1], pixel[2]],
        };
        let values = pixels.flat_map(rgb).collect();
        Ok(Pixels::new(self.height, self.width, 3, values).with_channels(channels))
    }

    /// The first sample of each pixel in eight bits, clipped as in Pillow's `convert("L")`; palette indices are unchanged.
    fn single(&self, samples: &DecodingResult) -> Option<Vec<u8>> {
        fn clipped<T: Copy>(values: &[T], step: usize, clip: impl Fn(T) -> u8) -> Vec<u8> {
            values
                .iter()
                .step_by(step)
                .map(|value| clip(*value))
                .collect()
        }
        let step = self.samples;
        let values = match samples {
            DecodingResult::U8(values) if self.bits < 8 && step == 1 => self.unpacked(values),
            DecodingResult::U8(values) => clipped(values, step, |value| value),
            DecodingResult::I8(values) => clipped(values, step, i8::cast_unsigned),
            DecodingResult::U16(values) => clipped(values, step, |value| value.min(255) as u8),
            DecodingResult::I16(values) => clipped(values, step, |value| value.clamp(0, 255) as u8),
            // Pillow treats these as signed, too.
            DecodingResult::U32(values) => clipped(values, step, |value| {
                value.cast_signed().clamp(0, 255) as u8
            }),
            DecodingResult::I32(values) => clipped(values, step, |value| value.clamp(0, 255) as u8),
            // A cast of a float saturates at both ends and turns NaN into zero.
            DecodingResult::F32(values) => clipped(values, step, |value| value as u8),
            DecodingResult::F64(values) => clipped(values, step, |value| value as u8),
            _ => return None,
        };
        if values.len() != self.width * self.height {
            return None;
        }
        if self.photometric == WHITE_IS_ZERO && self.bits <= 8 {
            return Some(values.into_iter().map(|value| !value).collect());
        }
        Some(values)
    }

    /// Samples of 1, 2 or 4 bits, whose rows begin at a new byte: gray is scaled to 255, palette indices are unchanged.
    fn unpacked(&self, bytes: &[u8]) -> Vec<u8> {
        let bits = usize::from(self.bits);
        let largest = u8::MAX >> (8 - bits);
        let scale = match self.photometric {
            PALETTE => 1,
            _ => u8::MAX / largest,
        };
        let sample = |row: &[u8], x: usize| {
            let at = x * bits;
            (row[at / 8] >> (8 - bits - at % 8) & largest) * scale
        };
        let rows = bytes.chunks_exact((self.width * bits).div_ceil(8));
        rows.flat_map(|row| (0..self.width).map(move |x| sample(row, x)))
            .collect()
    }

    fn painted(&self, indices: &[u8]) -> Pixels {
        let count = self.palette.len() / 3;
        let mut values = Vec::with_capacity(indices.len() * 3);
        for &index in indices {
            for plane in 0..3 {
                let at = plane * count + usize::from(index);
                let value = self.palette.get(at).filter(|_| usize::from(index) < count);
                // Pillow's palettes are initially gray ramps.
                values.push(value.copied().unwrap_or(index));
            }
        }
        Pixels::new(self.height, self.width, 3, values)
    }
}

/// A decoder error in one line.
fn said(error: TiffError) -> String {
    let text = error.to_string();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("it is a TIFF that cannot be decoded: {line}")
}

fn opened(bytes: &[u8], most: usize) -> Result<Decoder<Cursor<&[u8]>>, String> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = most;
    limits.intermediate_buffer_size = most;
    limits.ifd_value_size = most;
    let decoder = Decoder::new(Cursor::new(bytes)).map_err(said)?;
    Ok(decoder.with_limits(limits))
}

/// Interleaves the samples of consecutive planes.
fn interleaved(planes: DecodingResult, count: usize) -> Option<DecodingResult> {
    fn mixed<T: Copy>(values: &[T], count: usize) -> Vec<T> {
        let length = values.len() / count;
        (0..length * count)
            .map(|at| values[at % count * length + at / count])
            .collect()
    }
    Some(match planes {
        DecodingResult::U8(values) => DecodingResult::U8(mixed(&values, count)),
        DecodingResult::U16(values) => DecodingResult::U16(mixed(&values, count)),
        _ => return None,
    })
}
