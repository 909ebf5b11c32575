//! One type for all families, so that training, evaluation and the command line are written once.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Tensor;
use burn_zoo_core::weights::{Dtype, Slot};
use burn_zoo_core::{Classifier, Error, FeatureMap, Head, InputSpec, Layout, Pretrained};
#[cfg(feature = "highway")]
use burn_zoo_highway::{HighwayConvNet, HighwayNet};
#[cfg(feature = "inception-resnet-v2")]
use burn_zoo_inception_resnet_v2::{CifarInceptionResNetV2, InceptionResNetV2};
#[cfg(feature = "inception-v1")]
use burn_zoo_inception_v1::{CifarGoogLeNet, GoogLeNet, GoogLeNetPaper};
#[cfg(feature = "inception-v2")]
use burn_zoo_inception_v2::{CifarInceptionV2, InceptionV2};
#[cfg(feature = "inception-v3")]
use burn_zoo_inception_v3::{CifarInceptionV3, InceptionV3};
#[cfg(feature = "inception-v4")]
use burn_zoo_inception_v4::{CifarInceptionV4, InceptionV4};
use burn_zoo_resnet::{CifarResNet, ResNet};

/// Any network of the zoo.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a program holds a handful of networks"
)]
pub enum AnyClassifier {
    /// ResNet, ResNeXt, Wide ResNet, ResNet-D and plain twins.
    ResNet(ResNet),
    /// The residual nets for 32x32 images, and plain twins.
    CifarResNet(CifarResNet),
    /// Dense highway networks and plain twins.
    #[cfg(feature = "highway")]
    HighwayNet(HighwayNet),
    /// Convolutional highway networks.
    #[cfg(feature = "highway")]
    HighwayConvNet(HighwayConvNet),
    /// Inception v1 as torchvision has it.
    #[cfg(feature = "inception-v1")]
    GoogLeNet(GoogLeNet),
    /// Inception v1 as in its paper.
    #[cfg(feature = "inception-v1")]
    GoogLeNetPaper(GoogLeNetPaper),
    /// Inception v1 for small images.
    #[cfg(feature = "inception-v1")]
    CifarGoogLeNet(CifarGoogLeNet),
    /// Inception v2, with batch norm.
    #[cfg(feature = "inception-v2")]
    InceptionV2(InceptionV2),
    /// Inception v2 for small images.
    #[cfg(feature = "inception-v2")]
    CifarInceptionV2(CifarInceptionV2),
    /// Inception v3.
    #[cfg(feature = "inception-v3")]
    InceptionV3(InceptionV3),
    /// Inception v3 for small images.
    #[cfg(feature = "inception-v3")]
    CifarInceptionV3(CifarInceptionV3),
    /// Inception v4.
    #[cfg(feature = "inception-v4")]
    InceptionV4(InceptionV4),
    /// Inception v4 for small images.
    #[cfg(feature = "inception-v4")]
    CifarInceptionV4(CifarInceptionV4),
    /// Inception-ResNet-v2.
    #[cfg(feature = "inception-resnet-v2")]
    InceptionResNetV2(InceptionResNetV2),
    /// Inception-ResNet-v2 for small images.
    #[cfg(feature = "inception-resnet-v2")]
    CifarInceptionResNetV2(CifarInceptionResNetV2),
}

/// Calls the same method of whichever network it is.
macro_rules! each {
    ($any:expr, $model:ident => $call:expr) => {
        match $any {
            AnyClassifier::ResNet($model) => $call,
            AnyClassifier::CifarResNet($model) => $call,
            #[cfg(feature = "highway")]
            AnyClassifier::HighwayNet($model) => $call,
            #[cfg(feature = "highway")]
            AnyClassifier::HighwayConvNet($model) => $call,
            #[cfg(feature = "inception-v1")]
            AnyClassifier::GoogLeNet($model) => $call,
            #[cfg(feature = "inception-v1")]
            AnyClassifier::GoogLeNetPaper($model) => $call,
            #[cfg(feature = "inception-v1")]
            AnyClassifier::CifarGoogLeNet($model) => $call,
            #[cfg(feature = "inception-v2")]
            AnyClassifier::InceptionV2($model) => $call,
            #[cfg(feature = "inception-v2")]
            AnyClassifier::CifarInceptionV2($model) => $call,
            #[cfg(feature = "inception-v3")]
            AnyClassifier::InceptionV3($model) => $call,
            #[cfg(feature = "inception-v3")]
            AnyClassifier::CifarInceptionV3($model) => $call,
            #[cfg(feature = "inception-v4")]
            AnyClassifier::InceptionV4($model) => $call,
            #[cfg(feature = "inception-v4")]
            AnyClassifier::CifarInceptionV4($model) => $call,
            #[cfg(feature = "inception-resnet-v2")]
            AnyClassifier::InceptionResNetV2($model) => $call,
            #[cfg(feature = "inception-resnet-v2")]
            AnyClassifier::CifarInceptionResNetV2($model) => $call,
        }
    };
}

