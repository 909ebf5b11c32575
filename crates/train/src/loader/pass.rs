//! One pass over the images: workers that read them, and a thread that puts batches together.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use burn::data::dataloader::{DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use burn_zoo_core::Error;

use super::source::{Item, Source};
use super::{Batch, Watch, carried};

/// Batches that wait for their step, beside the one that is being put together.
const AHEAD: usize = 1;

/// The batches of an epoch, in order.
pub(super) struct Pass {
    receiver: Option<Receiver<Result<Sent, Error>>>,
    packer: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    watch: Arc<Watch>,
    done: usize,
    total: usize,
}

/// A batch, and how many images the pass is through with.
struct Sent {
    batch: Batch,
    done: usize,
}

impl Pass {
    pub(super) fn start(
        source: Arc<Source>,
        device: Device,
        part: Range<usize>,
        epoch: usize,
        watch: Arc<Watch>,
    ) -> Self {
        let (sender, receiver) = sync_channel(AHEAD);
        let stop = Arc::new(AtomicBool::new(false));
        let packing = Packing {
            first: part.start,
            order: source.order_of(epoch)[part].into(),
            source,
            device,
            epoch,
            stop: stop.clone(),
            watch: watch.clone(),
        };
        Self {
            total: packing.order.len(),
            receiver: Some(receiver),
            packer: Some(std::thread::spawn(move || packing.run(&sender))),
            stop,
            watch,
            done: 0,
        }
    }

    /// Ends all threads; one that panicked panics here too.
    fn join(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Who waits for room ends when nobody listens.
        self.receiver = None;
        if let Some(packer) = self.packer.take() {
            pass_on(packer.join());
        }
    }
}

/// Goes on with the panic of another thread, unless this one panics already.
fn pass_on(ended: std::thread::Result<()>) {
    if let Err(panic) = ended
        && !std::thread::panicking()
    {
        std::panic::resume_unwind(panic);
    }
}

impl Iterator for Pass {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = Instant::now();
        let received = self.receiver.as_ref()?.recv();
        self.watch.add_wait(start.elapsed());
        match received {
            Ok(Ok(Sent { batch, done })) => {
                self.done = done;
                Some(Ok(batch))
            }
            Ok(Err(error)) => Some(Err(carried::pack(error))),
            Err(_) => {
                self.join();
                None
            }
        }
    }
}

impl DataLoaderIterator<Batch> for Pass {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.total, Some("images".to_owned()))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.join();
    }
}

/// The work of the thread that puts batches together.
struct Packing {
    source: Arc<Source>,
    device: Device,
    /// Which images, and the number of the first in the epoch's order.
    order: Arc<[usize]>,
    first: usize,
    epoch: usize,
    stop: Arc<AtomicBool>,
    watch: Arc<Watch>,
}

/// A worker, and what comes from it.
struct Lane {
    items: Receiver<Result<Option<Item>, Error>>,
    worker: JoinHandle<()>,
}

impl Packing {
    fn run(self, sender: &SyncSender<Result<Sent, Error>>) {
        let workers = self.source.workers.clamp(1, self.order.len().max(1));
        let lanes: Vec<Lane> = (0..workers).map(|lane| self.lane(lane, workers)).collect();
        self.pack(&lanes, sender);
        for Lane { items, worker } in lanes {
            drop(items);
            pass_on(worker.join());
        }
    }

    /// Every `step`-th image from `lane` on, so that taking turns gives them in order; all lanes
    /// together hold about a batch.
    fn lane(&self, lane: usize, step: usize) -> Lane {
        let (sender, items) = sync_channel(self.source.batch.min(self.order.len()).div_ceil(step));
        let (source, order, stop) = (self.source.clone(), self.order.clone(), self.stop.clone());
        let epoch = self.epoch;
        let worker = std::thread::spawn(move || {
            for &index in order.iter().skip(lane).step_by(step) {
                let stopped = stop.load(Ordering::Relaxed);
                if stopped || sender.send(source.load(index, epoch)).is_err() {
                    break;
                }
            }
        });
        Lane { items, worker }
    }

    /// Ends with the order, an error, or the end of a worker or a listener.
    fn pack(&self, lanes: &[Lane], sender: &SyncSender<Result<Sent, Error>>) {
        let size = self.source.batch.max(1);
        for start in (0..self.order.len()).step_by(size) {
            let end = self.order.len().min(start + size);
            let mut items = Vec::with_capacity(end - start);
            for place in start..end {
                match lanes[place % lanes.len()].items.recv() {
                    Ok(Ok(Some(item))) => items.push(item),
                    Ok(Ok(None)) => self.watch.add_skipped(),
                    Ok(Err(error)) => {
                        let _ = sender.send(Err(error));
                        return;
                    }
                    // It panicked or was stopped; whoever joins it finds out.
                    Err(_) => return,
                }
            }
            if items.is_empty() {
                continue;
            }
            let place = self.first + start;
            let batch = self.source.batch(items, self.epoch, place, &self.device);
            let failed = batch.is_err();
            let sent = batch.map(|batch| Sent { batch, done: end });
            if sender.send(sent).is_err() || failed {
                return;
            }
        }
    }
}
