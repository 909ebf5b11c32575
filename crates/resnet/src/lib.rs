//! Residual networks for [Burn](https://burn.dev): ResNet, ResNeXt, Wide ResNet, ResNet-D
//! ([`ResNet`]) and the CIFAR nets ([`CifarResNet`]), each with its plain twin without shortcuts.
//!
//! He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015 (arXiv:1512.03385):
//! a stack of layers learns `F(x) + x` more easily than `F(x)`, since gradients pass the addition
//! unchanged.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo_core::weights::Dtype;
//! use burn_zoo_core::{Classifier, Pretrained};
//! use burn_zoo_resnet::{Depth, ResNet, ResNetConfig};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("resnet18-f37072fd.pth");
//! let device = Device::flex();
//! let model = ResNetConfig::new(Depth::D18).init(&device);
//! model.save(&path, Dtype::F32)?; // PyTorch's layout, torchvision's keys
//!
//! let again = ResNet::from_file("resnet18.tv_in1k", &path, &device)?;
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
//! - A bottleneck strides in its 3x3 convolution, as torchvision does ("v1.5"); the paper strides
//!   in the first 1x1.
//! - Shortcuts that change shape are 1x1 projections (option B) in [`ResNet`] and zero padding
//!   (option A) in [`CifarResNet`], where the paper uses each for its published numbers.
//! - Section 3.3 does not say where option A puts the zeros for new channels. They follow the channels
//!   that are there ([`ZeroPad::End`](burn_zoo_core::ZeroPad)); most PyTorch code puts half of them before
//!   ([`ZeroPad::Both`](burn_zoo_core::ZeroPad)).
//! - [`Stem::Small`] (a 3x3 first layer of stride 1, no max pool) is not in the paper; it is how these
//!   networks are trained on CIFAR.

mod blocks;
mod cifar;
mod model;
mod weights;

pub use blocks::{BlockConfig, Kind, ResidualBlock, Shortcut, ZeroInit};
pub use cifar::{CifarResNet, CifarResNetConfig};
pub use model::{Depth, ResNet, ResNetConfig, Stem};
pub use weights::{ROWS, keys};
