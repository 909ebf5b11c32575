//! Devices that each have the weights and add their gradients between them.

use std::panic::resume_unwind;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::distributed::{CollectiveTensor, ReduceOperation, all_reduce};
use burn::tensor::{Device, Tensor};
use burn::train::{Learner, TrainOutput, TrainStep as _};

use crate::gradients::{Accumulation, update};
use crate::loader::Batch;
use crate::recipe::Optimizer;
use crate::team::split;
use crate::trainee::{Guess, Trainable, Trainee};

/// How tensors on several devices become their sum on each.
pub(crate) trait AllReduce {
    /// The sum of `parts` on the device of each.
    fn sum<const D: usize>(&self, parts: Vec<Tensor<D>>) -> Vec<Tensor<D>>;
}

/// By the backend's own collectives; Burn panics where it has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collectives;

impl AllReduce for Collectives {
    fn sum<const D: usize>(&self, parts: Vec<Tensor<D>>) -> Vec<Tensor<D>> {
        let devices: Vec<_> = parts.iter().map(Tensor::device).collect();
        let launch = |part| all_reduce(part, ReduceOperation::Sum, devices.clone());
        // Each waits for all, so that all are launched before one is waited for.
        let launched: Vec<_> = parts.into_iter().map(launch).collect();
        launched
            .into_iter()
            .map(CollectiveTensor::resolve)
            .collect()
    }
}

/// The devices of a run with what learns on all but the first, which is with the run itself.
///
/// All do the same step with the same gradients, so that their weights stay the same; the running
/// statistics of batch norms are each device's own, and the first's are what is validated and saved.
pub(crate) struct Replicas<M: Trainable, R> {
    devices: Vec<Device>,
    others: Vec<Replica<M>>,
    reduce: R,
}

struct Replica<M: Trainable> {
    learner: Learner<Trainee<M>>,
    /// Of the newest batch.
    newest: GradientsParams,
    gradients: Accumulation<Trainee<M>>,
}

impl<M: Trainable, R: AllReduce> Replicas<M, R> {
    /// `others` are on all of `devices` but the first, in their order; `accumulate` batches make a
    /// step.
    pub(crate) fn new(
        devices: Vec<Device>,
        others: Vec<Learner<Trainee<M>>>,
        accumulate: usize,
        reduce: R,
    ) -> Self {
        let replica = |learner| Replica {
            learner,
            newest: GradientsParams::new(),
            gradients: Accumulation::new(accumulate),
        };
        Self {
            devices,
            others: others.into_iter().map(replica).collect(),
            reduce,
        }
    }

    /// The gradients and the loss of the whole batch, of which each device computes a slice; `first`
    /// is the network on the first device.
    pub(crate) fn step(&mut self, first: &Trainee<M>, batch: Batch) -> TrainOutput<Guess> {
        let others = self.others.iter().map(|replica| replica.learner.model());
        let networks: Vec<_> = std::iter::once(first.clone()).chain(others).collect();
        let slices = split(batch, &self.devices);
        let outputs: Vec<Option<TrainOutput<Guess>>> = std::thread::scope(|scope| {
            let spawn = |(network, slice): (Trainee<M>, Option<Batch>)| {
                slice.map(|slice| scope.spawn(move || network.step(slice)))
            };
            let threads: Vec<_> = networks.into_iter().zip(slices).map(spawn).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            };
            threads.into_iter().map(|thread| thread.map(join)).collect()
        });
        let (mut gradients, mut guesses) = (Vec::new(), Vec::new());
        for output in outputs {
            match output {
                Some(TrainOutput { grads, item }) => {
                    gradients.push(grads);
                    guesses.push(item);
                }
                // A small batch did not reach this device.
                None => gradients.push(GradientsParams::new()),
            }
        }
        first.visit(&mut Reduced {
            parts: &mut gradients,
            devices: &self.devices,
            reduce: &self.reduce,
        });
        let mut gradients = gradients.into_iter();
        let grads = gradients.next().expect("there is a first device");
        for (replica, newest) in self.others.iter_mut().zip(gradients) {
            replica.newest = newest;
        }
        TrainOutput {
            grads,
            item: Guess::joint(guesses, &self.devices[0].clone().inner()),
        }
    }

    /// Takes the newest gradients, of so many images, in for the next update.
    pub(crate) fn add(&mut self, images: usize) {
        for replica in &mut self.others {
            let newest = std::mem::take(&mut replica.newest);
            let model = replica.learner.model();
            replica.gradients.add(&model, newest, images);
        }
    }

    /// Moves the weights as the run moves the first device's.
    pub(crate) fn update(&mut self, settings: &Optimizer) {
        for replica in &mut self.others {
            let gradients = replica.gradients.take(&replica.learner.model());
            update(&mut replica.learner, gradients, settings);
        }
    }
}

/// Replaces the gradients of each device by their sum.
struct Reduced<'a, R> {
    parts: &'a mut [GradientsParams],
    devices: &'a [Device],
    reduce: &'a R,
}

