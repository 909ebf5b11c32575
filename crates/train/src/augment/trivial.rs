//! TrivialAugment (Müller and Hutter 2021, arXiv:2103.10158), with the wide space of its Table 2:
//! one operation a picture, at a strength that is drawn as well.

use burn_zoo_core::Pixels;

use super::{colour, geometry};

/// Strengths of an operation, from none to all.
const LEVELS: usize = 31;

/// The operations in torchvision's order (`TrivialAugmentWide`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
}

const OPERATIONS: [Operation; 14] = [
    Operation::Identity,
    Operation::ShearX,
    Operation::ShearY,
    Operation::TranslateX,
    Operation::TranslateY,
    Operation::Rotate,
    Operation::Brightness,
    Operation::Color,
    Operation::Contrast,
    Operation::Sharpness,
    Operation::Posterize,
    Operation::Solarize,
    Operation::AutoContrast,
    Operation::Equalize,
];

/// Changes an image by what `draw`, numbers in `0..1`, says.
pub(super) fn apply(image: &Pixels, mut draw: impl FnMut() -> f64) -> Pixels {
    let mut below = |end: usize| (draw() * end as f64) as usize;
    let operation = OPERATIONS[below(OPERATIONS.len())];
    let level = below(LEVELS);
    let sign = if below(2) == 1 { -1.0 } else { 1.0 };
    operation.apply(image, level, sign)
}

/// `torch.linspace(0, end, 31)[level]`, in f32 from both ends.
fn strength(end: f32, level: usize) -> f64 {
    let step = end / (LEVELS - 1) as f32;
    f64::from(if level < LEVELS / 2 {
        step * level as f32
    } else {
        end - step * (LEVELS - 1 - level) as f32
    })
}

impl Operation {
    /// At a level below 31, the one way or (`sign` = -1) the other.
    fn apply(self, image: &Pixels, level: usize, sign: f64) -> Pixels {
        let factor = 1.0 + sign * strength(0.99, level);
        let slope = sign * strength(0.99, level);
        let pixels = (sign * strength(32.0, level)) as i64;
        match self {
            Self::Identity => image.clone(),
            Self::ShearX => geometry::shear_x(image, slope),
            Self::ShearY => geometry::shear_y(image, slope),
            Self::TranslateX => geometry::translate(image, pixels, 0),
            Self::TranslateY => geometry::translate(image, 0, pixels),
            Self::Rotate => geometry::rotate(image, sign * strength(135.0, level)),
            Self::Brightness => colour::brightness(image, factor),
            Self::Color => colour::saturation(image, factor),
            Self::Contrast => colour::contrast(image, factor),
            Self::Sharpness => colour::sharpness(image, factor),
            // Eight bits at first, two at last.
            Self::Posterize => colour::posterize(image, 8 - (level as f64 / 5.0).round() as u32),
            Self::Solarize => colour::solarize(image, 255.0 - strength(255.0, level)),
            Self::AutoContrast => colour::auto_contrast(image),
            Self::Equalize => colour::equalize(image),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::tests::{Reference, of};
    use super::*;
    use crate::random::Random;

    #[test]
    fn every_operation_is_torchvisions_on_pillow_images() {
        let reference = Reference::read();
        let rows = reference.rows("trivial");
        assert_eq!(rows.len(), 9 * 10 + 2 * 5 + 3);
        for row in rows {
            let name = row[0].as_str().unwrap();
            let operation = OPERATIONS
                .into_iter()
                .find(|operation| format!("{operation:?}") == name);
            let level = row[1].as_u64().unwrap() as usize;
            let sign = row[2].as_f64().unwrap();
            let [colour, grey] = reference.pictures();
            for (image, expected) in [(colour, &row[3]), (grey, &row[4])] {
                let found = operation.unwrap().apply(&image, level, sign);
                assert_eq!(found, of(&image, expected), "{name} {level} {sign}");
            }
        }
    }

    #[test]
    fn all_operations_are_drawn_equally_often() {
        let mut counts = BTreeMap::new();
        for index in 0..14_000 {
            let mut random = Random::new(5, 0, index);
            let mut draws = Vec::new();
            let image = Pixels::new(1, 1, 1, vec![100]);
            apply(&image, || {
                draws.push(random.unit());
                draws[draws.len() - 1]
            });
            assert_eq!(draws.len(), 3);
            *counts.entry((draws[0] * 14.0) as usize).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 14);
        // A thousand each, less or more five standard deviations.
        assert!(
            counts.values().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }
}
