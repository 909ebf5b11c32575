//! Moves, shears and turns, as Pillow does them without interpolation; what moves in is black.

use burn_zoo_core::Pixels;

/// Pillow's `AFFINE` transform: the pixel at `(x, y)` is the source's at `(a x + b y + c,
/// d x + e y + f)`, both counted from the pixels' centres, in 16.16 fixed point.
fn affine(image: &Pixels, [a, b, c, d, e, f]: [f64; 6]) -> Pixels {
    let fixed = |value: f64| (value * 65536.0 + 0.5).floor() as i64;
    let (across, down) = ([fixed(a), fixed(d)], [fixed(b), fixed(e)]);
    let start = [fixed(c + a * 0.5 + b * 0.5), fixed(f + d * 0.5 + e * 0.5)];
    let sides = [image.width(), image.height()];
    image.rearranged(|y, x| {
        let at = |axis: usize| {
            let place = start[axis] + across[axis] * x as i64 + down[axis] * y as i64;
            let place = usize::try_from(place >> 16).ok()?;
            (place < sides[axis]).then_some(place)
        };
        Some([at(1)?, at(0)?])
    })
}

/// Each row moves to the left by `slope` times its height.
pub(super) fn shear_x(image: &Pixels, slope: f64) -> Pixels {
    affine(image, [1.0, slope, 0.0, 0.0, 1.0, 0.0])
}

/// Each column moves up by `slope` times its place.
pub(super) fn shear_y(image: &Pixels, slope: f64) -> Pixels {
    affine(image, [1.0, 0.0, 0.0, slope, 1.0, 0.0])
}

/// Moves by whole pixels.
pub(super) fn translate(image: &Pixels, right: i64, down: i64) -> Pixels {
    let [right, down] = [right as f64, down as f64];
    affine(image, [1.0, 0.0, -right, 0.0, 1.0, -down])
}

/// Turns counterclockwise around the centre.
pub(super) fn rotate(image: &Pixels, degrees: f64) -> Pixels {
    let angle = -degrees.rem_euclid(360.0).to_radians();
    // Pillow rounds to 15 digits, so that right angles are exact.
    let round = |value: f64| (value * 1e15).round() / 1e15;
    let (cos, sin) = (round(angle.cos()), round(angle.sin()));
    let (x, y) = (image.width() as f64 / 2.0, image.height() as f64 / 2.0);
    let right = cos * -x + sin * -y + x;
    let down = -sin * -x + cos * -y + y;
    affine(image, [cos, sin, right, -sin, cos, down])
}