/// Puts another network of the same type in the place of the one it is.
macro_rules! replace {
    ($any:expr, $model:ident => $call:expr) => {
        match $any {
            AnyClassifier::ResNet($model) => AnyClassifier::ResNet($call),
            AnyClassifier::CifarResNet($model) => AnyClassifier::CifarResNet($call),
            #[cfg(feature = "highway")]
            AnyClassifier::HighwayNet($model) => AnyClassifier::HighwayNet($call),
            #[cfg(feature = "highway")]
            AnyClassifier::HighwayConvNet($model) => AnyClassifier::HighwayConvNet($call),
            #[cfg(feature = "inception-v1")]
            AnyClassifier::GoogLeNet($model) => AnyClassifier::GoogLeNet($call),
            #[cfg(feature = "inception-v1")]
            AnyClassifier::GoogLeNetPaper($model) => AnyClassifier::GoogLeNetPaper($call),
            #[cfg(feature = "inception-v1")]
            AnyClassifier::CifarGoogLeNet($model) => AnyClassifier::CifarGoogLeNet($call),
            #[cfg(feature = "inception-v2")]
            AnyClassifier::InceptionV2($model) => AnyClassifier::InceptionV2($call),
            #[cfg(feature = "inception-v2")]
            AnyClassifier::CifarInceptionV2($model) => AnyClassifier::CifarInceptionV2($call),
            #[cfg(feature = "inception-v3")]
            AnyClassifier::InceptionV3($model) => AnyClassifier::InceptionV3($call),
            #[cfg(feature = "inception-v3")]
            AnyClassifier::CifarInceptionV3($model) => AnyClassifier::CifarInceptionV3($call),
            #[cfg(feature = "inception-v4")]
            AnyClassifier::InceptionV4($model) => AnyClassifier::InceptionV4($call),
            #[cfg(feature = "inception-v4")]
            AnyClassifier::CifarInceptionV4($model) => AnyClassifier::CifarInceptionV4($call),
            #[cfg(feature = "inception-resnet-v2")]
            AnyClassifier::InceptionResNetV2($model) => AnyClassifier::InceptionResNetV2($call),
            #[cfg(feature = "inception-resnet-v2")]
            AnyClassifier::CifarInceptionResNetV2($model) => {
                AnyClassifier::CifarInceptionResNetV2($call)
            }
        }
    };
}

impl AnyClassifier {
    /// How this network's tensors lie in a file.
    pub fn layout(&self) -> Layout {
        each!(self, model => model.layout())
    }

    /// Where each tensor stands in a file under the reference's keys.
    pub fn slots(&self) -> Vec<Slot> {
        each!(self, model => model.slots())
    }

    /// The network as a safetensors file in memory.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_safetensors`](burn_zoo_core::weights::to_safetensors).
    pub fn to_safetensors(&self, dtype: Dtype) -> Result<Vec<u8>, Error> {
        each!(self, model => model.to_safetensors(dtype))
    }

    /// As [`AnyClassifier::to_safetensors`], with `more` names and values in the header.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_safetensors`](burn_zoo_core::weights::to_safetensors).
    pub fn to_safetensors_with(
        &self,
        more: &[(&'static str, String)],
        dtype: Dtype,
    ) -> Result<Vec<u8>, Error> {
        each!(self, model => model.to_safetensors_with(more, dtype))
    }

    /// As [`AnyClassifier::to_burnpack`], with `more` names and values in the header.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_burnpack`](burn_zoo_core::weights::to_burnpack).
    pub fn to_burnpack_with(
        &self,
        more: &[(&'static str, String)],
        dtype: Dtype,
    ) -> Result<Vec<u8>, Error> {
        each!(self, model => model.to_burnpack_with(more, dtype))
    }

    /// The network as a burnpack file in memory.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_burnpack`](burn_zoo_core::weights::to_burnpack).
    pub fn to_burnpack(&self, dtype: Dtype) -> Result<Vec<u8>, Error> {
        each!(self, model => model.to_burnpack(dtype))
    }

    /// Writes a safetensors file that Python and `--weights` take.
    ///
    /// # Errors
    ///
    /// Those of [`weights::save`](burn_zoo_core::weights::save).
    pub fn save(&self, path: impl AsRef<Path>, dtype: Dtype) -> Result<(), Error> {
        let path = path.as_ref();
        each!(self, model => model.save(path, dtype))
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

    fn training_input(&self) -> InputSpec {
        each!(self, model => model.training_input())
    }

    fn num_classes(&self) -> usize {
        each!(self, model => model.num_classes())
    }

    fn with_classes(self, classes: usize) -> Self {
        replace!(self, model => model.with_classes(classes))
    }

    fn with_stochastic_depth(self, rate: f64) -> Option<Self> {
        Some(replace!(self, model => model.with_stochastic_depth(rate)?))
    }
}
