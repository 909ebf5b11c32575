//! Crops of random size and shape.

use burn_zoo_core::{Pixels, Preprocess};
use serde::{Deserialize, Serialize};

use super::MOST_PIXELS;
use crate::area::{Area, drawn};

/// A rectangle of random size and shape, resized to what the network takes (Szegedy et al. 2014,
/// arXiv:1409.4842, section 6; torchvision's `RandomResizedCrop`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCrop {
    /// Least and largest share of the image's area.
    pub scale: [f64; 2],
    /// Least and largest ratio of width to height.
    pub ratio: [f64; 2],
    /// Height and width after the resize, in pixels; those of the model's preprocessing if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
}

impl Default for RandomCrop {
    fn default() -> Self {
        Self {
            scale: [0.08, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            size: None,
        }
    }
}

impl RandomCrop {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        let ordered = |[low, high]: [f64; 2]| low > 0.0 && low <= high && high.is_finite();
        if !ordered(self.scale) || self.scale[1] > 1.0 {
            return Err(format!(
                "data.augment.crop.scale = {:?}, but must be two rising shares in 0..1",
                self.scale
            ));
        }
        if !ordered(self.ratio) {
            return Err(format!(
                "data.augment.crop.ratio = {:?}, but must be two rising ratios above 0",
                self.ratio
            ));
        }
        match self.size {
            Some(size) if !(1..=MOST_PIXELS).contains(&size) => Err(format!(
                "data.augment.crop.size = {size}, but must be in 1..={MOST_PIXELS}"
            )),
            _ => Ok(()),
        }
    }

    /// The rectangle, resized.
    pub(super) fn apply(
        &self,
        image: &Pixels,
        preprocess: &Preprocess,
        draw: impl FnMut() -> f64,
    ) -> Pixels {
        let area = self.area([image.height(), image.width()], draw);
        let size = self.size.map_or(preprocess.crop, |size| [size; 2]);
        image
            .cropped([area.top, area.left], [area.height, area.width])
            .resized(size, preprocess.interpolation, preprocess.antialias)
    }

    /// Where in an image of `[height, width]` it lies, as ten tries and then the middle decide.
    fn area(&self, [height, width]: [usize; 2], mut draw: impl FnMut() -> f64) -> Area {
        for _ in 0..10 {
            let [across, down] = drawn([height, width], self.scale, self.ratio, &mut draw);
            if 0 < across && across <= width && 0 < down && down <= height {
                return Area::placed([down, across], [height, width], &mut draw);
            }
        }
        let shape = width as f64 / height as f64;
        let [narrow, wide] = self.ratio;
        let least_one = |pixels: f64| (pixels.round_ties_even() as usize).max(1);
        let (down, across) = if shape < narrow {
            (least_one(width as f64 / narrow), width)
        } else if shape > wide {
            (height, least_one(height as f64 * wide))
        } else {
            (height, width)
        };
        Area {
            top: (height - down) / 2,
            left: (width - across) / 2,
            height: down,
            width: across,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn_zoo_core::{Antialias, Interpolation};

    use super::super::tests::{Reference, of};
    use super::*;
    use crate::random::Random;

    #[test]
    fn boxes_are_torchvisions_for_the_same_draws() {
        Reference::read().boxes("crop_boxes", |size, draw| {
            RandomCrop::default().area(size, draw)
        });
    }

    #[test]
    fn a_crop_is_resized_as_in_torchvision() {
        let reference = Reference::read();
        let [colour, _] = reference.pictures();
        let [top, left, height, width] = reference.numbers(&["resized_crop", "box"]);
        let size = reference.numbers(&["resized_crop", "size"]);
        let found = colour.cropped([top, left], [height, width]).resized(
            size,
            Interpolation::Bilinear,
            Antialias::On,
        );
        let expected = Pixels::new(size[0], size[1], 3, vec![0; size[0] * size[1] * 3]);
        let expected = of(&expected, reference.value(&["resized_crop", "pixels"]));
        assert_eq!(found, expected);
    }

    #[test]
    fn the_narrowest_crop_has_a_pixel() {
        for ratio in [[100.0, 200.0], [0.001, 0.002]] {
            let crop = RandomCrop {
                ratio,
                ..RandomCrop::default()
            };
            let area = crop.area([28, 28], || 0.5);
            assert!(area.height > 0 && area.width > 0, "{area:?}");
        }
    }

    #[test]
    fn areas_and_places_are_spread_evenly() {
        let crop = RandomCrop {
            ratio: [1.0, 1.0],
            ..RandomCrop::default()
        };
        let (mut share, mut middle) = (0.0, [0.0; 2]);
        let count = 4000;
        for index in 0..count {
            let mut random = Random::new(1, 2, index);
            let area = crop.area([1000, 1000], || random.unit());
            share += (area.height * area.width) as f64 / 1e6;
            middle[0] += area.top as f64 + area.height as f64 / 2.0;
            middle[1] += area.left as f64 + area.width as f64 / 2.0;
        }
        // Uniform in 0.08..1: mean 0.54, standard error 0.92 / sqrt(12 * 4000) = 0.0042.
        let mean = share / count as f64;
        assert!((mean - 0.54).abs() < 0.02, "{mean}");
        for sum in middle {
            let mean = sum / count as f64;
            assert!((mean - 500.0).abs() < 15.0, "{mean}");
        }
    }
}
