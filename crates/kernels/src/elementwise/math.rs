//! Functions that the standard library would call one by one, in a form that the compiler turns into
//! vectors: no calls, no branches. Errors are below 2 units in the last place of `exp`, and 1e-6 of the
//! others.

/// `exp(x)`; 0 below -87 and infinity above 88, where the result is no normal number.
///
/// `x = n ln 2 + r`, and a polynomial for `exp(r)` (Cephes, `expf`; Moshier 1989).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // The sum with it rounds to an integer, whose bits are the lowest of the sum's.
    const ROUND: f32 = 12_582_912.0;
    // Comparisons, not `clamp`: NaN passes.
    let bounded = if x < -87.0 { -87.0 } else { x };
    let bounded = if bounded > 88.0 { 88.0 } else { bounded };
    let shifted = bounded * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, the first of so few bits that its product with `n` is exact.
    let r = bounded - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let series = 1.987_569_1e-4;
    let series = series * r + 1.398_2e-3;
    let series = series * r + 8.333_452e-3;
    let series = series * r + 4.166_579_6e-2;
    let series = series * r + 1.666_666_5e-1;
    let series = series * r + 0.5;
    let exp_r = series * r * r + r + 1.0;
    let exponent = (shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits());
    let exp = exp_r * f32::from_bits(exponent);
    let exp = if x > 88.0 { f32::INFINITY } else { exp };
    if x < -87.0 { 0.0 } else { exp }
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent: a polynomial near zero, where the formula by `exp` would cancel (Cephes,
/// `tanhf`).
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    let far = 1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0);
    let square = x * x;
    let series = -5.704_988_7e-3;
    let series = series * square + 2.063_909e-2;
    let series = series * square - 5.373_971_6e-2;
    let series = series * square + 1.333_144_2e-1;
    let series = series * square - 3.333_328e-1;
    let near = series * square * x + x;
    if magnitude < 0.625 {
        near
    } else {
        far.copysign(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number of a fine grid, and what is special.
    fn numbers() -> impl Iterator<Item = f32> {
        let special = [0.0, -0.0, 1e-30, -1e-30, f32::INFINITY, f32::NEG_INFINITY];
        (-200_000..200_000).map(|i| i as f32 * 5e-4).chain(special)
    }

    #[test]
    fn they_agree_with_the_standard_library() {
        for x in numbers() {
            let wide = f64::from(x);
            for (name, found, expected, tolerance) in [
                ("exp", exp(x), wide.exp(), 2.4e-7),
                ("sigmoid", sigmoid(x), 1.0 / (1.0 + (-wide).exp()), 1e-6),
                ("tanh", tanh(x), wide.tanh(), 1e-6),
            ] {
                let found = f64::from(found);
                let smallest = f64::from(f32::MIN_POSITIVE);
                let close = (found - expected).abs() <= tolerance * expected.abs() + 2.0 * smallest
                    // Beyond 88 `exp` is infinite, a little early.
                    || name == "exp" && x > 88.0 && found == f64::INFINITY;
                assert!(close, "{name}({x}) is {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn nan_stays_nan() {
        for function in [exp, sigmoid, tanh] {
            assert!(function(f32::NAN).is_nan());
        }
    }
}
