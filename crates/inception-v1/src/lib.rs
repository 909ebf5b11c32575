//! GoogLeNet, the first inception network, for [Burn](https://burn.dev): torchvision's
//! ([`GoogLeNet`]), the paper's own ([`GoogLeNetPaper`]) and one for small images
//! ([`CifarGoogLeNet`]).
//!
//! Szegedy et al., "Going Deeper with Convolutions", 2014 (arXiv:1409.4842): a module looks at its
//! input through windows of several sizes at once, and 1x1 convolutions before the wide windows
//! make that affordable ([`Inception`] against [`NaiveInception`]).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo_core::weights::Dtype;
//! use burn_zoo_core::{Classifier, Pretrained};
//! use burn_zoo_inception_v1::{GoogLeNet, GoogLeNetConfig};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("googlenet-1378be20.pth");
//! let device = Device::flex();
//! let model = GoogLeNetConfig::new().init(&device);
//! model.save(&path, Dtype::F32)?; // PyTorch's layout, torchvision's keys
//!
//! let again = GoogLeNet::from_file("googlenet.tv_in1k", &path, &device)?;
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
//! [`GoogLeNet`] is what torchvision's weights were trained with:
//! - batch norm (epsilon 1e-3) after convolutions without bias, no local response norm;
//! - the "5x5" branch is a 3x3 convolution (pytorch/vision#906);
//! - the max pool between inception (4e) and (5a) is 2x2, not 3x3;
//! - auxiliary heads average any grid to 4x4, where the paper pools 5x5 windows with stride 3;
//! - dropout of 0.2 before the last layer, where the paper has 0.4.
//!
//! [`GoogLeNetPaper`]'s parts that the paper leaves open are those of Caffe's `bvlc_googlenet`:
//! - max pools round their output size up, the stem's local response norms see 5 channels;
//! - at another size than 224 pixels, a second average pool brings the auxiliary heads' grid to
//!   4x4; at 224 it changes nothing.
//!
//! Fresh weights of all three are drawn after He et al. 2015 (arXiv:1502.01852).

mod blocks;
mod cifar;
mod model;
mod network;
mod weights;

pub use blocks::{
    AuxHead, AuxHeadConfig, AuxPool, Inception, InceptionConfig, Layers, NaiveInception,
    RectifiedConv, Widths,
};
pub use cifar::{CifarGoogLeNet, CifarGoogLeNetConfig};
pub use model::{GoogLeNet, GoogLeNetConfig, GoogLeNetPaper, GoogLeNetPaperConfig};
pub use weights::{ROWS, caffe_keys, torchvision_keys};
