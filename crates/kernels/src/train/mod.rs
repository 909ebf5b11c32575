//! Convolution, batch norm, pooling and what is computed number by number, for training: forward and
//! gradients, on `[batch, channels, height, width]` as it lies, in and out. The blocked layout is used
//! inside a call only.

mod conv;
mod elementwise;
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
pub use elementwise::{Highway, HighwayGradients, add_relu, relu, relu_gradient};
pub use norm::{BatchNorm, BatchNormGradients};
pub use pool::{Maxima, TrainPool};
pub use sum::bias_gradient;
