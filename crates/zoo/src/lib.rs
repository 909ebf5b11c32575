//! The image-classification model zoo for [Burn](https://burn.dev): every family of burn-zoo by
//! name, on any device.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo::Classifier;
//!
//! let device = Device::flex();
//! let model = burn_zoo::pretrained("resnet20_cifar.digits", &device)?;
//! let digits = Tensor::<4>::zeros([2, 1, 28, 28], &device);
//! assert_eq!(model.forward(digits).dims(), [2, 10]);
//! # Ok::<(), burn_zoo::Error>(())
//! ```

mod any;
mod digits;
mod families;
mod load;
mod published;
mod registry;

pub use any::AnyClassifier;
#[cfg(feature = "fetch")]
pub use burn_zoo_core::fetch;
pub use burn_zoo_core::{
    Adapt, Architecture, AuxHeads, Classifier, Error, FeatureMap, Head, InputSpec, Layout, Options,
    Preprocess, Pretrained, TrainingKernels, labels, weighted_loss, weights,
};
#[cfg(feature = "highway")]
pub use burn_zoo_highway as highway;
#[cfg(feature = "inception-resnet-v2")]
pub use burn_zoo_inception_resnet_v2 as inception_resnet_v2;
#[cfg(feature = "inception-v1")]
pub use burn_zoo_inception_v1 as inception_v1;
#[cfg(feature = "inception-v2")]
pub use burn_zoo_inception_v2 as inception_v2;
#[cfg(feature = "inception-v3")]
pub use burn_zoo_inception_v3 as inception_v3;
#[cfg(feature = "inception-v4")]
pub use burn_zoo_inception_v4 as inception_v4;
pub use burn_zoo_resnet as resnet;
pub use digits::DIGITS;
pub use families::{architecture, architectures, create};
pub use load::{fits, load, load_adapted, pretrained, pretrained_adapted};
#[cfg(feature = "fetch")]
pub use published::pretrained_with;
pub use registry::{Entry, find, list, matches};
