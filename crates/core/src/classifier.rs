//! The trait that every family implements and everything else is written against.

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Error;

/// An image classifier: `[batch, channels, height, width]` in, unnormalised logits
/// `[batch, classes]` out.
pub trait Classifier: Module {
    /// Logits of the main head, `[batch, channels, height, width] -> [batch, classes]`.
    ///
    /// # Panics
    ///
    /// If `images` does not fit [`Classifier::input`], with the text of [`InputSpec::check`].
    fn forward(&self, images: Tensor<4>) -> Tensor<2>;

    /// Every head's logits with the weight its loss has in training: `main` first, then `aux1`,
    /// `aux2`.
    fn forward_train(&self, images: Tensor<4>) -> Vec<Head> {
        vec![Head {
            name: "main",
            weight: 1.0,
            logits: self.forward(images),
        }]
    }

    /// The named feature maps, shallow to deep, as the paper names its stages.
    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap>;

    /// The vector before the last layer, `[batch, features]`.
    fn pooled(&self, images: Tensor<4>) -> Tensor<2>;

    /// Channels, usual and smallest height and width.
    fn input(&self) -> InputSpec;

    /// Number of classes of the last layer.
    fn num_classes(&self) -> usize;

    /// The same network with a new last layer (and auxiliary heads) of `classes` outputs.
    fn with_classes(self, classes: usize) -> Self;
}

/// One output of a network in training.
#[derive(Clone, Debug)]
pub struct Head {
    /// `main`, `aux1`, `aux2`.
    pub name: &'static str,
    /// Weight of this head's loss in the sum.
    pub weight: f64,
    /// Unnormalised logits, `[batch, classes]`.
    pub logits: Tensor<2>,
}

/// The output of one stage.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    /// The paper's name of the stage.
    pub name: &'static str,
    /// `[batch, channels, height, width]`.
    pub map: Tensor<4>,
}

impl FeatureMap {
    /// A stage's output under its name.
    pub fn new(name: &'static str, map: Tensor<4>) -> Self {
        Self { name, map }
    }
}

/// What a network takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Number of image channels.
    pub channels: usize,
    /// Usual `[height, width]` in pixels.
    pub size: [usize; 2],
    /// Smallest `[height, width]` in pixels.
    pub min_size: [usize; 2],
}

impl InputSpec {
    /// Checks the dimensions `[batch, channels, height, width]` of an input.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] if the batch is empty, the channels differ or the image is too small.
    pub fn check(&self, dims: [usize; 4]) -> Result<(), Error> {
        let [batch, channels, height, width] = dims;
        let fits = batch > 0
            && channels == self.channels
            && height >= self.min_size[0]
            && width >= self.min_size[1];
        if fits {
            Ok(())
        } else {
            Err(Error::Input {
                found: dims,
                spec: *self,
            })
        }
    }

    /// As [`InputSpec::check`], for the entry of a `forward`.
    ///
    /// # Panics
    ///
    /// If the input does not fit.
    #[track_caller]
    pub fn assert(&self, images: &Tensor<4>) {
        if let Err(error) = self.check(images.dims()) {
            panic!("{error}");
        }
    }
}
