//! One type for all families, so that training, evaluation and the command line are written once.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Tensor;
use burn_zoo_core::weights::{self, Checkpoint, Differences, Dtype, Slot};
use burn_zoo_core::{Classifier, Error, FeatureMap, Head, InputSpec};
use burn_zoo_resnet::{CifarResNet, ResNet};

/// Any network of the zoo.
#[derive(Module, Debug)]
pub enum AnyClassifier {
    /// ResNet, ResNeXt, Wide ResNet, ResNet-D and plain twins.
    ResNet(ResNet),
    /// The nets for 32x32 images, and plain twins.
    CifarResNet(CifarResNet),
}

/// Calls the same method of whichever network it is.
macro_rules! each {
    ($any:expr, $model:ident => $call:expr) => {
        match $any {
            AnyClassifier::ResNet($model) => $call,
            AnyClassifier::CifarResNet($model) => $call,
        }
    };
}

/// The same network after a change that may fail.
macro_rules! change {
    ($any:expr, $model:ident => $call:expr) => {
        match $any {
            AnyClassifier::ResNet($model) => $call.map(AnyClassifier::ResNet),
            AnyClassifier::CifarResNet($model) => $call.map(AnyClassifier::CifarResNet),
        }
    };
}

impl AnyClassifier {
    /// Where each tensor stands in a file under the reference's keys.
    pub fn slots(&self) -> Vec<Slot> {
        each!(self, model => weights::slots(model, &model.keys()))
    }

    /// Fills the network from a file, strict both ways; `architecture` is for messages.
    ///
    /// # Errors
    ///
    /// Those of [`weights::load`].
    pub fn load(
        self,
        architecture: &str,
        checkpoint: &Checkpoint,
        differences: Differences<'_>,
    ) -> Result<Self, Error> {
        change!(self, model => {
            let rows = model.keys();
            weights::load(model, architecture, checkpoint, &rows, differences)
        })
    }

    /// Writes a safetensors file that Python and `--weights` take.
    ///
    /// # Errors
    ///
    /// Those of [`weights::save`].
    pub fn save(&self, path: &Path, dtype: Dtype) -> Result<(), Error> {
        each!(self, model => weights::save(model, &model.keys(), path, dtype))
    }
}

impl Classifier for AnyClassifier {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        each!(self, model => model.forward(images))
    }

    fn forward_train(&self, images: Tensor<4>) -> Vec<Head> {
        each!(self, model => model.forward_train(images))
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        each!(self, model => model.features(images))
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        each!(self, model => model.pooled(images))
    }

    fn input(&self) -> InputSpec {
        each!(self, model => model.input())
    }

    fn num_classes(&self) -> usize {
        each!(self, model => model.num_classes())
    }

    fn with_classes(self, classes: usize) -> Self {
        match self {
            Self::ResNet(model) => Self::ResNet(model.with_classes(classes)),
            Self::CifarResNet(model) => Self::CifarResNet(model.with_classes(classes)),
        }
    }
}
