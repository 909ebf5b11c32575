//! Color conversion from components to pixels.

use crate::markers::Markers;

/// The color space of the components (libjpeg's guess, which Pillow follows).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Gray,
    /// Luma and two chroma components.
    Ycc,
    Rgb,
    /// Four inks, stored inverted.
    Cmyk,
    /// Luma, two chroma components, and black.
    Ycck,
}

impl Space {
    /// The color space from the segments and the component identifiers.
    pub(crate) fn of(markers: &Markers<'_>, ids: &[u8]) -> Self {
        match (ids, markers.adobe) {
            ([_], _) => Self::Gray,
            ([_, _, _], _) if markers.jfif => Self::Ycc,
            ([_, _, _], Some(0)) => Self::Rgb,
            ([b'R', b'G', b'B'], None) => Self::Rgb,
            ([_, _, _], _) => Self::Ycc,
            (_, None | Some(0)) => Self::Cmyk,
            (_, Some(_)) => Self::Ycck,
        }
    }

    /// Bytes per pixel.
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Ycc | Self::Rgb => 3,
            Self::Cmyk | Self::Ycck => 4,
        }
    }
}

/// Pixels per chunk, so that every step fits into registers.
const CHUNK: usize = 16;

/// Writes one row of pixels from one row of every component.
pub(crate) fn convert(space: Space, rows: &[&[u8]], out: &mut [u8]) {
    match (space, rows) {
        (Space::Gray, [gray]) => out.copy_from_slice(&gray[..out.len()]),
        (Space::Rgb, [r, g, b]) => interleave(r, g, b, out),
        (Space::Ycc, [y, cb, cr]) => ycc_to_rgb(y, cb, cr, out),
        (Space::Cmyk, [c, m, y, k]) => {
            for (x, pixel) in out.chunks_exact_mut(4).enumerate() {
                pixel.copy_from_slice(&[!c[x], !m[x], !y[x], !k[x]]);
            }
        }
        (Space::Ycck, [y, cb, cr, k]) => {
            // The inks are the inverse of red, green and blue, and are stored inverted.
            for (x, pixel) in out.chunks_exact_mut(4).enumerate() {
                let [r, g, b] = to_rgb(y[x], cb[x], cr[x]);
                pixel.copy_from_slice(&[r, g, b, !k[x]]);
            }
        }
        _ => (),
    }
}

fn interleave(r: &[u8], g: &[u8], b: &[u8], out: &mut [u8]) {
    for (((pixel, &r), &g), &b) in out.chunks_exact_mut(3).zip(r).zip(g).zip(b) {
        pixel[0] = r;
        pixel[1] = g;
        pixel[2] = b;
    }
}

fn ycc_to_rgb(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    let width = out.len() / 3;
    // At least one pixel remains, so that there is room after every chunk.
    let chunks = width.saturating_sub(1) / CHUNK;
    for (i, ((y, cb), cr)) in y
        .chunks_exact(CHUNK)
        .zip(cb.chunks_exact(CHUNK))
        .zip(cr.chunks_exact(CHUNK))
        .take(chunks)
        .enumerate()
    {
        let pairs = chunk_to_rgb(y, cb, cr);
        // Two pixels at once; the next write overwrites the excess bytes.
        let out = &mut out[i * CHUNK * 3..][..CHUNK * 3 + 2];
        for (x, pair) in pairs.iter().enumerate() {
            out[6 * x..6 * x + 8].copy_from_slice(&pair.to_le_bytes());
        }
    }
    let done = chunks * CHUNK;
    for (x, pixel) in out.chunks_exact_mut(3).enumerate().skip(done) {
        pixel.copy_from_slice(&to_rgb(y[x], cb[x], cr[x]));
    }
}

/// Pairs of three-byte pixels, red first. Each step is a separate loop over numbers of one width,
/// because compilers vectorize such loops.
#[inline(always)]
fn chunk_to_rgb(y: &[u8], cb: &[u8], cr: &[u8]) -> [u64; CHUNK / 2] {
    let mut greens = [0i16; CHUNK];
    for x in 0..CHUNK {
        greens[x] = green_part(i16::from(cb[x]) - 128, i16::from(cr[x]) - 128);
    }
    let mut pixels = [0u8; CHUNK * 4];
    for x in 0..CHUNK {
        let [r, g, b] = with_green(y[x], cb[x], cr[x], greens[x]);
        pixels[4 * x] = r;
        pixels[4 * x + 1] = g;
        pixels[4 * x + 2] = b;
        pixels[4 * x + 3] = 0;
    }
    let mut pairs = [0; CHUNK / 2];
    for (pair, bytes) in pairs.iter_mut().zip(pixels.as_chunks::<8>().0) {
        let two = u64::from_le_bytes(*bytes);
        *pair = two & 0x00ff_ffff | two >> 8 & 0xffff_ff00_0000;
    }
    pairs
}

/// Red, green and blue as in libjpeg's tables: products with 1.402, 0.344, 0.714 and 1.772 with 16
/// fractional bits, rounded. They are arranged so that the high halves of 16-bit products suffice,
/// for which vector units have an instruction.
#[inline(always)]
fn to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let green = green_part(i16::from(cb) - 128, i16::from(cr) - 128);
    with_green(y, cb, cr, green)
}

/// The chroma contribution to green: -0.344 of Cb and -0.714 of Cr, which is 18734 / 65536 - 1.
#[inline(always)]
fn green_part(cb: i16, cr: i16) -> i16 {
    ((i32::from(cb) * -22554 + i32::from(cr) * 18734 + 32768) >> 16) as i16
}

#[inline(always)]
fn with_green(y: u8, cb: u8, cr: u8, green: i16) -> [u8; 3] {
    let y = i16::from(y);
    let (cb, cr) = (i16::from(cb) - 128, i16::from(cr) - 128);
    // 1.402 = 1 + 26345 / 65536 and 1.772 = 2 - 14942 / 65536.
    let r = y + cr + ((high(cr * 2, 26345) + 1) >> 1);
    let b = y + cb * 2 + ((high(cb * 2, -14942) + 1) >> 1);
    let g = y + green - cr;
    [r, g, b].map(|v| v.clamp(0, 255) as u8)
}

/// The high half of a product.
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}
