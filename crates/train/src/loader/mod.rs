//! Batches in an order that can be repeated, prepared ahead of the steps that need them.

mod carried;
mod pass;
mod source;
mod watch;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::data::dataloader::{DataLoader, DataLoaderIterator};
use burn::tensor::{Device, Int, Tensor};

pub(crate) use carried::unpack;
pub use source::BadImages;
pub(crate) use source::{Order, Source, Views, workers};
pub(crate) use watch::Watch;

use pass::Pass;

/// Images `[batch, channels, height, width]` and labels `[batch]`; where each image is seen in
/// several views, those of an image follow each other.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) images: Tensor<4>,
    pub(crate) labels: Tensor<1, Int>,
    /// Shares of each class, `[batch, classes]`, where images were mixed.
    pub(crate) targets: Option<Tensor<2>>,
    pub(crate) part: Part,
}

/// Which slice of a step's batch it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Its place among the slices.
    pub(crate) index: usize,
    /// Its size in proportion to the whole, in `[0, 1]`.
    pub(crate) share: f32,
}

impl Part {
    pub(crate) const WHOLE: Self = Self {
        index: 0,
        share: 1.0,
    };
}

/// Burn's multi-threaded loader splits by the number of threads and yields in order of arrival;
/// the batches of this one are the same whatever the number of its workers.
#[derive(Debug)]
pub(crate) struct Loader {
    source: Arc<Source>,
    device: Device,
    /// The part of each epoch's order that comes from here.
    part: Range<usize>,
    /// The epoch that the next pass is for, counted from 0.
    epoch: AtomicUsize,
    watch: Arc<Watch>,
}

impl Loader {
    /// The first pass is for epoch `epoch`, counted from 0, the second for the one after it.
    pub(crate) fn new(source: Source, epoch: usize, device: Device) -> Self {
        Self {
            part: 0..source.dataset.len(),
            source: Arc::new(source),
            device,
            epoch: AtomicUsize::new(epoch),
            watch: Arc::default(),
        }
    }

    /// Where it is written down how long steps wait for this loader and its parts.
    pub(crate) fn watch(&self) -> Arc<Watch> {
        self.watch.clone()
    }

    fn with(&self, part: Range<usize>, device: &Device) -> Arc<Self> {
        Arc::new(Self {
            source: self.source.clone(),
            device: device.clone(),
            part,
            epoch: AtomicUsize::new(self.epoch.load(Ordering::Relaxed)),
            watch: self.watch.clone(),
        })
    }
}

impl DataLoader<Batch> for Loader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
        let epoch = self.epoch.fetch_add(1, Ordering::Relaxed);
        let part = self.part.clone();
        let watch = self.watch.clone();
        let pass = Pass::start(self.source.clone(), self.device.clone(), part, epoch, watch);
        Box::new(pass)
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

#[cfg(test)]
mod tests;
