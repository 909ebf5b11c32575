//! How far apart two devices' logits are.

use anyhow::{Result, ensure};

/// The distance of one device's logits from another's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Greatest difference of two logits.
    pub(crate) absolute: f64,
    /// That, divided by the other device's greatest logit.
    pub(crate) relative: f64,
    /// Whether the same class is the first of every image.
    pub(crate) argmax_equal: bool,
    /// Whether the same five classes lead in every image, in whatever order.
    pub(crate) top5_equal: bool,
}

/// Between logits `[batch][classes]` and those of the device that is compared with.
pub(crate) fn between(found: &[Vec<f32>], expected: &[Vec<f32>]) -> Result<Difference> {
    let sizes = |logits: &[Vec<f32>]| logits.iter().map(Vec::len).collect::<Vec<_>>();
    ensure!(
        sizes(found) == sizes(expected),
        "the logits have another number than the first device's"
    );
    let [absolute, relative] = greatest(&found.concat(), &expected.concat());
    let all = |count| {
        let mut pairs = found.iter().zip(expected);
        pairs.all(|(a, b)| leading(a, count) == leading(b, count))
    };
    Ok(Difference {
        absolute,
        relative,
        argmax_equal: all(1),
        top5_equal: all(5),
    })
}

/// `max |a - b|`, and that over `max |b|`; a value that is no number is infinitely far away.
pub(super) fn greatest(found: &[f32], expected: &[f32]) -> [f64; 2] {
    let far = |distance: f32| {
        if distance.is_nan() {
            f32::INFINITY
        } else {
            distance
        }
    };
    let pairs = found.iter().zip(expected);
    let absolute = f64::from(pairs.map(|(a, b)| far((a - b).abs())).fold(0.0, f32::max));
    let scale = f64::from(expected.iter().map(|b| b.abs()).fold(0.0, f32::max));
    let relative = if absolute == 0.0 {
        0.0
    } else {
        absolute / scale
    };
    [absolute, relative]
}

/// The first `count` classes by their logits, as a set.
fn leading(logits: &[f32], count: usize) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    classes.truncate(count);
    classes.sort_unstable();
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_difference_and_the_leaders_are_found() {
        let expected = vec![vec![1.0, -4.0, 0.5, 0.0, 0.1, 0.2, 0.3]];
        // Classes 2 and 0 change places; 3 stays behind the five.
        let found = vec![vec![1.0, -4.0, 1.5, 0.0, 0.1, 0.2, 0.3]];
        let difference = between(&found, &expected).unwrap();
        let wanted = Difference {
            absolute: 1.0,
            relative: 0.25,
            argmax_equal: false,
            top5_equal: true,
        };
        assert_eq!(difference, wanted);
        assert!(between(&found, &[vec![1.0]]).is_err());
    }

    #[test]
    fn no_number_is_no_agreement() {
        assert_eq!(greatest(&[f32::NAN, 1.0], &[1.0, 1.0]), [f64::INFINITY; 2]);
    }
}
