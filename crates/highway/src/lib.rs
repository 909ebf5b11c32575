//! Highway networks for [Burn](https://burn.dev): dense ([`HighwayNet`]) with their plain twins,
//! and convolutional ([`HighwayConvNet`]).
//!
//! Srivastava, Greff, Schmidhuber, "Highway Networks" and "Training Very Deep Networks", 2015
//! (arXiv:1505.00387 and arXiv:1507.06228, cited here by the latter's numbers): a layer learns
//! how much of its input to transform and how much to carry along unchanged,
//! `y = H(x) T(x) + x C(x)`, so that gradients reach any depth.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo_core::weights::{Checkpoint, Dtype};
//! use burn_zoo_core::{Adapt, Classifier, Pretrained};
//! use burn_zoo_highway::{HighwayNet, HighwayNetConfig};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("mine.safetensors");
//! let device = Device::flex();
//! let network = HighwayNetConfig::new(10).init(&device);
//! let digits = Tensor::<4>::zeros([2, 1, 28, 28], &device);
//! assert_eq!(network.forward(digits.clone()).dims(), [2, 10]);
//! // How open each layer's transform gate is, for each image.
//! for gate in network.mean_transform_gates(digits) {
//!     println!("{}: {}", gate.name, gate.mean);
//! }
//!
//! network.save(&path, Dtype::F32)?;
//! let file = Checkpoint::open(&path)?;
//! let again = HighwayNet::load("highway_fc10", &file, &Adapt::default(), &device)?;
//! assert_eq!(again.network.num_classes(), 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Deviations
//!
//! - `HighwayNetConfig::new(n)` has `n` layers after the input layer; the paper's depth `L`
//!   counts the input layer too (its 10, 20, 50, 100 are 9, 19, 49, 99 here).
//! - Transforms begin after He et al. 2015 (arXiv:1502.01852) with ReLU and after Glorot and
//!   Bengio 2010 with tanh, the two initialisations that section 3.1 cites; gates after the
//!   latter; all biases but the gates' are zero.
//! - With a carry gate of its own, which the paper writes down (equation 2) but does not train,
//!   the carry bias begins at minus the transform bias, where `C = 1 - T` would be.
//! - Section 3.3.1 names no widths for the networks on CIFAR. Those of B are the authors' (file
//!   `cifar10-19layers` of their Caffe code): where channels change, a stage begins with a plain
//!   convolution; before the classifier stand a 1x1 convolution of 100 maps and a global average
//!   pool (section 3.3.2) in place of a dense layer. A has the widths of "Fitnet 1" (Romero et al.
//!   2014, arXiv:1412.6550) made equal within each stage in the same way, and 250 maps before the
//!   classifier, which gives the published size. C is only known as 32 layers of 3x3 and 1x1 by
//!   turns with about 1.25M parameters: its widths are ours.
//! - Parameters at three channels and ten classes: A 236,328 (published: about 236K),
//!   B 2,256,838 (2.3M), C 1,264,502 (1.25M).

mod blocks;
mod cifar;
mod gates;
mod model;
mod weights;

pub use blocks::{
    Activation, ConvHighwayLayer, ConvHighwayLayerConfig, Gates, HighwayLayer, HighwayLayerConfig,
};
pub use cifar::{HighwayConvNet, HighwayConvNetConfig, HighwayStage, Variant};
pub use gates::GateMean;
pub use model::{HighwayNet, HighwayNetConfig};
