//! The trait that every family implements and everything else is written against.

use std::borrow::Cow;

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;
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

    /// The vector before the last layer, `[batch, features]`: the last map's average, unless a
    /// network has more layers there.
    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        let last = self.features(images).pop();
        global_average(last.expect("a network has stages").map)
    }

    /// Channels, usual and smallest height and width.
    fn input(&self) -> InputSpec;

    /// As [`Classifier::input`], for [`Classifier::forward_train`], where an auxiliary head may need
    /// larger images.
    fn training_input(&self) -> InputSpec {
        self.input()
    }

    /// Number of classes of the last layer.
    fn num_classes(&self) -> usize;

    /// The same network with a new last layer (and auxiliary heads) of `classes` outputs.
    fn with_classes(self, classes: usize) -> Self;

    /// The same network whose residual branches are left out at random in training
    /// ([`StochasticDepth`](crate::StochasticDepth)), the last with probability `rate`; nothing
    /// if it has none.
    fn with_stochastic_depth(self, _rate: f64) -> Option<Self> {
        None
    }
}

/// The average over all pixels, `[batch, channels, height, width] -> [batch, channels]`.
pub fn global_average(map: Tensor<4>) -> Tensor<2> {
    adaptive_avg_pool2d(map, [1, 1]).flatten(1, 3)
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

/// The sum of what `loss` makes of each head's logits, by the heads' weights.
///
/// # Panics
///
/// If there is no head; [`Classifier::forward_train`] gives the main one at least.
pub fn weighted_loss(heads: Vec<Head>, loss: impl Fn(Tensor<2>) -> Tensor<1>) -> Tensor<1> {
    let losses = heads
        .into_iter()
        .map(|head| loss(head.logits) * head.weight);
    losses
        .reduce(|a, b| a + b)
        .expect("a network has a main head")
}

/// The output of one stage.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    /// The paper's name of the stage.
    pub name: Cow<'static, str>,
    /// `[batch, channels, height, width]`.
    pub map: Tensor<4>,
}

impl FeatureMap {
    /// A stage's output under its name.
    pub fn new(name: impl Into<Cow<'static, str>>, map: Tensor<4>) -> Self {
        Self {
            name: name.into(),
            map,
        }
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
    /// Greatest `[height, width]` in pixels, where there is one; a network whose first layer is
    /// dense takes exactly one size.
    pub max_size: Option<[usize; 2]>,
}

impl InputSpec {
    /// Images of `size` pixels a side as a rule, of at least `min_size`.
    pub const fn square(channels: usize, size: usize, min_size: usize) -> Self {
        Self {
            channels,
            size: [size; 2],
            min_size: [min_size; 2],
            max_size: None,
        }
    }

    /// Small images as a rule: CIFAR's 32 pixels a side, or MNIST's 28 with one channel.
    pub const fn small(channels: usize, min_size: usize) -> Self {
        Self::square(channels, if channels == 1 { 28 } else { 32 }, min_size)
    }

    /// Images of exactly this `[height, width]`.
    pub const fn exactly(channels: usize, size: [usize; 2]) -> Self {
        Self {
            channels,
            size,
            min_size: size,
            max_size: Some(size),
        }
    }

    /// Checks the dimensions `[batch, channels, height, width]` of an input.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] if the batch is empty, the channels differ or the image is too small or
    /// too large.
    pub fn check(&self, dims: [usize; 4]) -> Result<(), Error> {
        let [batch, channels, height, width] = dims;
        let [least, most] = [self.min_size, self.max_size.unwrap_or([usize::MAX; 2])];
        let fits = batch > 0
            && channels == self.channels
            && (least[0]..=most[0]).contains(&height)
            && (least[1]..=most[1]).contains(&width);
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

/// What is needed, for an error message.
impl std::fmt::Display for InputSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [usual, least] = [self.size, self.min_size].map(|[h, w]| format!("{h}x{w}"));
        write!(f, "{} channels and ", self.channels)?;
        match self.max_size {
            None => write!(f, "at least {least} pixels (usually {usual})"),
            Some(most) if most == self.min_size => write!(f, "exactly {usual} pixels"),
            Some([h, w]) => write!(f, "{least} to {h}x{w} pixels (usually {usual})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENSE: InputSpec = InputSpec::exactly(1, [28, 28]);

    #[test]
    fn a_network_of_one_size_takes_no_other_and_says_so() {
        assert!(DENSE.check([2, 1, 28, 28]).is_ok());
        for dims in [
            [1, 1, 28, 29],
            [1, 1, 29, 28],
            [1, 1, 27, 28],
            [1, 3, 28, 28],
        ] {
            let error = DENSE.check(dims).expect_err("another size").to_string();
            assert!(
                error.ends_with("needs 1 channels and exactly 28x28 pixels"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_network_of_any_size_names_the_smallest_and_the_usual() {
        let spec = InputSpec {
            max_size: None,
            ..DENSE
        };
        assert!(spec.check([1, 1, 280, 28]).is_ok());
        let error = spec.check([1, 1, 8, 28]).expect_err("small").to_string();
        assert!(
            error.ends_with("1 channels and at least 28x28 pixels (usually 28x28)"),
            "{error}"
        );
    }
}
