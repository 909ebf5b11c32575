//! What an architecture's row says, and the rows of all families by name.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use burn::tensor::Device;
use burn_zoo_core::{ChannelOrder, Error, Interpolation, Orientation, Preprocess, ValueRange};

use crate::{AnyClassifier, families, registry};

/// What a network is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Outputs of the last layer.
    pub classes: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Whether auxiliary heads are built, where the architecture has some.
    pub aux_heads: bool,
}

impl Options {
    /// As the architecture was published: ImageNet's 1,000 classes or CIFAR's or MNIST's 10, with
    /// its auxiliary heads.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn of(architecture: &str) -> Result<Self, Error> {
        let row = row(architecture)?;
        Ok(Self {
            classes: row.classes,
            channels: row.preprocess.channels,
            aux_heads: true,
        })
    }
}

/// One architecture: how to build it and how to know it in a file.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: Cow<'static, str>,
    /// Classes of the published network.
    pub(crate) classes: usize,
    /// What an image goes through where no weights say otherwise.
    pub(crate) preprocess: Preprocess,
    /// Key of the first layer's weight.
    pub(crate) first: &'static str,
    /// What its second size is a multiple of: pixels where it is dense, else 1. The rest is the
    /// number of channels.
    pub(crate) pixels: usize,
    /// Keys of the layers that have one output per class, without `.weight`; the main one first.
    pub(crate) heads: &'static [&'static str],
    /// Beginnings of the keys of auxiliary heads.
    pub(crate) aux: &'static [&'static str],
    build: Build,
}

type Build = Arc<dyn Fn(Options, &Device) -> AnyClassifier + Send + Sync>;

impl Row {
    /// A network for ImageNet's 1,000 classes at 224 pixels, its keys torchvision's.
    pub(crate) fn new(
        name: impl Into<Cow<'static, str>>,
        build: impl Fn(Options, &Device) -> AnyClassifier + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            classes: 1000,
            preprocess: IMAGENET,
            first: "conv1.weight",
            pixels: 1,
            heads: &["fc"],
            aux: &[],
            build: Arc::new(build),
        }
    }

    /// The same for CIFAR's 10 classes at 32 pixels.
    pub(crate) fn cifar(self) -> Self {
        Self {
            classes: 10,
            preprocess: CIFAR,
            ..self
        }
    }

    /// With auxiliary heads whose keys begin so.
    pub(crate) fn aux(self, aux: &'static [&'static str]) -> Self {
        Self { aux, ..self }
    }

    /// With another preprocessing.
    pub(crate) fn sees(self, preprocess: Preprocess) -> Self {
        Self { preprocess, ..self }
    }

    /// With other keys of the first layer and of the heads.
    pub(crate) fn keys(self, first: &'static str, heads: &'static [&'static str]) -> Self {
        Self {
            first,
            heads,
            ..self
        }
    }

    /// What an image of `channels` channels goes through.
    pub(crate) fn preprocess(&self, channels: usize) -> Preprocess {
        match channels {
            1 => GREY,
            _ => self.preprocess,
        }
    }
}

/// torchvision's first recipe.
pub(crate) const IMAGENET: Preprocess = Preprocess {
    resize: 256,
    crop: [224, 224],
    interpolation: Interpolation::Bilinear,
    channels: 3,
    order: ChannelOrder::Rgb,
    range: ValueRange::Unit,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    orientation: Orientation::Ignore,
};

/// The paper's GoogLeNet, as Caffe's networks were fed.
#[cfg(feature = "inception-v1")]
pub(crate) const CAFFE: Preprocess = Preprocess {
    order: ChannelOrder::Bgr,
    range: ValueRange::Byte,
    mean: [104.0, 117.0, 123.0],
    std: [1.0; 3],
    ..IMAGENET
};

/// CIFAR-10's own statistics.
const CIFAR: Preprocess = Preprocess {
    resize: 32,
    crop: [32, 32],
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2470, 0.2435, 0.2616],
    ..IMAGENET
};

/// Anything with one channel, by MNIST's statistics.
pub(crate) const GREY: Preprocess = Preprocess {
    resize: 28,
    crop: [28, 28],
    channels: 1,
    mean: [0.1307; 3],
    std: [0.3081; 3],
    ..IMAGENET
};

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(families::rows);

/// The rows of all families, shallow to deep in each.
pub(crate) fn rows() -> &'static [Row] {
    &ROWS
}

/// Names of all architectures.
pub fn architectures() -> Vec<&'static str> {
    rows().iter().map(|row| row.name.as_ref()).collect()
}

/// Builds an architecture with random weights.
///
/// # Errors
///
/// [`Error::UnknownModel`] names the nearest known one.
pub fn create(
    architecture: &str,
    options: Options,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    Ok((row(architecture)?.build)(options, device))
}

pub(crate) fn row(architecture: &str) -> Result<Row, Error> {
    let listed = rows().iter().find(|row| row.name == architecture);
    listed
        .cloned()
        .or_else(|| families::unlisted(architecture))
        .ok_or_else(|| registry::unknown(architecture))
}
