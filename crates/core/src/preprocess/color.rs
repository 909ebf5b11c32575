//! Pillow's conversions of single pixels.

/// The upper 8 of 16 bits.
pub(super) fn high(value: u16) -> u8 {
    value.to_be_bytes()[0]
}

/// Pillow's `cmyk2rgb`: the white that black and an ink leave, as products of bytes rounded to 255ths.
pub(super) fn from_cmyk([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let rest = 255 - black;
    [cyan, magenta, yellow].map(|ink| {
        let product = u32::from(ink) * u32::from(rest) + 128;
        let share = ((product >> 8) + product) >> 8;
        rest.saturating_sub(u8::try_from(share).unwrap_or(u8::MAX))
    })
}

/// Pillow's `ImagingConvertYCbCr2RGB`: full-range ITU-R BT.601 in 64ths, rounded by adding one half and truncating,
/// also below zero.
pub(super) fn from_ycbcr([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let [luma, blue, red] = [luma, blue, red].map(i32::from);
    let part = |factor: f64, chroma: i32| (factor * 64.0 * f64::from(chroma - 128) + 0.5) as i32;
    let sums = [
        part(1.402, red),
        part(-0.344_14, blue) + part(-0.714_14, red),
        part(1.772, blue),
    ];
    sums.map(|sum| (luma + (sum >> 6)).clamp(0, 255) as u8)
}

/// The `YCbCr` to RGB conversion of libjpeg and libtiff: full-range ITU-R BT.601 in 16-bit fixed point.
/// `blue_in_green` is the only factor that differs between the two.
pub(super) fn from_full_range([luma, blue, red]: [u8; 3], blue_in_green: i32) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let [luma, blue, red] = [i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128];
    let sums = [
        91_881 * red,
        -blue_in_green * blue - 46_802 * red,
        116_130 * blue,
    ];
    sums.map(|sum| (luma + ((sum + HALF) >> 16)).clamp(0, 255) as u8)
}

/// `0.34414` and `0.344136` in 16-bit fixed point.
pub(super) const LIBJPEG: i32 = 22_554;
pub(super) const LIBTIFF: i32 = 22_553;

/// Divides premultiplied colors by their alpha, as in Pillow's `RGBa`.
pub(super) fn divided(rgb: [u8; 3], alpha: u8) -> [u8; 3] {
    match u32::from(alpha) {
        0 => [0; 3],
        255 => rgb,
        alpha => rgb.map(|value| (u32::from(value) * 255 / alpha).min(255) as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_pillows() {
        // Image.new("CMYK" or "YCbCr", (1, 1), color).convert("RGB") of Pillow 13.0.0.
        for (ink, rgb) in [
            ([0, 0, 0, 0], [255, 255, 255]),
            ([10, 100, 200, 30], [216, 137, 49]),
            ([255, 128, 1, 128], [0, 63, 127]),
            ([7, 8, 9, 255], [0, 0, 0]),
        ] {
            assert_eq!(from_cmyk(ink), rgb, "{ink:?}");
        }
        for (luma, rgb) in [
            ([128, 128, 128], [128, 128, 128]),
            ([100, 93, 118], [86, 119, 38]),
            ([0, 0, 225], [136, 0, 0]),
            ([200, 255, 30], [62, 226, 255]),
        ] {
            assert_eq!(from_ycbcr(luma), rgb, "{luma:?}");
        }
    }
}
