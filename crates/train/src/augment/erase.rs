//! Random erasing.

use serde::{Deserialize, Serialize};

use crate::area::{Area, drawn};

/// A rectangle set to the mean colour (Zhong et al. 2017, arXiv:1708.04896; torchvision's
/// `RandomErasing`, which writes 0 after normalisation).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Erase {
    /// Share of the images that lose a rectangle.
    pub probability: f64,
    /// Least and largest share of the image's area.
    pub scale: [f64; 2],
    /// Least and largest ratio of height to width.
    pub ratio: [f64; 2],
}

impl Default for Erase {
    fn default() -> Self {
        Self {
            probability: 0.5,
            scale: [0.02, 0.33],
            ratio: [0.3, 3.3],
        }
    }
}

impl Erase {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        let ordered = |[low, high]: [f64; 2]| low > 0.0 && low <= high && high.is_finite();
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(format!(
                "data.augment.erase.probability = {}, but must be in 0..1",
                self.probability
            ));
        }
        if !ordered(self.scale) || self.scale[1] > 1.0 || !ordered(self.ratio) {
            return Err(format!(
                "data.augment.erase has scale = {:?} and ratio = {:?}, but each must be two rising \
                 numbers above 0, scale up to 1",
                self.scale, self.ratio
            ));
        }
        Ok(())
    }

    /// The rectangle that one image of `[height, width]` loses, if it loses one.
    pub(super) fn draw(&self, size: [usize; 2], mut draw: impl FnMut() -> f64) -> Option<Area> {
        (draw() < self.probability)
            .then(|| self.area(size, draw))
            .flatten()
    }

    /// `None` if none of ten fits.
    fn area(&self, size: [usize; 2], mut draw: impl FnMut() -> f64) -> Option<Area> {
        let [height, width] = size;
        (0..10).find_map(|_| {
            let [down, across] = drawn(size, self.scale, self.ratio, &mut draw);
            (down < height && across < width).then(|| Area::placed([down, across], size, &mut draw))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Reference;
    use super::*;
    use crate::random::Random;

    #[test]
    fn boxes_are_torchvisions_for_the_same_draws() {
        Reference::read().boxes("erase_boxes", |size, draw| {
            Erase::default().area(size, draw).unwrap()
        });
    }

    #[test]
    fn as_many_images_are_hit_as_asked_for() {
        let erase = Erase {
            probability: 0.25,
            ..Erase::default()
        };
        let hits = (0..4000)
            .filter(|&index| {
                let mut random = Random::new(3, 1, index);
                erase.draw([32, 32], || random.unit()).is_some()
            })
            .count();
        // 1000, less or more four standard deviations of 27.
        assert!((890..1110).contains(&hits), "{hits}");
    }
}
