//! Batches in an order that can be repeated, prepared ahead of the steps that need them.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Int, Tensor};
use burn_zoo_core::{Error, InputSpec, Preprocess};

use crate::augment::Augment;
use crate::data::Dataset;
use crate::random::Random;

/// Batches that wait for their step; each is as large as the one in use.
const AHEAD: usize = 2;

/// Images `[batch, channels, height, width]` and labels `[batch]`.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) images: Tensor<4>,
    pub(crate) labels: Tensor<1, Int>,
}

/// In which order images come, and how each is changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// As the data set has them, unchanged.
    Stored,
    /// Shuffled and changed anew in each epoch, by functions of seed, epoch and index alone.
    Shuffled { seed: u64, augment: Augment },
}

/// What a worker needs to make batches.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) dataset: Dataset,
    pub(crate) preprocess: Preprocess,
    pub(crate) input: InputSpec,
    pub(crate) batch: usize,
    pub(crate) order: Order,
}

/// Burn's multi-threaded loader splits by the number of threads and yields in order of arrival;
/// this one has one worker and one order.
#[derive(Debug)]
pub(crate) struct Loader {
    source: Arc<Source>,
    device: Device,
    /// The part of each epoch's order that comes from here.
    part: Range<usize>,
    /// The epoch that the next pass is for, counted from 0.
    epoch: AtomicUsize,
}

impl Loader {
    /// The first pass is for epoch `epoch`, counted from 0, the second for the one after it.
    pub(crate) fn new(source: Source, epoch: usize, device: Device) -> Self {
        Self {
            part: 0..source.dataset.len(),
            source: Arc::new(source),
            device,
            epoch: AtomicUsize::new(epoch),
        }
    }

    fn with(&self, part: Range<usize>, device: &Device) -> Arc<Self> {
        Arc::new(Self {
            source: self.source.clone(),
            device: device.clone(),
            part,
            epoch: AtomicUsize::new(self.epoch.load(Ordering::Relaxed)),
        })
    }
}

impl DataLoader<Batch> for Loader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
        let epoch = self.epoch.fetch_add(1, Ordering::Relaxed);
        let (source, device, part) = (self.source.clone(), self.device.clone(), self.part.clone());
        let (sender, receiver) = sync_channel(AHEAD);
        let worker = std::thread::spawn(move || {
            let order = source.order_of(epoch);
            for chunk in order[part].chunks(source.batch.max(1)) {
                let batch = source.load(chunk, epoch, &device);
                let failed = batch.is_err();
                // Nobody listens any more if training stopped before the end of the epoch.
                if sender.send(batch).is_err() || failed {
                    break;
                }
            }
        });
        Box::new(Batches {
            receiver: Some(receiver),
            worker: Some(worker),
            done: 0,
            total: self.num_items(),
        })
    }

    fn num_items(&self) -> usize {
        self.part.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Batch>> {
        self.with(self.part.clone(), device)
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Batch>> {
        let part = self.part.start + start..self.part.end.min(self.part.start + end);
        self.with(part, &self.device)
    }
}

impl Source {
    fn order_of(&self, epoch: usize) -> Vec<usize> {
        let count = self.dataset.len();
        match self.order {
            Order::Stored => (0..count).collect(),
            Order::Shuffled { seed, .. } => Random::new(seed, epoch as u64, 0).permutation(count),
        }
    }

    fn load(&self, indices: &[usize], epoch: usize, device: &Device) -> Result<Batch, Error> {
        let change = match &self.order {
            Order::Stored => None,
            Order::Shuffled { seed, augment } => Some((augment, *seed, epoch)),
        };
        let (images, labels) =
            self.dataset
                .changed_batch(indices, &self.preprocess, change, device)?;
        self.input.check(images.dims())?;
        Ok(Batch { images, labels })
    }
}

/// One pass.
struct Batches {
    receiver: Option<Receiver<Result<Batch, Error>>>,
    worker: Option<JoinHandle<()>>,
    done: usize,
    total: usize,
}

impl Batches {
    fn join(&mut self) {
        // A worker that waits for room ends when nobody listens.
        self.receiver = None;
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.receiver.as_ref()?.recv() {
            Ok(Ok(batch)) => {
                self.done += batch.labels.dims()[0];
                Some(Ok(batch))
            }
            Ok(Err(error)) => Some(Err(Carried::pack(error))),
            Err(_) => {
                self.join();
                None
            }
        }
    }
}

impl DataLoaderIterator<Batch> for Batches {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.total, Some("images".to_owned()))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.join();
    }
}

/// Our error on its way through Burn's, which only lends what it holds.
#[derive(Debug)]
struct Carried(Mutex<Option<Error>>);

