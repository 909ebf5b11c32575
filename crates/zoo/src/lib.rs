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
mod architecture;
mod digits;
mod published;
mod registry;

pub use any::AnyClassifier;
pub use architecture::{Options, architectures, create};
#[cfg(feature = "fetch")]
pub use burn_zoo_core::fetch;
pub use burn_zoo_core::{
    Classifier, Error, FeatureMap, Head, InputSpec, Preprocess, labels, weights,
};
pub use burn_zoo_resnet as resnet;
pub use digits::DIGITS;
#[cfg(feature = "fetch")]
pub use published::pretrained_with;
pub use registry::{Entry, find, fits, list, load, preprocess, pretrained};
