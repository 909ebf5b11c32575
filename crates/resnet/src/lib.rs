//! Residual networks for [Burn](https://burn.dev): ResNet, ResNeXt, Wide ResNet, ResNet-D
//! ([`ResNet`]) and the CIFAR nets ([`CifarResNet`]), each with its plain twin without shortcuts.
//!
//! He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015 (arXiv:1512.03385):
//! a stack of layers learns `F(x) + x` more easily than `F(x)`, since gradients pass the addition
//! unchanged.
//!
//! # Deviations
//!
//! - A bottleneck strides in its 3x3 convolution, as torchvision does ("v1.5"); the paper strides
//!   in the first 1x1.
//! - Shortcuts that change shape are 1x1 projections (option B) in [`ResNet`] and zero padding
//!   (option A) in [`CifarResNet`], where the paper uses each for its published numbers.

mod blocks;
mod cifar;
mod model;
mod weights;

pub use blocks::{BlockConfig, Kind, ResidualBlock, Shortcut, ZeroInit};
pub use cifar::{CifarResNet, CifarResNetConfig};
pub use model::{Depth, ResNet, ResNetConfig, Stem};
pub use weights::{ROWS, keys};
