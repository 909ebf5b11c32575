//! Random changes of training images.

mod colour;
mod crop;
mod erase;
mod geometry;
mod jitter;
mod trivial;

use burn_zoo_core::{Pixels, Preprocess};
use serde::{Deserialize, Serialize};

pub use crop::RandomCrop;
pub use erase::Erase;
pub use jitter::Jitter;

use crate::random::Random;

/// Keeps the changes of the first image apart from the order of the epoch.
const STREAM: u64 = 0x61_75_67_6d_65_6e_74;

/// More than the sides of any network's images.
const MOST_PIXELS: usize = 8192;

/// Which random changes a training image gets, in the order in which it gets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Moves by up to this many pixels along each axis; what moves in is black. With 4 this is
    /// the padding and cropping of CIFAR images (He et al. 2015, section 4.2).
    pub shift: usize,
    /// Mirrors one image in two.
    pub flip: Flip,
    /// One operation of many an image.
    pub auto: Auto,
    /// A random rectangle instead of the centre; comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<RandomCrop>,
    /// Random colours; comes after the mirror.
    pub jitter: Jitter,
    /// A rectangle is lost; comes last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erase: Option<Erase>,
}

/// Mirroring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flip {
    /// Never: digits and letters have a left and a right.
    #[default]
    None,
    /// Left and right change places in one image in two.
    Horizontal,
}

/// One operation of many an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// None.
    #[default]
    None,
    /// TrivialAugment (Müller and Hutter 2021, arXiv:2103.10158) over its wide space.
    Trivial,
}

