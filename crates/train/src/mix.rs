//! Mixup and CutMix: pairs of images of a batch, and their classes, in one.

use serde::{Deserialize, Serialize};

use crate::area::Area;
use crate::random::Random;

/// Keeps what batches draw apart from what images draw.
const STREAM: u64 = 0x6d_69_78;

/// How the images of a training batch are mixed with their neighbours. Where both parameters are
/// above 0, each batch gets one of the two, as in torchvision's reference training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// Alpha of mixup (Zhang et al. 2018, arXiv:1710.09412): the share of the first image has the
    /// distribution Beta(alpha, alpha). 0 for none.
    pub mixup: f64,
    /// Alpha of CutMix (Yun et al. 2019, arXiv:1905.04899). 0 for none.
    pub cutmix: f64,
    /// Share of the batches that are mixed at all.
    pub probability: f64,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            mixup: 0.0,
            cutmix: 0.0,
            probability: 1.0,
        }
    }
}

/// How one batch is mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mixing {
    /// The weighted sum of two images; the share of the first.
    Sum(f64),
    /// The rectangle that comes from the second image.
    Cut(Area),
}

impl Mix {
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (key, value) in [("mixup", self.mixup), ("cutmix", self.cutmix)] {
            if !(0.0..f64::INFINITY).contains(&value) {
                return Err(format!("mix.{key} = {value}, but must be at least 0"));
            }
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(format!(
                "mix.probability = {}, but must be in 0..1",
                self.probability
            ));
        }
        Ok(())
    }

    /// Mixes a batch in a way that depends on `seed`, `epoch` and the place of the batch's first
    /// image in the epoch alone. The images have planes of `[height, width]`; the targets are
    /// `[batch, classes]`, or none where nothing is mixed.
    pub(crate) fn apply(
        &self,
        values: &mut [f32],
        size: [usize; 2],
        labels: &[usize],
        classes: usize,
        [seed, epoch, place]: [u64; 3],
    ) -> Option<Vec<f32>> {
        let mut random = Random::new(seed ^ STREAM, epoch, place);
        let mixing = self.draw(size, &mut random)?;
        (labels.len() > 1).then(|| mixing.apply(values, size, labels, classes))
    }

    fn draw(&self, size: [usize; 2], random: &mut Random) -> Option<Mixing> {
        if self.mixup == 0.0 && self.cutmix == 0.0 || random.unit() >= self.probability {
            return None;
        }
        let cut = match (self.mixup > 0.0, self.cutmix > 0.0) {
            (true, true) => random.below(2) == 1,
            (_, cut) => cut,
        };
        if !cut {
            return Some(Mixing::Sum(random.beta(self.mixup)));
        }
        let share = random.beta(self.cutmix);
        let [height, width] = size;
        let centre = [random.below(width), random.below(height)];
        Some(Mixing::Cut(rectangle(share, size, centre)))
    }
}

/// The part of the second image: about `1 - share` of the area around `[x, y]`, without what lies
/// outside of the image.
fn rectangle(share: f64, [height, width]: [usize; 2], [x, y]: [usize; 2]) -> Area {
    let half = 0.5 * (1.0 - share).sqrt();
    let [across, down] = [width, height].map(|side| (half * side as f64) as usize);
    let (left, right) = (x.saturating_sub(across), (x + across).min(width));
    let (top, bottom) = (y.saturating_sub(down), (y + down).min(height));
    Area {
        top,
        left,
        height: bottom - top,
        width: right - left,
    }
}

impl Mixing {
    /// Each image with the one before it; the first with the last.
    fn apply(
        self,
        values: &mut [f32],
        size: [usize; 2],
        labels: &[usize],
        classes: usize,
    ) -> Vec<f32> {
        let each = values.len() / labels.len();
        let last = values[values.len() - each..].to_vec();
        for index in (0..labels.len()).rev() {
            let (before, this) = values.split_at_mut(index * each);
            let other = match index {
                0 => &last,
                _ => &before[(index - 1) * each..],
            };
            self.pair(&mut this[..each], other, size);
        }
        let share = self.share(size) as f32;
        let mut targets = vec![0.0; labels.len() * classes];
        for (index, row) in targets.chunks_exact_mut(classes).enumerate() {
            row[labels[index]] += share;
            row[labels[(index + labels.len() - 1) % labels.len()]] += 1.0 - share;
        }
        targets
    }

    fn pair(self, this: &mut [f32], other: &[f32], size: [usize; 2]) {
        match self {
            Self::Sum(share) => {
                let (share, rest) = (share as f32, (1.0 - share) as f32);
                for (value, other) in this.iter_mut().zip(other) {
                    *value = other * rest + *value * share;
                }
            }
            Self::Cut(area) => {
                let [height, width] = size;
                let planes = this.chunks_exact_mut(height * width);
                for (plane, other) in planes.zip(other.chunks_exact(height * width)) {
                    for row in area.rows(width) {
                        plane[row.clone()].copy_from_slice(&other[row]);
                    }
                }
            }
        }
    }

    /// How much of each image is left.
    fn share(self, [height, width]: [usize; 2]) -> f64 {
        match self {
            Self::Sum(share) => share,
            Self::Cut(area) => 1.0 - (area.height * area.width) as f64 / (height * width) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::augment::tests::Reference;

    const SIZE: [usize; 2] = [4, 5];

    fn floats(value: &Value) -> Vec<f32> {
        match value {
            Value::Array(inner) => inner.iter().flat_map(floats).collect(),
            number => vec![number.as_f64().unwrap() as f32],
        }
    }

    #[track_caller]
    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            // One rounding of a sum.
            assert!((a - b).abs() < 2e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn both_are_torchvisions_for_the_same_draws() {
        let reference = Reference::read();
        let rows = [
            ("mixup", Mixing::Sum(0.3)),
            ("cutmix", Mixing::Cut(rectangle(0.4, SIZE, [4, 1]))),
            (
                "cutmix_nothing",
                Mixing::Cut(rectangle(0.999, SIZE, [2, 2])),
            ),
        ];
        for (name, mixing) in rows {
            let mut images: Vec<f32> = (0..120).map(|value| value as f32 / 10.0).collect();
            let targets = mixing.apply(&mut images, SIZE, &[1, 0, 3], 4);
            close(
                &images,
                &floats(reference.value(&["mixing", name, "images"])),
            );
            close(
                &targets,
                &floats(reference.value(&["mixing", name, "targets"])),
            );
        }
    }

    #[test]
    fn each_batch_gets_one_of_the_two_or_none() {
        let mix = Mix {
            mixup: 0.2,
            cutmix: 1.0,
            probability: 0.8,
        };
        let mut counts = [0_usize; 3];
        for place in 0..3000 {
            let drawn = mix.draw(SIZE, &mut Random::new(1, 0, place));
            counts[match drawn {
                None => 0,
                Some(Mixing::Sum(_)) => 1,
                Some(Mixing::Cut(_)) => 2,
            }] += 1;
        }
        // 600, 1200, 1200; five standard deviations are 134.
        let expected = [600, 1200, 1200];
        for (count, expected) in counts.iter().zip(expected) {
            assert!(count.abs_diff(expected) < 134, "{counts:?}");
        }
        let off = Mix::default().draw(SIZE, &mut Random::new(1, 0, 0));
        assert_eq!(off, None);
    }

    #[test]
    fn one_image_has_no_neighbour() {
        let mix = Mix {
            mixup: 1.0,
            ..Mix::default()
        };
        let mut image = vec![1.0; 20];
        assert_eq!(mix.apply(&mut image, SIZE, &[1], 2, [1, 1, 1]), None);
    }
}
