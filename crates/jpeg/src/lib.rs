//! JPEG decoder whose pixels equal those of Pillow, which decodes with libjpeg-turbo.
//!
//! Baseline, extended and progressive files; Huffman and arithmetic coding; gray, YCbCr, RGB, CMYK
//! and YCCK; sampling factors of 1 to 4 that divide the largest; restart markers. Lossless,
//! hierarchical and 12-bit files are an error that names the format.
//!
//! The decoder matches libjpeg-turbo with default settings bit by bit: the accurate integer inverse
//! DCT ([its module](https://github.com/libjpeg-turbo/libjpeg-turbo) `jidctint`), triangle filters for
//! subsampled chroma, color conversion, block smoothing where a progressive file lacks coefficients,
//! and recovery from damaged data. If a damaged file makes values overflow, libjpeg-turbo's results
//! depend on the processor; this crate matches x86-64.
//!
//! Pillow refuses a file that ends too early, and so does this crate ([`Error::CutOff`]). Without
//! the end-of-image marker alone, Pillow reads some files with one scan and refuses others,
//! depending on how far libjpeg reads ahead; this crate does the same. It reads more than Pillow in
//! two cases: arithmetic coding in files beyond 64 KiB, and headers that hold the marker TEM or
//! whose application segments Pillow's own parser refuses.
//!
//! Memory: the pixels, a few rows, and with several scans the coefficients at two bytes per sample.
//! Time: in proportion to pixels and bytes; scans that refine the same coefficients more often than
//! they have bits are an error. The crate uses no `unsafe` code and no threads.

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

/// A decoded image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The format of a pixel.
    pub color: Color,
    /// The pixels, row by row without gaps.
    pub pixels: Vec<u8>,
}

/// The format of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// One byte: brightness.
    Gray,
    /// Three bytes: red, green, blue.
    Rgb,
    /// Four bytes: cyan, magenta, yellow, black; 255 is full ink, as in Pillow.
    Cmyk,
}

/// Limits on the cost of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the pixels. A multi-scan file takes up to twice as much in addition during
    /// decoding.
    pub pixel_bytes: usize,
}

impl Default for Limits {
    /// 512 MiB: for RGB, this is the size above which Pillow reports a decompression bomb.
    fn default() -> Self {
        Self {
            pixel_bytes: 512 << 20,
        }
    }
}

/// The information before a file's first scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The format of a pixel.
    pub color: Color,
    /// The EXIF data (a TIFF file), if there is any. It is not checked.
    pub exif: Option<Vec<u8>>,
}

/// Decodes an image.
///
/// # Errors
///
/// See [`Error`].
pub fn decode(bytes: &[u8], limits: Limits) -> Result<Image, Error> {
    decode::decode(bytes, limits)
}

/// Reads the headers before the first scan.
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