impl<R: AllReduce> ModuleVisitor for Reduced<'_, R> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let parts = self.parts.iter_mut();
        let found: Vec<_> = parts.map(|part| part.remove::<D>(param.id)).collect();
        // None has one where it is frozen.
        let Some(shape) = found.iter().flatten().next().map(Tensor::shape) else {
            return;
        };
        let whole = |(part, device): (Option<Tensor<D>>, &Device)| {
            part.unwrap_or_else(|| Tensor::zeros(shape.clone(), &device.clone().inner()))
        };
        let whole = found.into_iter().zip(self.devices).map(whole).collect();
        let sums = self.reduce.sum(whole);
        for (part, sum) in self.parts.iter_mut().zip(sums) {
            part.register(param.id, sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::Linear;
    use burn::optim::SgdConfig;
    use burn::optim::momentum::MomentumConfig;
    use burn_zoo_core::{Classifier, FeatureMap, InputSpec};

    use super::*;
    use crate::gradients::tests::assert_close;
    use crate::loader::Part;

    /// Images of two pixels, three classes.
    #[derive(Module, Debug)]
    struct Dense {
        layer: Linear,
    }

    impl Classifier for Dense {
        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            self.layer.forward(images.flatten(1, 3))
        }

        fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
            vec![FeatureMap::new("pixels", images)]
        }

        fn input(&self) -> InputSpec {
            InputSpec::exactly(1, [1, 2])
        }

        fn num_classes(&self) -> usize {
            3
        }

        fn with_classes(self, _: usize) -> Self {
            self
        }
    }

    /// What collectives do, one after the other.
    struct InTurn;

    impl AllReduce for InTurn {
        fn sum<const D: usize>(&self, parts: Vec<Tensor<D>>) -> Vec<Tensor<D>> {
            let sum = parts
                .iter()
                .cloned()
                .reduce(|sum, part| sum + part)
                .unwrap();
            vec![sum; parts.len()]
        }
    }

    const SETTINGS: &str = "lr = 0.1\nclip_norm = 0.5";

    fn network() -> Dense {
        let weights = [[0.3, -0.2, 0.5], [-0.4, 0.1, 0.6]];
        Dense {
            layer: Linear {
                weight: Param::from_tensor(Tensor::from_floats(weights, &Device::flex())),
                bias: None,
            },
        }
    }

    /// With the parameters' own names, as [`crate::train()`] makes one for each device.
    fn learner(network: &Dense, device: &Device) -> Learner<Trainee<Dense>> {
        let model = network.valid().to_device(device).train();
        let sgd = SgdConfig::new().with_momentum(Some(MomentumConfig::new().with_momentum(0.9)));
        Learner::new(Trainee::new(model, 0.1), sgd.init(), 0.1)
    }

    fn weights(learner: &Learner<Trainee<Dense>>) -> Vec<f32> {
        let values = learner.model().model().layer.weight.val().into_data();
        values.iter::<f32>().collect()
    }

    fn batch(images: usize, device: &Device) -> Batch {
        let pixels: Vec<f32> = (0..2 * images).map(|index| (index as f32).sin()).collect();
        let labels: Vec<i64> = (0..images as i64).map(|index| index % 3).collect();
        Batch {
            images: Tensor::<1>::from_floats(pixels.as_slice(), device).reshape([images, 1, 1, 2]),
            labels: Tensor::from_data(labels.as_slice(), device),
            targets: None,
            part: Part::WHOLE,
        }
    }

    /// The last batch reaches the first device alone.
    const BATCHES: [usize; 4] = [7, 6, 8, 1];

    #[test]
    fn every_device_does_the_steps_that_one_does_with_the_whole_batch() {
        let device = Device::flex().autodiff();
        let settings: Optimizer = toml::from_str(SETTINGS).unwrap();
        for accumulate in [1, 2] {
            let network = network();
            let learner = || learner(&network, &device);
            let mut alone = learner();
            let mut gradients = Accumulation::new(accumulate);
            let mut first = learner();
            let others = vec![learner(), learner()];
            let mut sum = Accumulation::new(accumulate);
            let devices = vec![device.clone(); 3];
            let mut replicas = Replicas::new(devices, others, accumulate, InTurn);
            let before = weights(&alone);
            for images in BATCHES {
                let whole = alone.train_step(batch(images, &device));
                gradients.add(&alone.model(), whole.grads, images);
                let parts = replicas.step(&first.model(), batch(images, &device));
                assert_eq!(parts.item.images(), images);
                let [one, all] = [whole.item, parts.item].map(|guess| guess.loss.into_scalar());
                assert_close(&[all], &[one]);
                sum.add(&first.model(), parts.grads, images);
                replicas.add(images);
                if gradients.is_full() {
                    let step = gradients.take(&alone.model());
                    update(&mut alone, step, &settings);
                    let step = sum.take(&first.model());
                    update(&mut first, step, &settings);
                    replicas.update(&settings);
                }
            }
            let expected = weights(&alone);
            assert!(
                (expected[0] - before[0]).abs() > 1e-3,
                "{before:?} {expected:?}"
            );
            assert_close(&weights(&first), &expected);
            for other in &replicas.others {
                assert_close(&weights(&other.learner), &expected);
            }
        }
    }
}
