//! From the components to the pixels' colors.

use crate::markers::Markers;

/// How the components say a color (libjpeg's guess, which Pillow follows).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Gray,
    /// Brightness and two color differences.
    Ycc,
    Rgb,
    /// Four inks, stored inverted.
    Cmyk,
    /// Brightness, two color differences, and black.
    Ycck,
}

impl Space {
    /// What the segments and the components' names say.
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

    /// Bytes of a pixel.
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Ycc | Self::Rgb => 3,
            Self::Cmyk | Self::Ycck => 4,
        }
    }
}

/// Pixels that are converted at once, so that every step fits into registers.
const CHUNK: usize = 32;

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
            // The inks are the inverse of red, green and blue, and stored inverted.
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
    let whole = width / CHUNK * CHUNK;
    let (first, rest) = out.split_at_mut(whole * 3);
    for (((out, y), cb), cr) in first
        .chunks_exact_mut(CHUNK * 3)
        .zip(y.chunks_exact(CHUNK))
        .zip(cb.chunks_exact(CHUNK))
        .zip(cr.chunks_exact(CHUNK))
    {
        let mut planes = [[0; CHUNK]; 3];
        for x in 0..CHUNK {
            let [r, g, b] = to_rgb(y[x], cb[x], cr[x]);
            planes[0][x] = r;
            planes[1][x] = g;
            planes[2][x] = b;
        }
        interleave(&planes[0], &planes[1], &planes[2], out);
    }
    for (x, pixel) in rest.chunks_exact_mut(3).enumerate() {
        pixel.copy_from_slice(&to_rgb(y[whole + x], cb[whole + x], cr[whole + x]));
    }
}

/// Red, green and blue as libjpeg's tables give them: products with 1.402, 0.344, 0.714 and 1.772
/// in sixteen bits of fraction, rounded. They are written so that sixteen bits are enough for
/// the products' high halves, which vector units have an instruction for.
#[inline(always)]
fn to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let y = i16::from(y);
    let (cb, cr) = (i16::from(cb) - 128, i16::from(cr) - 128);
    // 1.402 = 1 + 26345 / 65536 and 1.772 = 2 - 14942 / 65536.
    let r = y + cr + ((high(cr * 2, 26345) + 1) >> 1);
    let b = y + cb * 2 + ((high(cb * 2, -14942) + 1) >> 1);
    // -0.714 = 18734 / 65536 - 1.
    let g = (i32::from(cb) * -22554 + i32::from(cr) * 18734 + 32768) >> 16;
    let g = y + g as i16 - cr;
    [r, g, b].map(|v| v.clamp(0, 255) as u8)
}

/// The high half of a product.
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}
