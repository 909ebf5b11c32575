//! AVIF images, with the color conversion of libyuv, which Pillow's libavif uses.

use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Settings};

use super::decode::too_many;
use super::heif::{self, Still};
use super::pixels::Pixels;

/// Decodes the primary image. An error says why that is impossible. `most` limits its size in bytes.
pub(super) fn decode(bytes: &[u8], channels: usize, most: usize) -> Result<Pixels, String> {
    let still = heif::still(bytes)?;
    let [height, width] = still.size;
    if height == 0 || width == 0 {
        return Err(format!("it has no pixels ({width}x{height})"));
    }
    let pixels = height
        .checked_mul(width)
        .filter(|count| count.saturating_mul(3) <= most);
    let pixels = pixels.ok_or_else(|| too_many(width, height))?;
    let picture = picture(&still, u32::try_from(pixels).unwrap_or(u32::MAX))?;
    let known = [picture.height(), picture.width()].map(|side| side as usize);
    if known != still.size {
        return Err("its size does not match its data".to_owned());
    }
    if picture.bit_depth() != 8 {
        return Err(
            "it is an AVIF image with more than 8 bits per channel, which is not supported; save it as PNG"
                .to_owned(),
        );
    }
    Ok(colors(&picture, &still)?.with_channels(channels))
}

fn picture(still: &Still, most: u32) -> Result<Picture, String> {
    let said = |error: re_rav1d::dav1d::Error| format!("its AV1 data cannot be decoded: {error}");
    let mut settings = Settings::new();
    // We already decode images on several threads.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(most);
    let mut decoder = Decoder::with_settings(&settings).map_err(said)?;
    decoder
        .send_data(still.data.clone(), None, None, None)
        .map_err(said)?;
    decoder.get_picture().map_err(said)
}

/// libyuv's constants: the luma factor in 16-bit fixed point and the luma offset, then in 64ths the factors of Cb in
/// blue, Cb in green, Cr in green and Cr in red.
type Factors = [i32; 6];
const FULL_601: Factors = [16_320, 32, 113, 22, 46, 90];
const LIMITED_601: Factors = [18_997, -1_160, 128, 25, 52, 102];
const FULL_709: Factors = [16_320, 32, 119, 12, 30, 101];
const LIMITED_709: Factors = [18_997, -1_160, 128, 14, 34, 115];

fn factors(picture: &Picture, still: &Still) -> Result<Factors, String> {
    let (matrix, full) = still.colors.unwrap_or_else(|| {
        let matrix = match picture.matrix_coefficients() {
            MatrixCoefficients::BT709 => 1,
            MatrixCoefficients::Identity => 0,
            MatrixCoefficients::ST170M | MatrixCoefficients::BT470BG => 6,
            MatrixCoefficients::Unspecified => 2,
            _ => u8::MAX,
        };
        (matrix, picture.color_range() == YUVRange::Full)
    });
    match (matrix, full) {
        (2 | 5 | 6, true) => Ok(FULL_601),
        (2 | 5 | 6, false) => Ok(LIMITED_601),
        (1, true) => Ok(FULL_709),
        (1, false) => Ok(LIMITED_709),
        (other, _) => Err(format!(
            "it is an AVIF image with unsupported matrix coefficients ({other}); save it as PNG"
        )),
    }
}

fn colors(picture: &Picture, still: &Still) -> Result<Pixels, String> {
    let [height, width] = still.size;
    let [factor, offset, blue, green_blue, green_red, red] = factors(picture, still)?;
    let layout = picture.pixel_layout();
    let luma = Plane::of(picture, PlanarImageComponent::Y, [height, width])?;
    let chroma = match layout {
        PixelLayout::I400 => None,
        _ => {
            let halved = |side: usize| side.div_ceil(2);
            let size = match layout {
                PixelLayout::I420 => [halved(height), halved(width)],
                PixelLayout::I422 => [height, halved(width)],
                _ => [height, width],
            };
            let plane = |component| Plane::of(picture, component, size);
            Some([
                plane(PlanarImageComponent::U)?,
                plane(PlanarImageComponent::V)?,
            ])
        }
    };
    let mut values = Vec::with_capacity(height * width * 3);
    for y in 0..height {
        for x in 0..width {
            let [u, v] = chroma.as_ref().map_or([128; 2], |planes| {
                planes
                    .each_ref()
                    .map(|plane| plane.enlarged([y, x], [height, width]))
            });
            let wide = i64::from(luma.at(y, x)) * 0x101 * i64::from(factor);
            let base = (wide >> 16) as i32 + offset;
            let (u, v) = (u - 128, v - 128);
            let sums = [
                base + v * red,
                base - u * green_blue - v * green_red,
                base + u * blue,
            ];
            values.extend(sums.map(|sum| (sum >> 6).clamp(0, 255) as u8));
        }
    }
    Ok(Pixels::new(height, width, 3, values))
}

/// One plane without the padding of its rows.
struct Plane {
    values: Vec<u8>,
    size: [usize; 2],
}

impl Plane {
    fn of(
        picture: &Picture,
        component: PlanarImageComponent,
        size: [usize; 2],
    ) -> Result<Self, String> {
        let stride = picture.stride(component) as usize;
        let plane = picture.plane(component);
        let rows = plane.as_ref().chunks(stride.max(1)).take(size[0]);
        let rows: Vec<&[u8]> = rows.filter_map(|row| row.get(..size[1])).collect();
        if rows.len() != size[0] {
            return Err("its planes are cut off".to_owned());
        }
        Ok(Self {
            values: rows.concat(),
            size,
        })
    }

    fn at(&self, y: usize, x: usize) -> i32 {
        i32::from(self.values[y * self.size[1] + x])
    }

    /// The value at a position of the full image; the plane may have half as many rows or columns. As in libyuv's
    /// `ScaleRowUp2_Linear` and `Scale2RowUp_Bilinear`, the nearer sample counts three quarters and the farther one a
    /// quarter. The last column is copied; the last row only if the number of rows is even.
    fn enlarged(&self, [y, x]: [usize; 2], [height, width]: [usize; 2]) -> i32 {
        let across = Pair::of(x, width, self.size[1], x + 1 == width);
        let down = Pair::of(y, height, self.size[0], false);
        let near = self.at(down.near, across.near);
        match (down.far, across.far) {
            (None, None) => near,
            (None, Some(far)) => (3 * near + self.at(down.near, far) + 2) >> 2,
            (Some(far), None) => (3 * near + self.at(far, across.near) + 2) >> 2,
            (Some(row), Some(column)) => {
                let beside = self.at(down.near, column) + self.at(row, across.near);
                (9 * near + 3 * beside + self.at(row, column) + 8) >> 4
            }
        }
    }
}

/// Two neighbors in one direction of a plane.
struct Pair {
    near: usize,
    far: Option<usize>,
}

impl Pair {
    fn of(place: usize, whole: usize, stored: usize, is_alone: bool) -> Self {
        if stored == whole {
            return Self {
                near: place,
                far: None,
            };
        }
        let near = place / 2;
        let far = if place % 2 == 1 {
            Some(near + 1)
        } else {
            near.checked_sub(1)
        };
        Self {
            near,
            far: far.filter(|far| *far < stored && !is_alone),
        }
    }
}
