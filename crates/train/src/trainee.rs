//! A classifier as Burn's training loops want it.

use burn::module::{Module, ModuleDisplay};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{ExecutionError, Int, Tensor};
use burn::train::metric::{AccuracyInput, Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};
use burn_zoo_core::Classifier;

use crate::loader::Batch;

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
}

impl<M: Trainable> TrainStep for Trainee<M> {
    type Input = Batch;
    type Output = Guess;

    fn step(&self, Batch { images, labels }: Batch) -> TrainOutput<Guess> {
        let criterion = CrossEntropyLossConfig::new()
            .with_smoothing((self.smoothing > 0.0).then_some(self.smoothing))
            .init(&images.device());
        let heads = self.model.forward_train(images);
        let main = heads.first().expect("a network has a main head");
        let logits = main.logits.clone();
        let loss = heads
            .into_iter()
            .map(|head| criterion.forward(head.logits, labels.clone()) * head.weight)
            .reduce(|a, b| a + b)
            .expect("a network has a main head");
        let guess = Guess::new(&loss, logits, labels);
        TrainOutput::new(self, loss.backward(), guess)
    }
}

impl<M: Trainable> InferenceStep for Trainee<M> {
    type Input = Batch;
    type Output = Guess;

    fn step(&self, Batch { images, labels }: Batch) -> Guess {
        let criterion = CrossEntropyLossConfig::new().init(&images.device());
        let logits = self.model.forward(images);
        let loss = criterion.forward(logits.clone(), labels.clone());
        Guess::new(&loss, logits, labels)
    }
}

/// What one step leaves for the metrics, without gradients.
#[derive(Debug)]
pub(crate) struct Guess {
    /// Mean over the batch.
    pub(crate) loss: Tensor<1>,
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
}

impl Guess {
    fn new(loss: &Tensor<1>, logits: Tensor<2>, labels: Tensor<1, Int>) -> Self {
        Self {
            loss: loss.clone().without_autodiff(),
            logits: logits.without_autodiff(),
            labels: labels.without_autodiff(),
        }
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
