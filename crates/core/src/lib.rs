//! What every family of [burn-zoo](https://docs.rs/burn-zoo) needs for inference, and nothing
//! else: the traits [`Classifier`] and [`Pretrained`], [`ConvNormAct`], [`Preprocess`], [`weights`]
//! files, [`labels`] and the [`Error`]. With the feature `fetch`, also `fetch`: published files from the network.

mod classifier;
mod conv;
mod depth;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod labels;
mod preprocess;
mod pretrained;
pub mod slim;
pub mod weights;

pub use classifier::{Classifier, FeatureMap, Head, InputSpec, global_average};
pub use conv::{Activation, ConvNormAct, ConvNormActConfig, chain, with_outputs};
pub use depth::StochasticDepth;
pub use error::Error;
pub use preprocess::{ChannelOrder, Interpolation, Orientation, Pixels, Preprocess, ValueRange};
pub use pretrained::{
    Adapt, Architecture, AuxHeads, Layout, Options, Pretrained, unknown, untagged,
};
