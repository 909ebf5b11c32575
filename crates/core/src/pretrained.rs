//! Networks by name, and with the weights of a file.

use std::borrow::Cow;
use std::path::Path;

use burn::tensor::Device;

use crate::weights::{self, Checkpoint, Differences, Dtype, KeyRow, Slot, WeightsMeta};
use crate::{Classifier, Error, Preprocess};

/// More classes or channels than this in a file are taken for a broken one.
const MOST: usize = 100_000;

/// A name, and what belongs to it where no weights say otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// The name that torchvision and timm gave it.
    pub name: Cow<'static, str>,
    /// Number of classes of the published network.
    pub classes: usize,
    /// What an image goes through first.
    pub preprocess: Preprocess,
}

impl Architecture {
    /// One for ImageNet's 1,000 classes.
    pub const fn imagenet(name: &'static str, preprocess: Preprocess) -> Self {
        Self {
            name: Cow::Borrowed(name),
            classes: 1000,
            preprocess,
        }
    }

    /// One for CIFAR's ten classes.
    pub const fn cifar(name: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            classes: 10,
            preprocess: Preprocess::CIFAR,
        }
    }

    /// As the network was published, with its auxiliary heads.
    pub fn options(&self) -> Options {
        Options {
            classes: self.classes,
            channels: self.preprocess.channels,
            aux_heads: true,
        }
    }

    /// What an image of `channels` channels goes through: what the network's images do, but for the
    /// statistics where it was published for colour; small networks take MNIST's.
    pub fn preprocess(&self, channels: usize) -> Preprocess {
        let own = self.preprocess;
        let grey = |values: [f32; 3]| [values.iter().sum::<f32>() / 3.0; 3];
        match (channels, own.channels) {
            (1, 3) if own == Preprocess::CIFAR => Preprocess::GREY,
            (1, 3) => Preprocess {
                channels,
                mean: grey(own.mean),
                std: grey(own.std),
                ..own
            },
            (3, 1) => Preprocess { channels, ..own },
            _ => own,
        }
    }
}

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

/// How a network's tensors lie in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rows that turn our paths into the file's keys.
    pub keys: Vec<KeyRow>,
    /// Key of the first layer's weight.
    pub first: &'static str,
    /// What the second size of that weight is a multiple of: pixels where the layer is dense,
    /// else 1. The rest is the number of channels.
    pub pixels: usize,
    /// Keys of the layers with one output per class, without `.weight`; the main one first.
    pub heads: &'static [&'static str],
    /// Beginnings of the keys of auxiliary heads.
    pub aux: &'static [&'static str],
}

impl Layout {
    /// That of a network without auxiliary heads whose first layer is a convolution.
    pub fn new(keys: Vec<KeyRow>, first: &'static str, heads: &'static [&'static str]) -> Self {
        Self {
            keys,
            first,
            pixels: 1,
            heads,
            aux: &[],
        }
    }

    /// What a file under the reference's keys was made for; `usual` where it does not say.
    pub fn read(&self, file: &Checkpoint, usual: Options) -> Options {
        let size = |key: &str, axis: usize| {
            let size = file.shape(key)?.get(axis).copied();
            size.filter(|size| (1..=MOST).contains(size))
        };
        let main = format!("{}.weight", self.heads[0]);
        let aux = |key: &str| self.aux.iter().any(|start| key.starts_with(start));
        Options {
            classes: size(&main, 0).unwrap_or(usual.classes),
            channels: size(self.first, 1)
                .filter(|inputs| inputs % self.pixels == 0)
                .map_or(usual.channels, |inputs| inputs / self.pixels),
            aux_heads: file.keys().any(|(key, _)| aux(key)),
        }
    }
}

/// Which auxiliary heads a loaded network has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuxHeads {
    /// Those that the file has.
    #[default]
    AsInFile,
    /// None: those of the file are left out, since only training uses them.
    Dropped,
    /// All: newly drawn where the file has none.
    Kept,
}

/// How a network differs, by choice, from what a file holds; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adapt {
    /// Another number of classes: the heads' last layers are newly drawn.
    pub classes: Option<usize>,
    /// Another number of image channels: the first layer's weights are summed up for one channel
    /// and repeated and rescaled for more, as timm does.
    pub channels: Option<usize>,
    /// Auxiliary heads.
    pub aux_heads: AuxHeads,
}

/// A type of network that has names, and whose weights come from files.
///
/// Bring it into scope for `ResNet::pretrained("resnet50.tv2_in1k", &device)` (with the feature
/// `fetch`), `ResNet::from_file` and `model.save`, the same in each family.
pub trait Pretrained: Classifier {
    /// Every architecture that this type can be, shallow to deep.
    const ARCHITECTURES: &'static [Architecture];

    /// Every published weight file that fits one of them.
    const WEIGHTS: &'static [WeightsMeta];

    /// Builds an architecture with random weights; nothing if it is none of this type's. The
    /// name may be that of a row, which may fix more of the network than its file tells.
    fn build(name: &str, options: Options, device: &Device) -> Option<Self>;

    /// How this network's tensors lie in a file.
    fn layout(&self) -> Layout;

    /// The architecture of a name, `architecture` or `architecture.tag`: one of
    /// [`Pretrained::ARCHITECTURES`] or of a series of them.
    fn architecture(name: &str) -> Option<Architecture> {
        let mut known = Self::ARCHITECTURES.iter();
        known.find(|row| row.name == untagged(name)).cloned()
    }

