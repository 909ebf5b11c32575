//! JPEG decoder whose pixels equal those of Pillow, which decodes with libjpeg-turbo.
//!
//! Baseline, extended and progressive files; Huffman and arithmetic coding; gray, YCbCr, RGB, CMYK
//! and YCCK; sampling factors of 1 to 4 that divide the largest; restart markers. Lossless and
//! hierarchical files and those of 12 bits are refused by name.
//!
//! What libjpeg-turbo does with its defaults is done here, bit by bit: the accurate integer
//! inverse transform ([its module](https://github.com/libjpeg-turbo/libjpeg-turbo) `jidctint`),
//! triangle filters for halved colors, its color conversion, block smoothing where a progressive
//! file lacks coefficients, its ways out of damaged data. Where a damaged file makes values leave
//! their range, libjpeg-turbo's results depend on the processor; these are those of x86-64.
//!
//! Pillow refuses a file that ends too early, and so does this crate ([`Error::CutOff`]). Without
//! the end-of-image marker alone, Pillow reads some files with one scan and refuses others,
//! depending on how far libjpeg reads ahead; this crate decides alike. It reads more than Pillow in
//! two cases: arithmetic coding in files beyond 64 KiB, and headers that hold the marker TEM or
//! whose application segments Pillow's own parser refuses.
//!
//! Memory: the pixels, a few rows, and with several scans the coefficients, which take two bytes a
//! sample. Time: in proportion to the pixels and the bytes; scans that refine the same
//! coefficients more often than there are bits are refused. There is no `unsafe` code and there
//! are no threads.

mod arithmetic;
mod bits;
mod coefficients;
mod color;
mod decode;
mod entropy;
mod error;
mod frame;
mod huffman;
mod idct;
mod layout;
mod markers;
mod output;
mod passes;
mod planes;
mod progress;
mod progressive;
mod qcoder;
mod scan;
mod sequential;
mod smooth;
mod suspend;
mod tables;
mod units;
mod upsample;

pub use error::Error;

use markers::Markers;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// What the bytes of a pixel say.
    pub color: Color,
    /// The pixels, row by row without gaps.
    pub pixels: Vec<u8>,
}

/// What the bytes of a pixel say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// One byte: brightness.
    Gray,
    /// Three bytes: red, green, blue.
    Rgb,
    /// Four bytes: cyan, magenta, yellow, black; 255 is full ink, as in Pillow.
    Cmyk,
}

/// What a file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that the pixels may take. A file with several scans takes twice as much again, or
    /// less, while it is decoded.
    pub pixel_bytes: usize,
}

impl Default for Limits {
    /// 512 MiB: as RGB, this is the size from which Pillow calls a picture a decompression bomb.
    fn default() -> Self {
        Self {
            pixel_bytes: 512 << 20,
        }
    }
}

/// What a file says before its first scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// What the bytes of a pixel will say.
    pub color: Color,
    /// The EXIF data (a TIFF file), if there is any. It is not checked.
    pub exif: Option<Vec<u8>>,
}

/// Decodes a picture.
///
/// # Errors
///
/// See [`Error`].
pub fn decode(bytes: &[u8], limits: Limits) -> Result<Image, Error> {
    decode::decode(bytes, limits)
}

/// Reads what comes before the first scan.
///
/// # Errors
///
/// See [`Error`].
pub fn header(bytes: &[u8]) -> Result<Header, Error> {
    let mut markers = Markers::new(bytes);
    let (frame, space, _) = decode::open(&mut markers)?;
    Ok(Header {
        width: frame.width,
        height: frame.height,
        color: decode::color(space),
        exif: markers.exif.map(<[u8]>::to_vec),
    })
}
