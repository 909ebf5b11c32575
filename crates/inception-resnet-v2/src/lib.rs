//! Inception-ResNet-v2 for [Burn](https://burn.dev): [`InceptionResNetV2`] for images of
//! ImageNet's size and [`CifarInceptionResNetV2`] for small ones.
//!
//! Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual
//! Connections on Learning", 2016 (arXiv:1602.07261): the branches of a cheap Inception module
//! end in a linear 1x1 convolution whose output, scaled down, is added to the module's input.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo_core::weights::Dtype;
//! use burn_zoo_core::{Classifier, Pretrained};
//! use burn_zoo_inception_resnet_v2::{InceptionResNetV2, InceptionResNetV2Config};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("model.safetensors");
//! let device = Device::flex();
//! let model = InceptionResNetV2Config::new().init(&device);
//! model.save(&path, Dtype::F32)?; // PyTorch's layout, timm's keys
//!
//! let again = InceptionResNetV2::from_file("inception_resnet_v2.tf_in1k", &path, &device)?;
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
//! The network is the one whose weights Google released, as timm has it, which is larger than the
//! paper's figures:
//!
//! - The stem is Inception-v3's with one more module ([`Mixed5b`]) instead of Figure 3's, and
//!   hands on 320 channels instead of 384.
//! - 10, 20 and 10 modules where Figure 15 has 5, 10 and 5, on 320, 1088 and 2080 channels where
//!   Figures 16, 17 and 19 draw 384, 1154 and 2048.
//! - The last Inception-ResNet-C (`block8`) is neither scaled nor followed by an activation, and a
//!   1x1 convolution of 1536 channels (`conv2d_7b`) stands before the average pooling.
//! - The figures draw the pooling branch of a module first; the released network puts it last.
//! - The average pooling of a module does not count padding; the paper does not say.
//! - The norms' epsilon is 1e-3, TF-Slim's; the paper gives none.
//!
//! What only the released network has keeps TF-Slim's name.

mod blocks;
mod cifar;
mod model;
mod residual;
mod trunk;
mod weights;

pub use blocks::{
    Mixed5b, Mixed5bWidths, ReductionA, ReductionAWidths, ReductionB, ReductionBWidths, Stem,
    StemWidths,
};
pub use cifar::{CifarInceptionResNetV2, CifarInceptionResNetV2Config};
pub use model::{InceptionResNetV2, InceptionResNetV2Config};
pub use residual::{
    Addition, InceptionResNetA, InceptionResNetAWidths, InceptionResNetB, InceptionResNetBWidths,
    InceptionResNetC, InceptionResNetCWidths, Residual,
};
pub use trunk::{Trunk, TrunkWidths};
pub use weights::{KEYS, ROWS};
