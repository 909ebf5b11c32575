//! A training step on several devices at once.

use burn::data::dataloader::{DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::module::Module as _;
use burn::optim::GradientsAccumulator;
use burn::tensor::Device;
use burn::train::train::MultiDevicesTrainStep;
use burn::train::{Learner, TrainOutput};
use burn_zoo_core::Error;

use crate::loader::{Batch, Part};
use crate::recipe::Optimizer;
use crate::replicas::{Collectives, Replicas};
use crate::train::Exchange;
use crate::trainee::{Guess, Trainable, Trainee};

/// Devices that each take a slice of every batch.
pub(crate) enum Team<M: Trainable> {
    /// The first has the weights.
    Gather(Gather<M>),
    /// All have them.
    AllReduce(Replicas<M, Collectives>),
}

impl<M: Trainable> Team<M> {
    /// The team of `devices`, with gradients, if they are several. `learner` makes what learns on one
    /// that has weights of its own, which must not be a clone: clones share their running statistics.
    pub(crate) fn of(
        devices: &[Device],
        exchange: Exchange,
        accumulate: usize,
        learner: impl Fn(&Device) -> Result<Learner<Trainee<M>>, Error>,
    ) -> Result<Option<Self>, Error> {
        let [_, others @ ..] = devices else {
            return Ok(None);
        };
        Ok(match exchange {
            _ if others.is_empty() => None,
            Exchange::Gather => Some(Self::Gather(Gather::new(devices.to_vec()))),
            Exchange::AllReduce => {
                let others = others.iter().map(learner).collect::<Result<_, _>>()?;
                let devices = devices.to_vec();
                let replicas = Replicas::new(devices, others, accumulate, Collectives);
                Some(Self::AllReduce(replicas))
            }
        })
    }

    /// The gradients and the loss that one device gives for the whole batch, but for batch norms,
    /// which see their slice alone; `model` is the first device's.
    ///
    /// # Errors
    ///
    /// [`Error::Training`] with each device that failed.
    pub(crate) fn step(
        &mut self,
        model: &Trainee<M>,
        batch: Batch,
    ) -> Result<TrainOutput<Guess>, Error> {
        match self {
            Self::Gather(gather) => gather.step(model, batch),
            Self::AllReduce(replicas) => Ok(replicas.step(model, batch)),
        }
    }

    /// Takes the newest gradients, of so many images, in for the next update.
    pub(crate) fn add(&mut self, images: usize) {
        if let Self::AllReduce(replicas) = self {
            replicas.add(images);
        }
    }

    /// Moves the weights of all devices but the first.
    pub(crate) fn update(&mut self, settings: &Optimizer) {
        if let Self::AllReduce(replicas) = self {
            replicas.update(settings);
        }
    }
}

/// Burn's workers: they are given the weights for each step, and the first device gathers the
/// gradients.
pub(crate) struct Gather<M: Trainable> {
    devices: Vec<Device>,
    workers: MultiDevicesTrainStep<Trainee<M>>,
}

impl<M: Trainable> Gather<M> {
    fn new(devices: Vec<Device>) -> Self {
        Self {
            workers: MultiDevicesTrainStep::new(&devices),
            devices,
        }
    }

    fn step(&self, model: &Trainee<M>, batch: Batch) -> Result<TrainOutput<Guess>, Error> {
        let mut slices: Vec<Box<dyn DataLoaderIterator<Batch>>> = split(batch, &self.devices)
            .into_iter()
            .map(|slice| Box::new(Slice(slice)) as _)
            .collect();
        let answers = self.workers.step(&mut slices, model);
        let (answers, _) = answers.map_err(|error| Error::Training {
            reason: error.to_string(),
        })?;
        let mut outputs: Vec<_> = answers.into_iter().map(|answer| answer.output).collect();
        // They come as they are ready; sums of floats depend on their order.
        outputs.sort_unstable_by_key(|output| output.item.part());

        let main = &self.devices[0];
        // Running statistics are shared by the workers' copies of the network and lie where one of
        // them left them.
        drop(model.valid());
        let model = model.clone().fork(main);
        let mut gradients = GradientsAccumulator::new();
        let mut guesses = Vec::with_capacity(outputs.len());
        for TrainOutput { grads, item } in outputs {
            gradients.accumulate(&model, grads.to_device(main, &model));
            guesses.push(item);
        }
        Ok(TrainOutput {
            grads: gradients.grads(),
            item: Guess::joint(guesses, &main.clone().inner()),
        })
    }
}

/// A slice for each device, of the same size but for the last ones; nothing for devices that a
/// small batch does not reach.
pub(crate) fn split(batch: Batch, devices: &[Device]) -> Vec<Option<Batch>> {
    let [count] = batch.labels.dims();
    let each = count.div_ceil(devices.len());
    let slice = |(index, device): (usize, &Device)| {
        let range = (index * each).min(count)..((index + 1) * each).min(count);
        (!range.is_empty()).then(|| Batch {
            images: batch.images.clone().slice(range.clone()).to_device(device),
            labels: batch.labels.clone().slice(range.clone()).to_device(device),
            targets: batch
                .targets
                .clone()
                .map(|targets| targets.slice(range.clone()).to_device(device)),
            part: Part {
                index,
                share: range.len() as f32 / count as f32,
            },
        })
    };
    devices.iter().enumerate().map(slice).collect()
}

/// One batch in the form that Burn's workers are fed in.
struct Slice(Option<Batch>);

impl Iterator for Slice {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl DataLoaderIterator<Batch> for Slice {
    fn progress(&self) -> Progress {
        Progress::new(0, 1, None)
    }
}
