//! Inception v3 for [Burn](https://burn.dev): [`InceptionV3`], and [`CifarInceptionV3`] for small
//! images.
//!
//! Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer
//! Vision", 2015 (arXiv:1512.00567): large filters are factorised into stacks of small and of
//! one-dimensional ones, so that the same computation buys a deeper and wider network.
//!
//! The modules have the names that the authors gave their successors in Inception v4
//! (arXiv:1602.07261); torchvision and timm count on:
//!
//! | here | grid | figure | torchvision, timm |
//! |---|---|---|---|
//! | [`InceptionA`] | 35x35 | 5 | `InceptionA` |
//! | [`ReductionA`] | 35x35 to 17x17 | 10 | `InceptionB` |
//! | [`InceptionB`] | 17x17 | 6 | `InceptionC` |
//! | [`ReductionB`] | 17x17 to 8x8 | 10 | `InceptionD` |
//! | [`InceptionC`] | 8x8 | 7 | `InceptionE` |
//! | [`AuxHead`] | 17x17 | 8 | `InceptionAux` |
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo_core::weights::Dtype;
//! use burn_zoo_core::{Classifier, Pretrained};
//! use burn_zoo_inception_v3::{InceptionV3, InceptionV3Config};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("inception_v3_google-0cc3c7bd.pth");
//! let device = Device::flex();
//! let model = InceptionV3Config::new().init(&device);
//! model.save(&path, Dtype::F32)?; // PyTorch's layout, torchvision's keys
//!
//! let again = InceptionV3::from_file("inception_v3.tv_google_in1k", &path, &device)?;
//! let images = Tensor::<4>::zeros([1, 3, 75, 75], &device);
//! assert_eq!(
//!     again.forward(images.clone()).into_data(),
//!     model.forward(images).into_data()
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Deviations
//!
//! All are those of the network that Google published and torchvision and timm ported:
//!
//! - The stem has a 1x1 convolution of 80 channels where Table 1 has a 3x3, and a second max pool
//!   where it has a convolution of stride 2.
//! - [`InceptionA`] keeps a 5x5 convolution in the branch where Figure 5 has a single 3x3.
//! - The average pools count the padding as torchvision's and timm's do; TensorFlow's and Keras's
//!   do not ([`PoolPadding`]).
//! - [`AuxHead`] begins with an average pool and its last convolution is 5x5, as in GoogLeNet; the
//!   paper's text asks for batch norm in it and gives no widths.

mod blocks;
mod cifar;
mod model;
mod weights;

pub use blocks::{
    AuxHead, InceptionA, InceptionAConfig, InceptionB, InceptionBConfig, InceptionC,
    InceptionCConfig, PoolPadding, ReductionA, ReductionAConfig, ReductionB, ReductionBConfig,
    Split,
};
pub use cifar::{CifarInceptionV3, CifarInceptionV3Config};
pub use model::{InceptionV3, InceptionV3Config};
pub use weights::{KEYS, ROWS};
