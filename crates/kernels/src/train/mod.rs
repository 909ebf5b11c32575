//! Convolution, batch norm and pooling for training: forward and gradients, on `[batch, channels, height,
//! width]` as it lies, in and out. The blocked layout is used inside a call only.

mod conv;
mod grid;
mod norm;
mod phase;
mod pointwise;
mod pool;
mod scratch;
mod sum;
mod weight;
mod winograd;

pub use conv::TrainConv;
pub use norm::{BatchNorm, BatchNormGradients};
pub use pool::{Maxima, TrainPool};
pub use sum::bias_gradient;