    /// The row of a name, `architecture.tag`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] names the nearest known one, [`Error::NoWeights`] one of the architecture.
    fn weights(name: &str) -> Result<&'static WeightsMeta, Error> {
        let rows = Self::WEIGHTS;
        if let Some(row) = rows.iter().find(|row| row.name == name) {
            return Ok(row);
        }
        let tagged = name != untagged(name);
        if Self::architecture(name).is_none() || (tagged && !rows.is_empty()) {
            return Err(unknown(name, rows.iter().map(|row| row.name)));
        }
        Err(without_weights(name, rows.iter()))
    }

    /// An architecture, or that of a row, with the weights of a file, strict both ways but for what `adapt` asks
    /// for; classes, channels and auxiliary heads are read off the file otherwise.
    ///
    /// A file of an ImageNet network with 1,001 classes is one of TensorFlow's: its class 0, the
    /// background, is dropped, unless so many classes are asked for.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`], [`Error::Weights`], [`Error::Container`].
    fn load(
        name: &str,
        checkpoint: &Checkpoint,
        adapt: Adapt,
        device: &Device,
    ) -> Result<Self, Error> {
        let none = || {
            let names = Self::ARCHITECTURES.iter().map(|row| row.name.as_ref());
            unknown(name, names)
        };
        let known = Self::architecture(name).ok_or_else(none)?;
        let usual = known.options();
        let build = |options| Self::build(name, options, device).ok_or_else(none);

        let model = build(usual)?;
        let layout = model.layout();
        let mut file = checkpoint.under_reference_keys(&model.slots())?;
        let mut found = layout.read(&file, usual);
        if known.classes == 1000 && found.classes == 1001 && adapt.classes != Some(1001) {
            file = Cow::Owned(file.without_background(layout.heads)?);
            found.classes = 1000;
        }
        let wanted = Options {
            classes: adapt.classes.unwrap_or(found.classes),
            channels: adapt.channels.unwrap_or(found.channels),
            aux_heads: match adapt.aux_heads {
                AuxHeads::AsInFile => found.aux_heads,
                AuxHeads::Dropped => false,
                AuxHeads::Kept => true,
            },
        };
        if wanted.channels != found.channels {
            file = Cow::Owned(file.with_channels(layout.first, wanted.channels)?);
        }
        let mut kept = Vec::new();
        if wanted.classes != found.classes {
            kept.extend(layout.heads);
        }
        if wanted.aux_heads && !found.aux_heads {
            kept.extend(layout.aux);
        }
        let differences = Differences {
            ignored: if wanted.aux_heads { &[] } else { layout.aux },
            kept: &kept,
        };
        let model = build(wanted)?;
        weights::load(model, untagged(name), &file, &layout.keys, differences)
    }

    /// An architecture, or that of a row, with the weights of the file at `path`, as [`Pretrained::load`].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`], [`Error::Read`], [`Error::Weights`], [`Error::Container`].
    fn from_file(name: &str, path: impl AsRef<Path>, device: &Device) -> Result<Self, Error> {
        let file = Checkpoint::open(path.as_ref())?;
        Self::load(name, &file, Adapt::default(), device)
    }

    /// The network of a row with its weights, fetched on first use and kept, as
    /// [`Fetcher::from_env`](crate::fetch::Fetcher::from_env) says.
    ///
    /// # Errors
    ///
    /// Those of [`Pretrained::weights`], of [`Pretrained::from_file`] and of [`Fetcher::fetch`](crate::fetch::Fetcher::fetch).
    #[cfg(feature = "fetch")]
    fn pretrained(name: &str, device: &Device) -> Result<Self, Error> {
        let row = Self::weights(name)?;
        let fetched = crate::fetch::Fetcher::from_env()?.fetch(row, &mut |_| ())?;
        Self::from_file(name, fetched.path, device)
    }

    /// Where each tensor stands in a file under the reference's keys.
    fn slots(&self) -> Vec<Slot> {
        weights::slots(self, &self.layout().keys)
    }

    /// The network as a safetensors file in memory.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_safetensors`].
    fn to_safetensors(&self, dtype: Dtype) -> Result<Vec<u8>, Error> {
        weights::to_safetensors(self, &self.layout().keys, dtype)
    }

    /// The network as a burnpack file in memory: Burn's layout, our paths.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_burnpack`].
    fn to_burnpack(&self, dtype: Dtype) -> Result<Vec<u8>, Error> {
        weights::to_burnpack(self, dtype)
    }

    /// Writes a safetensors file that Python and [`Pretrained::from_file`] take.
    ///
    /// # Errors
    ///
    /// Those of [`weights::save`].
    fn save(&self, path: impl AsRef<Path>, dtype: Dtype) -> Result<(), Error> {
        weights::save(self, &self.layout().keys, path.as_ref(), dtype)
    }
}

/// `resnet50` of `resnet50` and of `resnet50.tv2_in1k`.
pub fn untagged(name: &str) -> &str {
    name.split_once('.')
        .map_or(name, |(architecture, _)| architecture)
}

/// The error for an architecture that was named where weights are needed; it names the first of the `rows`
/// that has some.
pub fn without_weights<'a>(
    architecture: &str,
    mut rows: impl Iterator<Item = &'a WeightsMeta>,
) -> Error {
    Error::NoWeights {
        name: architecture.to_owned(),
        reason: match rows.find(|row| row.architecture == architecture) {
            Some(row) => format!("name some, as in {}, or load a file", row.name),
            None => "none are published; load a file".to_owned(),
        },
    }
}

/// The error for a name that is none of `known`, which names the nearest.
pub fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let nearness = |known: &str| strsim::jaro_winkler(name, known);
    let nearest = known.max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
    Error::UnknownModel {
        name: name.to_owned(),
        nearest: nearest.unwrap_or("nothing").to_owned(),
    }
}
