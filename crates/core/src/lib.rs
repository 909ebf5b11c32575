//! What every family of [burn-zoo](https://docs.rs/burn-zoo) needs for inference, and nothing
//! else: the traits [`Classifier`] and [`Pretrained`], [`ConvNormAct`], [`Preprocess`], [`weights`]
//! files, [`labels`] and the [`Error`]. With the feature `fetch`, also `fetch`: published files from the network.
//! With the feature `fast-cpu`, training steps on flex by our own kernels: [`TrainingKernels`].

mod classifier;
mod conv;
mod depth;
mod elementwise;
mod error;
#[cfg(feature = "fast-cpu")]
mod fast_cpu;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod labels;
mod lock;
mod pool;
mod preprocess;
mod pretrained;
pub mod slim;
mod training_kernels;
pub mod weights;

pub use classifier::{Classifier, FeatureMap, Head, InputSpec, global_average, weighted_loss};
pub use conv::{Activation, ConvNormAct, ConvNormActConfig, chain, convolve, with_outputs};
pub use depth::StochasticDepth;
pub use elementwise::{add_relu, highway, relu};
pub use error::Error;
pub use lock::FileLock;
pub use pool::{average_pool, max_pool};
pub use preprocess::{
    Antialias, ChannelOrder, IMAGE_ENDINGS, Interpolation, Orientation, Pixels, Preprocess,
    PreprocessOverrides, Resize, ValueRange, is_hidden, is_image,
};
pub use pretrained::{
    Adapt, Architecture, AuxHeads, HeadUse, Loaded, Options, Pretrained, ZeroPad, unknown,
    untagged, without_weights,
};
pub use training_kernels::TrainingKernels;
pub use weights::Layout;
