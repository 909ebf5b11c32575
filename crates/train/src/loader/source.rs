//! What a loader makes batches of, and how.

use std::num::NonZeroUsize;

use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo_core::{Error, InputSpec, Preprocess};

use super::{Batch, Part};
use crate::augment::Augment;
use crate::data::Dataset;
use crate::mix::Mix;
use crate::random::Random;

/// Most threads that read images unless more are asked for.
const USUAL: usize = 8;
/// Most threads that read images, however many are asked for.
const MOST: usize = 256;

/// In which order images come, and how each is changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// As the data set has them, unchanged.
    Stored(Views),
    /// Shuffled and changed anew in each epoch, by functions of seed, epoch and index alone.
    Shuffled {
        seed: u64,
        augment: Augment,
        mix: Mix,
    },
}

/// What is seen of an unchanged image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Views {
    /// Its centre.
    One,
    /// Its corners and its centre, and these of its mirror image.
    Ten,
}

/// What happens to images that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadImages {
    /// The first ends the work; the error names it.
    #[default]
    Stop,
    /// They are counted and left out.
    Skip,
}

/// What workers need to make batches.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) dataset: Dataset,
    pub(crate) preprocess: Preprocess,
    pub(crate) input: InputSpec,
    /// Number of classes of the model.
    pub(crate) classes: usize,
    /// Images of a batch.
    pub(crate) batch: usize,
    pub(crate) order: Order,
    pub(crate) bad_images: BadImages,
    /// Number of threads that read images.
    pub(crate) workers: usize,
}

/// As many threads as asked for, within reason, or as many as there are cores.
pub(crate) fn workers(wanted: Option<NonZeroUsize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    wanted.map_or_else(|| cores().min(USUAL), |wanted| wanted.get().min(MOST))
}

/// One image, ready for the network.
#[derive(Debug)]
pub(super) struct Item {
    /// The planes of each view.
    values: Vec<f32>,
    /// Height and width of a plane.
    size: [usize; 2],
    label: usize,
}

impl Source {
    /// The images of an epoch, counted from 0.
    pub(super) fn order_of(&self, epoch: usize) -> Vec<usize> {
        let count = self.dataset.len();
        match self.order {
            Order::Stored(_) => (0..count).collect(),
            Order::Shuffled { seed, .. } => Random::new(seed, epoch as u64, 0).permutation(count),
        }
    }

    /// One image, or none if it cannot be read and is to be skipped.
    pub(super) fn load(&self, index: usize, epoch: usize) -> Result<Option<Item>, Error> {
        let image = match self.dataset.pixels(index, &self.preprocess) {
            Ok(image) => image,
            Err(Error::Image { .. } | Error::Read { .. }) if self.bad_images == BadImages::Skip => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut values = Vec::new();
        let size = match &self.order {
            Order::Stored(Views::One) => {
                self.preprocess
                    .planes(&self.preprocess.centre(&image), &mut values);
                self.preprocess.crop
            }
            Order::Stored(Views::Ten) => {
                for crop in self.preprocess.ten_crops(&image) {
                    self.preprocess.planes(&crop, &mut values);
                }
                self.preprocess.crop
            }
            Order::Shuffled { seed, augment, .. } => {
                let key = [*seed, epoch as u64, index as u64];
                augment.planes(&image, &self.preprocess, key, &mut values)
            }
        };
        Ok(Some(Item {
            values,
            size,
            label: self.dataset.label(index),
        }))
    }

    /// The batch of at least one image; the first has the number `place` in the epoch's order.
    pub(super) fn batch(
        &self,
        items: Vec<Item>,
        epoch: usize,
        place: usize,
        device: &Device,
    ) -> Result<Batch, Error> {
        let [height, width] = items[0].size;
        let channels = self.preprocess.channels;
        let labels: Vec<usize> = items.iter().map(|item| item.label).collect();
        let mut values = Vec::with_capacity(items.len() * items[0].values.len());
        for item in items {
            values.extend(item.values);
        }
        let targets = match &self.order {
            Order::Stored(_) => None,
            Order::Shuffled { seed, mix, .. } => {
                let key = [*seed, epoch as u64, place as u64];
                mix.apply(&mut values, [height, width], &labels, self.classes, key)
            }
        };
        let views = values.len() / (channels * height * width);
        let shape = [views, channels, height, width];
        self.input.check(shape)?;
        let count = labels.len();
        let labels: Vec<i64> = labels.into_iter().map(|label| label as i64).collect();
        let targets = targets.map(|targets| TensorData::new(targets, [count, self.classes]));
        Ok(Batch {
            images: Tensor::from_data(TensorData::new(values, shape), device),
            labels: Tensor::from_data(TensorData::new(labels, [count]), device),
            targets: targets.map(|targets| Tensor::from_data(targets, device)),
            part: Part::WHOLE,
        })
    }
}
