//! Inception-v4 for [Burn](https://burn.dev): [`InceptionV4`] for images of ImageNet's size and
//! [`CifarInceptionV4`] for small ones.
//!
//! Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual
//! Connections on Learning", 2016 (arXiv:1602.07261): one kind of Inception module for each size
//! of the grid, all of one width, and a special module where the grid shrinks.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo_core::weights::Dtype;
//! use burn_zoo_core::{Classifier, Pretrained};
//! use burn_zoo_inception_v4::{InceptionV4, InceptionV4Config};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("model.safetensors");
//! let device = Device::flex();
//! let model = InceptionV4Config::new().init(&device);
//! model.save(&path, Dtype::F32)?; // PyTorch's layout, timm's keys
//!
//! let again = InceptionV4::from_file("inception_v4.tf_in1k", &path, &device)?;
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
//! The network is the one whose weights Google released, as timm has it:
//!
//! - The figures draw the pooling branch of a module first; the released network puts it last
//!   (first in the stem's first concatenation).
//! - The order of 1x7 and 7x1, and of 1x3 and 3x1, in a branch is not always the figure's.
//! - The average pooling of a module does not count padding; the paper does not say.
//! - The norms' epsilon is 1e-3, TF-Slim's; the paper gives none.

mod blocks;
mod cifar;
mod model;
mod stem;
mod trunk;
mod weights;

pub use blocks::{
    InceptionA, InceptionAWidths, InceptionB, InceptionBWidths, InceptionC, InceptionCWidths,
    ReductionA, ReductionAWidths, ReductionB, ReductionBWidths,
};
pub use cifar::{CifarInceptionV4, CifarInceptionV4Config};
pub use model::{InceptionV4, InceptionV4Config};
pub use stem::{Stem, StemWidths};
pub use trunk::{Trunk, TrunkWidths};
pub use weights::{KEYS, ROWS};
