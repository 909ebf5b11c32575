//! Random changes of colour.

use burn_zoo_core::Pixels;
use serde::{Deserialize, Serialize};

use super::colour;
use crate::random::Random;

/// Random brightness, contrast, saturation and hue, in random order (torchvision's
/// `ColorJitter`); each is left out at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jitter {
    /// Brightness is multiplied by 1 less or more up to this.
    pub brightness: f64,
    /// So is contrast.
    pub contrast: f64,
    /// So is saturation.
    pub saturation: f64,
    /// The hue turns by up to this share of the circle, either way; at most 0.5.
    pub hue: f64,
}

impl Jitter {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        let keys = [
            ("brightness", self.brightness, f64::MAX),
            ("contrast", self.contrast, f64::MAX),
            ("saturation", self.saturation, f64::MAX),
            ("hue", self.hue, 0.5),
        ];
        for (key, value, most) in keys {
            if !(0.0..=most).contains(&value) {
                let most = if most > 1.0 { "" } else { " and at most 0.5" };
                return Err(format!(
                    "data.augment.jitter.{key} = {value}, but must be at least 0{most}"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn apply(&self, image: Pixels, random: &mut Random) -> Pixels {
        if *self == Self::default() {
            return image;
        }
        let order = random.permutation(4);
        let factor = |random: &mut Random, spread: f64| {
            let least = (1.0 - spread).max(0.0);
            least + (1.0 + spread - least) * random.unit()
        };
        order.into_iter().fold(image, |image, change| match change {
            0 if self.brightness > 0.0 => {
                colour::brightness(&image, factor(random, self.brightness))
            }
            1 if self.contrast > 0.0 => colour::contrast(&image, factor(random, self.contrast)),
            2 if self.saturation > 0.0 => {
                colour::saturation(&image, factor(random, self.saturation))
            }
            3 if self.hue > 0.0 => colour::hue(&image, self.hue * (2.0 * random.unit() - 1.0)),
            _ => image,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of one pixel of value 100 over many images.
    fn values(jitter: Jitter) -> Vec<u8> {
        let image = Pixels::new(1, 1, 1, vec![100]);
        let value = |index| {
            let mut random = Random::new(4, 5, index);
            jitter.apply(image.clone(), &mut random).values()[0]
        };
        (0..4000).map(value).collect()
    }

    #[test]
    fn brightness_is_spread_evenly_around_one() {
        let values = values(Jitter {
            brightness: 0.5,
            ..Jitter::default()
        });
        assert!(values.iter().all(|value| (50..150).contains(value)));
        let mean = values.iter().copied().map(f64::from).sum::<f64>() / 4000.0;
        // Truncation takes a half; the standard error is 100 / sqrt(12 * 4000) = 0.46.
        assert!((mean - 99.5).abs() < 2.0, "{mean}");
    }

    #[test]
    fn brightness_and_contrast_come_in_either_order() {
        let jitter = Jitter {
            brightness: 0.9,
            contrast: 0.9,
            ..Jitter::default()
        };
        let image = Pixels::new(1, 2, 1, vec![0, 200]);
        let (mut first, mut second) = (0, 0);
        for index in 0..1000 {
            let mut random = Random::new(4, 5, index);
            let order = random.clone().permutation(4);
            let found = jitter.apply(image.clone(), &mut random);
            let mut random = Random::new(4, 5, index);
            random.permutation(4);
            let place = |change| order.iter().position(|&found| found == change);
            let [one, other] = [0; 2].map(|_| 0.1 + 1.8 * random.unit());
            let expected = if place(0) < place(1) {
                first += 1;
                colour::contrast(&colour::brightness(&image, one), other)
            } else {
                second += 1;
                colour::brightness(&colour::contrast(&image, one), other)
            };
            assert_eq!(found, expected);
        }
        assert!(first > 430 && second > 430, "{first} and {second}");
    }
}
