//! Changes of colour, with the arithmetic that Pillow has on eight-bit pixels.

use burn_zoo_core::Pixels;

/// Towards black (factor 0) or away from it; 1 leaves the image as it is.
pub(super) fn brightness(image: &Pixels, factor: f64) -> Pixels {
    blend(image, factor, |_, _| 0)
}

/// Towards the image's mean grey or away from it.
pub(super) fn contrast(image: &Pixels, factor: f64) -> Pixels {
    let grey = image.clone().with_channels(1);
    let sum: u64 = grey.values().iter().copied().map(u64::from).sum();
    let mean = sum as f64 / grey.values().len() as f64;
    blend(image, factor, |_, _| (mean + 0.5) as u8)
}

/// Towards its own grey or away from it.
pub(super) fn saturation(image: &Pixels, factor: f64) -> Pixels {
    let grey = image.clone().with_channels(1);
    blend(image, factor, |pixel, _| grey.values()[pixel])
}

/// Towards a smoothed image (Pillow's `SMOOTH`) or away from it.
pub(super) fn sharpness(image: &Pixels, factor: f64) -> Pixels {
    let [height, width, channels] = [image.height(), image.width(), image.channels()];
    let values = image.values();
    blend(image, factor, |pixel, channel| {
        let (y, x) = (pixel / width, pixel % width);
        let at = |y: usize, x: usize| u32::from(values[(y * width + x) * channels + channel]);
        if y == 0 || x == 0 || y + 1 == height || x + 1 == width {
            return values[pixel * channels + channel];
        }
        let rows = (y - 1..=y + 1).flat_map(|y| (x - 1..=x + 1).map(move |x| (y, x)));
        // Ones around a five; a sum over 13 is never halfway between two numbers.
        let sum = rows.map(|(y, x)| at(y, x)).sum::<u32>() + 4 * at(y, x);
        ((2 * sum + 13) / 26) as u8
    })
}

/// Turns the hue by a share of the circle, -0.5 to 0.5; grey images have none.
pub(super) fn hue(image: &Pixels, share: f64) -> Pixels {
    if image.channels() != 3 {
        return image.clone();
    }
    let turn = (share * 255.0) as i32 as u8;
    let turned = image.values().chunks_exact(3).flat_map(|pixel| {
        let [hue, saturation, value] = to_hsv([pixel[0], pixel[1], pixel[2]]);
        to_rgb([hue.wrapping_add(turn), saturation, value])
    });
    with(image, turned.collect())
}

/// Keeps the upper bits of each value.
pub(super) fn posterize(image: &Pixels, bits: u32) -> Pixels {
    let mask = !((1_u16 << (8 - bits)) - 1) as u8;
    mapped(image, |value| value & mask)
}

/// Inverts values from a threshold on.
pub(super) fn solarize(image: &Pixels, threshold: f64) -> Pixels {
    mapped(image, |value| {
        if f64::from(value) < threshold {
            value
        } else {
            255 - value
        }
    })
}

/// Stretches each channel over the whole range.
pub(super) fn auto_contrast(image: &Pixels) -> Pixels {
    by_channel(image, |histogram| {
        let low = histogram.iter().position(|&count| count > 0).unwrap_or(0);
        let high = histogram.iter().rposition(|&count| count > 0).unwrap_or(0);
        if high <= low {
            return identity();
        }
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        // A cast truncates as Python's `int` does, and ends at 0 and 255.
        std::array::from_fn(|value| (value as f64 * scale + offset) as u8)
    })
}

/// Makes all values of each channel about equally frequent.
pub(super) fn equalize(image: &Pixels) -> Pixels {
    by_channel(image, |histogram| {
        let mut used = histogram.iter().filter(|&&count| count > 0);
        let last = used.next_back().copied().unwrap_or(0);
        let step = (histogram.iter().sum::<usize>() - last) / 255;
        if step == 0 {
            return identity();
        }
        let mut sum = step / 2;
        std::array::from_fn(|value| {
            let level = sum / step;
            sum += histogram[value];
            level.min(255) as u8
        })
    })
}

/// Pillow's `Image.blend` of another image (0) and this one (1); `other` is told the number of
/// the pixel and its channel.
fn blend(image: &Pixels, factor: f64, other: impl Fn(usize, usize) -> u8) -> Pixels {
    let factor = factor as f32;
    let channels = image.channels();
    let values = image.values().iter().enumerate().map(|(index, &value)| {
        let other = i32::from(other(index / channels, index % channels));
        let mixed = other as f32 + factor * (i32::from(value) - other) as f32;
        // A cast truncates and ends at 0 and 255, as Pillow's code does.
        mixed as u8
    });
    with(image, values.collect())
}

