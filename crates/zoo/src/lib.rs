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
//!
//! With the feature `fetch` published weights are fetched on first use:
//!
//! ```no_run
//! use burn::tensor::Device;
//! use burn_zoo::weights::Dtype;
//! use burn_zoo::{Classifier, labels};
//!
//! let device = Device::flex();
//! let model = burn_zoo::pretrained("resnet50.tv2_in1k", &device)?;
//! let preprocess = burn_zoo::preprocess("resnet50.tv2_in1k")?;
//! let image = preprocess.open("dog.jpg", &device)?; // [1, 3, 224, 224]
//! let class: i64 = model.forward(image.clone()).argmax(1).into_scalar();
//! println!("{}", labels::imagenet_1k()[class as usize].name);
//!
//! let mine = model.with_classes(5); // a new last layer
//! mine.save("mine.safetensors", Dtype::F32)?;
//! let again = burn_zoo::from_file("resnet50", "mine.safetensors", &device)?;
//! let features = again.pooled(image); // [1, 2048], what the last layer sees
//! # Ok::<(), burn_zoo::Error>(())
//! ```
//!
//! A file that somebody trained loads wherever in it the weights are, and says what it knows of itself:
//!
//! ```no_run
//! use burn::tensor::Device;
//! use burn_zoo::weights::Checkpoint;
//! use burn_zoo::{Adapt, Classifier, load_adapted};
//!
//! let device = Device::flex();
//! let file = Checkpoint::open("model_best.pth.tar")?;
//! let found = load_adapted("resnet18", &file, &Adapt::default(), &device)?;
//! let image = found.preprocess().open("dog.jpg", &device)?; // image size, mean and deviation of the file
//! let class: i64 = found.network.forward(image).argmax(1).into_scalar();
//! if let Some(labels) = &found.said.labels {
//!     println!("{}", labels[class as usize]);
//! }
//! for note in &found.place.notes {
//!     eprintln!("{note}"); // what the file does not tell and was assumed
//! }
//! # Ok::<(), burn_zoo::Error>(())
//! ```
//!
//! Cargo features: `fetch`; `fast-cpu`, training on flex by our own kernels; and one per family (`highway`,
//! `inception-v1` to `-v4`, `inception-resnet-v2`), which are on unless default features are off.

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
    Adapt, Antialias, Architecture, AuxHeads, ChannelOrder, Classifier, Error, FeatureMap, Head,
    HeadUse, InputSpec, Interpolation, Layout, Loaded, Options, Orientation, Pixels, Preprocess,
    PreprocessOverrides, Pretrained, Resize, TrainingKernels, ValueRange, ZeroPad, labels,
    weighted_loss, weights,
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
pub use families::{architecture, architectures, create, load_adapted};
pub use load::{fits, from_file, load, nearest, places, pretrained, pretrained_adapted};
#[cfg(feature = "fetch")]
pub use published::pretrained_with;
pub use registry::{Entry, find, list, matches, preprocess};
