//! Random changes of training images.

use burn_zoo_core::Pixels;
use serde::{Deserialize, Serialize};

use crate::random::Random;

/// Which random changes a training image gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Moves by up to this many pixels along each axis; what moves in is 0.
    pub shift: usize,
    /// Mirrors one image in two.
    pub flip: Flip,
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

impl Augment {
    /// Changes one image in a way that depends on `seed`, `epoch` and `index` alone.
    pub fn apply(&self, image: &Pixels, seed: u64, epoch: usize, index: usize) -> Pixels {
        let [height, width] = [image.height(), image.width()];
        let mut random = Random::new(seed, epoch as u64, index as u64);
        let mut offset = || random.below(2 * self.shift + 1) as isize - self.shift as isize;
        let (down, right) = (offset(), offset());
        let mirrored = self.flip == Flip::Horizontal && random.below(2) == 1;

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
mod tests {
    use super::*;

    /// `[[1, 2], [3, 4]]`.
    fn square() -> Pixels {
        Pixels::new(2, 2, 1, vec![1, 2, 3, 4])
    }

    #[test]
    fn without_shift_and_flip_an_image_stays_as_it_is() {
        let image = Pixels::new(3, 4, 2, (0..24).collect());
        assert_eq!(Augment::default().apply(&image, 1, 2, 3), image);
    }

    #[test]
    fn shifts_reach_both_ends_and_fill_with_zero() {
        let augment = Augment {
            shift: 1,
            flip: Flip::None,
        };
        let found: std::collections::BTreeSet<Vec<u8>> = (0..200)
            .map(|index| augment.apply(&square(), 0, 0, index).values().to_vec())
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
            shift: 0,
            flip: Flip::Horizontal,
        };
        let flipped = (0..1000)
            .map(|index| augment.apply(&square(), 0, 0, index))
            .filter(|image| {
                assert!(
                    [[1, 2, 3, 4], [2, 1, 4, 3]]
                        .iter()
                        .any(|known| image.values() == known)
                );
                image.values() == [2, 1, 4, 3]
            })
            .count();
        assert!((450..=550).contains(&flipped), "{flipped} of 1000");
    }
}