impl Carried {
    fn pack(error: Error) -> DatasetError {
        DatasetError::new(Self(Mutex::new(Some(error))))
    }
}

/// Our own error out of Burn's.
pub(crate) fn unpack(error: &DatasetError) -> Error {
    let inner = std::error::Error::source(error);
    let carried = inner.and_then(|inner| inner.downcast_ref::<Carried>());
    let own = carried.and_then(|carried| carried.0.lock().ok()?.take());
    own.unwrap_or_else(|| Error::Training {
        reason: error.to_string(),
    })
}

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.lock().as_deref() {
            Ok(Some(error)) => error.fmt(f),
            _ => f.write_str("an image could not be loaded"),
        }
    }
}

impl std::error::Error for Carried {}

#[cfg(test)]
mod tests {
    use burn_zoo_core::{ChannelOrder, Interpolation, Orientation, ValueRange};

    use super::*;
    use crate::classes::Classes;

    const COUNT: u8 = 7;

    /// Seven images of one pixel and their numbers for classes.
    fn loader(order: Order, input: InputSpec) -> Loader {
        let folder = tempfile::tempdir().unwrap();
        let images = [
            &[0, 0, 8, 3, 0, 0, 0, COUNT, 0, 0, 0, 1, 0, 0, 0, 1][..],
            &[0; 7],
        ]
        .concat();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, COUNT][..], &[0, 1, 2, 3, 4, 5, 6]].concat();
        std::fs::write(folder.path().join("train-images-idx3-ubyte"), images).unwrap();
        std::fs::write(folder.path().join("train-labels-idx1-ubyte"), labels).unwrap();
        let classes = Classes::unnamed(COUNT.into());
        let source = Source {
            dataset: Dataset::open(folder.path(), "train", &classes).unwrap(),
            preprocess: Preprocess {
                resize: 1,
                crop: [1, 1],
                interpolation: Interpolation::Bilinear,
                channels: 1,
                order: ChannelOrder::Rgb,
                range: ValueRange::Unit,
                mean: [0.0; 3],
                std: [1.0; 3],
                orientation: Orientation::Ignore,
            },
            input,
            batch: 3,
            order,
        };
        Loader::new(source, 0, Device::flex())
    }

    const ANY: InputSpec = InputSpec::small(1, 1);
    const SHUFFLED: Order = Order::Shuffled {
        seed: 1,
        augment: Augment {
            shift: 0,
            flip: crate::augment::Flip::None,
        },
    };

    fn labels(loader: &dyn DataLoader<Batch>) -> Vec<Vec<i64>> {
        let batch = |batch: Result<Batch, DatasetError>| {
            let labels = batch.unwrap().labels.into_data();
            labels.iter::<i64>().collect()
        };
        loader.iter().map(batch).collect()
    }

    #[test]
    fn batches_come_in_order_and_the_last_may_be_smaller() {
        let stored = loader(Order::Stored, ANY);
        let expected = [vec![0, 1, 2], vec![3, 4, 5], vec![6]];
        assert_eq!(labels(&stored), expected);
        let mut batches = stored.iter();
        for done in [3, 6, 7] {
            batches.next().unwrap().unwrap();
            assert_eq!(batches.progress().items_processed, done);
        }
        assert!(batches.progress().is_completed());
    }

    #[test]
    fn each_pass_is_an_epoch_of_its_own_and_slices_share_it_out() {
        let order = |epoch| -> Vec<i64> {
            let order = Random::new(1, epoch, 0).permutation(COUNT.into());
            order.into_iter().map(|index| index as i64).collect()
        };
        let whole = loader(SHUFFLED, ANY);
        assert_eq!(labels(&whole).concat(), order(0));
        assert_eq!(labels(&whole).concat(), order(1));
        let parts = [whole.slice(0, 4), whole.slice(4, 7)];
        let [first, second] = parts.map(|part| labels(part.as_ref()));
        assert_eq!([first, second].concat().concat(), order(2));
    }

    #[test]
    fn a_pass_may_end_early() {
        let stored = loader(Order::Stored, ANY);
        drop(stored.iter());
        let mut batches = stored.iter();
        batches.next().unwrap().unwrap();
    }

    #[test]
    fn our_errors_come_through_burns() {
        let wrong = loader(Order::Stored, InputSpec::small(3, 1));
        let mut batches = wrong.iter();
        let error = batches.next().unwrap().unwrap_err();
        assert!(error.to_string().contains("does not fit"), "{error}");
        assert!(matches!(unpack(&error), Error::Input { .. }));
        assert!(batches.next().is_none());
    }
}
