//! Inception-v4 for [Burn](https://burn.dev): [`InceptionV4`] for images of ImageNet's size and
//! [`CifarInceptionV4`] for small ones.
//!
//! Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of Residual
//! Connections on Learning", 2016 (arXiv:1602.07261): one kind of Inception module for each size
//! of the grid, all of one width, and a special module where the grid shrinks.
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