fn with(image: &Pixels, values: Vec<u8>) -> Pixels {
    Pixels::new(image.height(), image.width(), image.channels(), values)
}

fn mapped(image: &Pixels, map: impl Fn(u8) -> u8) -> Pixels {
    with(image, image.values().iter().copied().map(map).collect())
}

fn identity() -> [u8; 256] {
    std::array::from_fn(|value| value as u8)
}

fn by_channel(image: &Pixels, table: impl Fn(&[usize; 256]) -> [u8; 256]) -> Pixels {
    let channels = image.channels();
    let mut histograms = vec![[0; 256]; channels];
    for (index, &value) in image.values().iter().enumerate() {
        histograms[index % channels][usize::from(value)] += 1;
    }
    let tables: Vec<_> = histograms.iter().map(table).collect();
    let values = image.values().iter().enumerate();
    let values = values.map(|(index, &value)| tables[index % channels][usize::from(value)]);
    with(image, values.collect())
}

/// Pillow's `rgb2hsv_row`, with its mixture of single and double precision.
fn to_hsv([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let high = red.max(green).max(blue);
    let low = red.min(green).min(blue);
    if low == high {
        return [0, 0, high];
    }
    let range = f32::from(high - low);
    let saturation = range / f32::from(high);
    let [red_part, green_part, blue_part] =
        [red, green, blue].map(|value| f32::from(high - value) / range);
    let hue = if red == high {
        blue_part - green_part
    } else if green == high {
        (2.0 + f64::from(red_part) - f64::from(blue_part)) as f32
    } else {
        (4.0 + f64::from(green_part) - f64::from(red_part)) as f32
    };
    let hue = (f64::from(hue) / 6.0 + 1.0).rem_euclid(1.0) as f32;
    let byte = |share: f32| (f64::from(share) * 255.0) as u8;
    [byte(hue), byte(saturation), high]
}

/// Pillow's `hsv2rgb_row`.
fn to_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    if saturation == 0 {
        return [value; 3];
    }
    let sixth = f64::from(hue) * 6.0 / 255.0;
    let part = (sixth - sixth.floor()) as f32;
    let saturation = (f64::from(saturation) / 255.0) as f32;
    let scaled = |share: f64| (f64::from(value) * share).round() as u8;
    let low = scaled(1.0 - f64::from(saturation));
    let falling = scaled(1.0 - f64::from(saturation * part));
    let rising = scaled(1.0 - f64::from(saturation) * (1.0 - f64::from(part)));
    match sixth as usize % 6 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Reference, of};
    use super::*;

    #[test]
    fn every_adjustment_is_torchvisions_on_pillow_images() {
        let reference = Reference::read();
        let rows = reference.rows("operations");
        assert_eq!(rows.len(), 25);
        for row in rows {
            let (name, factor) = (row[0].as_str().unwrap(), row[1].as_f64().unwrap());
            let adjust = match name {
                "brightness" => brightness,
                "contrast" => contrast,
                "saturation" => saturation,
                "sharpness" => sharpness,
                "hue" => hue,
                other => panic!("no operation {other}"),
            };
            let [colour, grey] = reference.pictures();
            for (image, expected) in [(colour, &row[2]), (grey, &row[3])] {
                let found = adjust(&image, factor);
                assert_eq!(found, of(&image, expected), "{name} {factor}");
            }
        }
    }

    #[test]
    fn hues_come_back_as_in_pillow() {
        // Image.fromarray(numpy.uint8([[[r, g, b]]])).convert("HSV") of Pillow 13.0.0.
        for (rgb, hsv) in [
            ([255, 0, 0], [0, 255, 255]),
            ([0, 255, 0], [85, 255, 255]),
            ([0, 0, 255], [170, 255, 255]),
            ([12, 34, 56], [148, 200, 56]),
            ([200, 10, 90], [237, 242, 200]),
            ([250, 240, 1], [40, 253, 250]),
            ([7, 7, 7], [0, 0, 7]),
        ] {
            assert_eq!(to_hsv(rgb), hsv, "{rgb:?}");
        }
    }
}
