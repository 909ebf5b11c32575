//! A classifier as Burn's training loops want it.

use burn::module::{Module, ModuleDisplay};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, ExecutionError, Int, Tensor};
use burn::train::metric::{AccuracyInput, Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};
use burn_zoo_core::{Classifier, TrainingKernels, weighted_loss};

use crate::loader::{Batch, Part};
use crate::loss::soft_cross_entropy;

/// What can be trained: any classifier that Burn can also print.
pub(crate) trait Trainable: Classifier + ModuleDisplay + 'static {}

impl<M: Classifier + ModuleDisplay + 'static> Trainable for M {}

/// A classifier and its loss: the cross entropy of every head, by the heads' weights.
#[derive(Module, Debug)]
pub(crate) struct Trainee<M: Module> {
    model: M,
    #[module(skip)]
    smoothing: f32,
}

impl<M: Trainable> Trainee<M> {
    /// `smoothing` is the share of the training target that is spread over all classes.
    pub(crate) fn new(model: M, smoothing: f32) -> Self {
        Self { model, smoothing }
    }

    pub(crate) fn model(&self) -> &M {
        &self.model
    }

    /// Forward and backward.
    fn learn(&self, batch: Batch) -> TrainOutput<Guess> {
        let Batch {
            images,
            labels,
            targets,
            part,
        } = batch;
        let criterion = CrossEntropyLossConfig::new()
            .with_smoothing((self.smoothing > 0.0).then_some(self.smoothing))
            .init(&images.device());
        let heads = self.model.forward_train(images);
        let main = heads.first().expect("a network has a main head");
        let logits = main.logits.clone();
        let loss_of = |logits| match &targets {
            Some(targets) => soft_cross_entropy(logits, targets.clone(), self.smoothing),
            None => criterion.forward(logits, labels.clone()),
        };
        let loss = weighted_loss(heads, loss_of);
        // Slices' shares of the batch's mean loss add up to it.
        let loss = loss * part.share;
        let guess = Guess::new(&loss, logits, labels, part);
        TrainOutput::new(self, loss.backward(), guess)
    }
}

impl<M: Trainable> TrainStep for Trainee<M> {
    type Input = Batch;
    type Output = Guess;

    fn step(&self, batch: Batch) -> TrainOutput<Guess> {
        TrainingKernels::step(&batch.images.device(), || self.learn(batch))
    }
}

impl<M: Trainable> InferenceStep for Trainee<M> {
    type Input = Batch;
    type Output = Guess;

    fn step(&self, batch: Batch) -> Guess {
        let Batch {
            images,
            labels,
            part,
            ..
        } = batch;
        let criterion = CrossEntropyLossConfig::new().init(&images.device());
        let logits = self.model.forward(images);
        let loss = criterion.forward(logits.clone(), labels.clone());
        Guess::new(&loss, logits, labels, part)
    }
}

/// What one step leaves for the metrics, without gradients.
#[derive(Debug)]
pub(crate) struct Guess {
    /// Mean over the batch, or a slice's share of it.
    pub(crate) loss: Tensor<1>,
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    part: Part,
}

impl Guess {
    fn new(loss: &Tensor<1>, logits: Tensor<2>, labels: Tensor<1, Int>, part: Part) -> Self {
        Self {
            loss: loss.clone().without_autodiff(),
            logits: logits.without_autodiff(),
            labels: labels.without_autodiff(),
            part,
        }
    }

    /// Of all slices of a batch, in their order.
    pub(crate) fn joint(slices: Vec<Self>, device: &Device) -> Self {
        let (mut losses, mut logits, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for slice in slices {
            losses.push(slice.loss.to_device(device));
            logits.push(slice.logits.to_device(device));
            labels.push(slice.labels.to_device(device));
        }
        Self {
            loss: Tensor::cat(losses, 0).sum(),
            logits: Tensor::cat(logits, 0),
            labels: Tensor::cat(labels, 0),
            part: Part::WHOLE,
        }
    }

    /// Its place among the slices of a batch.
    pub(crate) fn part(&self) -> usize {
        self.part.index
    }

    /// The true class and the first guess of each image.
    pub(crate) fn answers(&self) -> Vec<(usize, usize)> {
        let whole = |classes: Tensor<1, Int>| -> Vec<usize> {
            let classes = classes.into_data();
            classes.iter::<i64>().map(|class| class as usize).collect()
        };
        let guesses = self.logits.clone().argmax(1).flatten(0, 1);
        let pairs = whole(self.labels.clone()).into_iter().zip(whole(guesses));
        pairs.collect()
    }

    /// Number of images.
    pub(crate) fn images(&self) -> usize {
        self.logits.dims()[0]
    }
}

impl ItemLazy for Guess {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.loss.device().flush()?;
        Ok(self)
    }
}

impl Adaptor<AccuracyInput> for Guess {
    fn adapt(&self) -> AccuracyInput {
        AccuracyInput::new(self.logits.clone(), self.labels.clone())
    }
}

impl Adaptor<LossInput> for Guess {
    /// One value per image, since Burn's metric weights a batch by their number.
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone().expand([self.labels.dims()[0]]))
    }
}
