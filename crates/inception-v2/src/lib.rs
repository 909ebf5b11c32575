//! Inception v2, or BN-Inception, for [Burn](https://burn.dev): [`InceptionV2`], and
//! [`CifarInceptionV2`] for small images.
//!
//! Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
//! Covariate Shift", 2015 (arXiv:1502.03167): each layer's inputs are normalised over the batch,
//! so that layers need not follow the drift of those before them. The network is GoogLeNet with
//! that after every convolution, and two 3x3 convolutions in place of each 5x5.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo_core::weights::Dtype;
//! use burn_zoo_core::{Classifier, Pretrained};
//! use burn_zoo_inception_v2::{InceptionV2, InceptionV2Config};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("bn_inception.pth");
//! let device = Device::flex();
//! let model = InceptionV2Config::new().init(&device);
//! model.save(&path, Dtype::F32)?; // PyTorch's layout, the published file's keys
//!
//! let again = InceptionV2::from_file("inception_v2.caffe_in1k", &path, &device)?;
//! let images = Tensor::<4>::zeros([1, 3, 64, 64], &device);
//! assert_eq!(
//!     again.forward(images.clone()).into_data(),
//!     model.forward(images).into_data()
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Deviations
//!
//! - Convolutions keep a bias, though the norm after it takes it out again: the published file has
//!   it.
//! - The first convolution is an ordinary 7x7 of 64 channels; the paper's is a separable one of
//!   depth multiplier 8 (Figure 5).
//! - There are no auxiliary heads: the published file has none.
//! - Where the grid before a module of stride 2 is odd, its max pool pads one row and column on
//!   every side, so that any input size has an output. The published network's branches differ in
//!   size there; at even sizes, as at 224 pixels, the networks are equal.

mod blocks;
mod cifar;
mod model;
mod weights;

pub use blocks::{InceptionModule, InceptionModuleConfig, Pool};
pub use cifar::{CifarInceptionV2, CifarInceptionV2Config};
pub use model::{InceptionV2, InceptionV2Config};
pub use weights::{KEYS, ROWS};