impl Augment {
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.shift > MOST_PIXELS {
            return Err(format!(
                "data.augment.shift = {}, but must be at most {MOST_PIXELS}",
                self.shift
            ));
        }
        self.jitter.check()?;
        self.crop.map_or(Ok(()), |crop| crop.check())?;
        self.erase.map_or(Ok(()), |erase| erase.check())
    }

    /// The planes that a network sees of one whole image, after those in `values`: changed in a
    /// way that depends on `seed`, `epoch` and `index` alone. Returns their height and width.
    pub(crate) fn planes(
        &self,
        image: &Pixels,
        preprocess: &Preprocess,
        [seed, epoch, index]: [u64; 3],
        values: &mut Vec<f32>,
    ) -> [usize; 2] {
        let mut random = Random::new(seed ^ STREAM, epoch, index);
        let changed = self.pixels(image, preprocess, &mut random);
        let (start, size) = (values.len(), [changed.height(), changed.width()]);
        preprocess.planes(&changed, values);
        let lost = self
            .erase
            .and_then(|erase| erase.draw(size, || random.unit()));
        if let Some(area) = lost {
            for plane in values[start..].chunks_exact_mut(size[0] * size[1]) {
                for row in area.rows(size[1]) {
                    plane[row].fill(0.0);
                }
            }
        }
        size
    }

    /// All that happens to the pixels.
    fn pixels(&self, image: &Pixels, preprocess: &Preprocess, random: &mut Random) -> Pixels {
        let cut = match self.crop {
            Some(crop) => crop.apply(image, preprocess, || random.unit()),
            None => preprocess.centre(image),
        };
        let moved = self.moved(cut, random);
        let coloured = self.jitter.apply(moved, random);
        match self.auto {
            Auto::None => coloured,
            Auto::Trivial => trivial::apply(&coloured, || random.unit()),
        }
    }

    /// Shift and mirror.
    fn moved(&self, image: Pixels, random: &mut Random) -> Pixels {
        let [height, width] = [image.height(), image.width()];
        let mut offset = || random.below(2 * self.shift + 1) as isize - self.shift as isize;
        let (down, right) = (offset(), offset());
        let mirrored = self.flip == Flip::Horizontal && random.below(2) == 1;
        if [down, right] == [0, 0] && !mirrored {
            return image;
        }
        let inside = |place: isize, length: usize| {
            let place = usize::try_from(place).ok()?;
            (place < length).then_some(place)
        };
        image.rearranged(|y, x| {
            let y = inside(y as isize - down, height)?;
            let x = inside(x as isize - right, width)?;
            Some([y, if mirrored { width - 1 - x } else { x }])
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::Value;

    use super::*;
    use crate::area::Area;

    /// What `tools/reference/augment.py` wrote.
    pub(crate) struct Reference(Value);

    impl Reference {
        pub(crate) fn read() -> Self {
            let text = include_str!("../../tests/fixtures/augment.json");
            Self(serde_json::from_str(text).unwrap())
        }

        pub(crate) fn value(&self, keys: &[&str]) -> &Value {
            keys.iter().fold(&self.0, |value, key| &value[key])
        }

        pub(crate) fn rows(&self, key: &str) -> &[Value] {
            self.0[key].as_array().unwrap()
        }

        pub(crate) fn numbers<const N: usize>(&self, keys: &[&str]) -> [usize; N] {
            let numbers = self.value(keys).as_array().unwrap();
            std::array::from_fn(|index| numbers[index].as_u64().unwrap() as usize)
        }

        /// The picture in colour and in grey.
        pub(crate) fn pictures(&self) -> [Pixels; 2] {
            let [height, width] = self.numbers(&["size"]);
            [("colour", 3), ("grey", 1)].map(|(key, channels)| {
                let values = vec![0; height * width * channels];
                of(&Pixels::new(height, width, channels, values), &self.0[key])
            })
        }

        /// Rectangles for given draws.
        #[track_caller]
        pub(crate) fn boxes(
            &self,
            key: &str,
            area: impl Fn([usize; 2], &mut dyn FnMut() -> f64) -> Area,
        ) {
            let rows = self.rows(key);
            assert!(rows.len() > 5);
            for (index, row) in rows.iter().enumerate() {
                let number = |value: &Value| value.as_u64().unwrap() as usize;
                let size = [0, 1].map(|side| number(&row["size"][side]));
                let mut draws = row["draws"].as_array().unwrap().iter();
                let mut draw = || draws.next().unwrap().as_f64().unwrap();
                let found = area(size, &mut draw);
                let expected = [0, 1, 2, 3].map(|side| number(&row["box"][side]));
                let found = [found.top, found.left, found.height, found.width];
                assert_eq!(found, expected, "{key} {index}");
                assert_eq!(40 - draws.len(), number(&row["used"]), "{key} {index}");
            }
        }
    }

    /// An image like another with values in hexadecimal.
    pub(crate) fn of(like: &Pixels, hex: &Value) -> Pixels {
        let hex = hex.as_str().unwrap();
        let byte = |start| u8::from_str_radix(&hex[start..start + 2], 16).unwrap();
        let values = (0..hex.len()).step_by(2).map(byte).collect();
        Pixels::new(like.height(), like.width(), like.channels(), values)
    }

    /// `[[1, 2], [3, 4]]`.
    fn square() -> Pixels {
        Pixels::new(2, 2, 1, vec![1, 2, 3, 4])
    }

    /// Values as they are.
    fn plain(resize: usize, size: [usize; 2], channels: usize) -> Preprocess {
        Preprocess {
            resize: burn_zoo_core::Resize::Shorter(resize),
            crop: size,
            channels,
            range: burn_zoo_core::ValueRange::Byte,
            mean: [0.0; 3],
            std: [1.0; 3],
            ..Preprocess::IMAGENET
        }
    }

    fn changed(augment: &Augment, image: &Pixels, index: u64) -> Vec<u8> {
        let size = [image.height(), image.width()];
        let preprocess = plain(size[0].min(size[1]), size, image.channels());
        let mut random = Random::new(1, 2, index);
        augment
            .pixels(image, &preprocess, &mut random)
            .values()
            .to_vec()
    }

    #[test]
    fn the_same_seed_epoch_and_index_give_the_same_planes_and_others_others() {
        let augment: Augment = toml::from_str(
            r#"
            shift = 2
            flip = "horizontal"
            auto = "trivial"
            crop = {}
            jitter = { brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1 }
            erase = { probability = 1.0 }
            "#,
        )
        .unwrap();
        let [image, _] = Reference::read().pictures();
        let planes = |key| {
            let mut values = Vec::new();
            let size = augment.planes(&image, &plain(12, [12, 12], 3), key, &mut values);
            assert_eq!((size, values.len()), ([12, 12], 3 * 12 * 12));
            values
        };
        let keys = [[7, 3, 5], [8, 3, 5], [7, 4, 5], [7, 3, 6]];
        let all = keys.map(planes);
        assert_eq!(all, keys.map(planes));
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| one != other), "{index}");
        }
    }

    #[test]
    fn what_is_erased_is_zero_after_normalisation() {
        let erase = Erase {
            probability: 1.0,
            ..Erase::default()
        };
        let augment = Augment {
            erase: Some(erase),
            ..Augment::default()
        };
        let image = Pixels::new(20, 30, 3, vec![200; 1800]);
        let mut values = Vec::new();
        let preprocess = Preprocess {
            resize: burn_zoo_core::Resize::Shorter(20),
            crop: [20, 30],
            ..Preprocess::IMAGENET
        };
        augment.planes(&image, &preprocess, [1, 1, 1], &mut values);
        let lost: Vec<Vec<usize>> = values
            .chunks(600)
            .map(|plane| (0..600).filter(|&at| plane[at] == 0.0).collect())
            .collect();
        assert_eq!(lost.len(), 3);
        assert!(lost.iter().all(|plane| *plane == lost[0]));
        let share = lost[0].len() as f64 / 600.0;
        assert!((0.01..0.4).contains(&share), "{share}");
        let width = lost[0].last().unwrap() % 30 - lost[0][0] % 30 + 1;
        let height = lost[0].last().unwrap() / 30 - lost[0][0] / 30 + 1;
        assert_eq!(width * height, lost[0].len());
    }

    #[test]
    fn without_shift_and_flip_an_image_stays_as_it_is() {
        let image = Pixels::new(3, 4, 1, (0..12).collect());
        let image = image.with_channels(3);
        assert_eq!(changed(&Augment::default(), &image, 3), image.values());
    }

    #[test]
    fn shifts_reach_both_ends_and_fill_with_zero() {
        let augment = Augment {
            shift: 1,
            ..Augment::default()
        };
        let found: std::collections::BTreeSet<Vec<u8>> = (0..200)
            .map(|index| changed(&augment, &square(), index))
            .collect();
        // The nine moves of [[1, 2], [3, 4]] by -1, 0 and 1 along each axis.
        let expected = [
            [1, 2, 3, 4],
            [0, 1, 0, 3],
            [2, 0, 4, 0],
            [0, 0, 1, 2],
            [3, 4, 0, 0],
            [0, 0, 0, 1],
            [0, 0, 2, 0],
            [0, 3, 0, 0],
            [4, 0, 0, 0],
        ];
        assert_eq!(found, expected.into_iter().map(Vec::from).collect());
    }

    #[test]
    fn a_flip_mirrors_each_row_of_about_half_the_images() {
        let augment = Augment {
            flip: Flip::Horizontal,
            ..Augment::default()
        };
        let flipped = (0..1000)
            .map(|index| changed(&augment, &square(), index))
            .filter(|image| {
                assert!(
                    [[1, 2, 3, 4], [2, 1, 4, 3]]
                        .iter()
                        .any(|known| image == known)
                );
                *image == [2, 1, 4, 3]
            })
            .count();
        assert!((450..=550).contains(&flipped), "{flipped} of 1000");
    }
}
