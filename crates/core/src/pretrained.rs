//! Networks by name, and with the weights of a file.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::weights::{
    self, Checkpoint, Dtype, Found, FoundHead, Layout, Place, Said, Select, Slot, WeightsMeta,
};
use crate::{Classifier, Error, Preprocess};

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
            zero_pad: ZeroPad::End,
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
    /// Where parameter-free shortcuts put the zeros for new channels, if the architecture has such
    /// shortcuts.
    pub zero_pad: ZeroPad,
}

/// Where a parameter-free shortcut puts the zeros for new channels. He et al. 2015 (section 3.3,
/// option A) say only that "extra zero entries" are padded. Weights trained with one variant do not
/// work with the other, and no tensor in a file reveals the variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroPad {
    /// All after the input's channels.
    #[default]
    End,
    /// Half before and half after them, as in most PyTorch code for CIFAR.
    Both,
}

impl ZeroPad {
    /// The name of the fact in the header of files that this project writes.
    pub const FACT: &'static str = "burn_zoo.zero_pad";
}

impl fmt::Display for ZeroPad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "end",
            Self::Both => "both",
        })
    }
}

impl FromStr for ZeroPad {
    type Err = String;

    /// Parses `end` or `both`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "end" => Ok(Self::End),
            "both" => Ok(Self::Both),
            other => Err(format!("expected end or both, not {other}")),
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

/// Whether a file must have the network's last layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeadUse {
    /// It must have it, because the network classifies.
    #[default]
    Needed,
    /// It need not, because only features are used. A missing last layer keeps its random values.
    Unused,
}

/// How to adapt the network in a file, and where in the file to find it. By default nothing changes,
/// and the network may be anywhere.
#[derive(Clone, Debug, Default)]
pub struct Adapt {
    /// Another number of classes: the heads' last layers are newly drawn.
    pub classes: Option<usize>,
    /// Another number of image channels: the first layer's weights are summed up for one channel
    /// and repeated and rescaled for more, as timm does.
    pub channels: Option<usize>,
    /// Auxiliary heads.
    pub aux_heads: AuxHeads,
    /// Whether the file must have the last layer.
    pub head: HeadUse,
    /// Where shortcuts put zeros; by default as the file says or the name of its head suggests.
    pub zero_pad: Option<ZeroPad>,
    /// Where in the file the weights are.
    pub select: Select,
}

/// A network with the weights of a file, and how they were found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded<M> {
    /// The network.
    pub network: M,
    /// Its architecture, which may be a variant of the requested one.
    pub architecture: Architecture,
    /// Where in the file it was.
    pub place: Place,
    /// The file's metadata.
    pub said: Said,
}

impl<M> Loaded<M> {
    /// The same with the network replaced by the result of `wrap`.
    pub fn map<N>(self, wrap: impl FnOnce(M) -> N) -> Loaded<N> {
        Loaded {
            network: wrap(self.network),
            architecture: self.architecture,
            place: self.place,
            said: self.said,
        }
    }

    /// The preprocessing of images: the architecture's for this number of channels, with the values that
    /// the file gives.
    pub fn preprocess(&self) -> Preprocess {
        let channels = self.place.channels;
        self.said.preprocess(self.architecture.preprocess(channels))
    }
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

    /// The architectures that weights for this name may belong to, the named one first. A single tensor
    /// in the file distinguishes them.
    fn variants(name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }

    /// Loads an architecture, or that of a row, with the weights of a file. Loading is strict except for
    /// what `adapt` changes; otherwise the file determines classes, channels and auxiliary heads. The
    /// weights may be anywhere in the file ([`Checkpoint::find`]).
    ///
    /// A file of an ImageNet network with 1,001 classes is one of TensorFlow's: its class 0, the
    /// background, is dropped, unless so many classes are asked for.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`], [`Error::Weights`], [`Error::Ambiguous`], [`Error::Container`].
    fn load(
        name: &str,
        checkpoint: &Checkpoint,
        adapt: &Adapt,
        device: &Device,
    ) -> Result<Loaded<Self>, Error> {
        let mut refusal = None;
        for variant in Self::variants(name) {
            let names = Self::ARCHITECTURES.iter().map(|row| row.name.as_ref());
            let Some(known) = Self::architecture(&variant) else {
                return Err(unknown(name, names));
            };
            let Some(model) = Self::build(&variant, known.options(), device) else {
                return Err(unknown(name, names));
            };
            let (slots, layout) = (model.slots(), model.layout());
            match checkpoint.find(&known.name, &slots, &layout, &adapt.select) {
                Ok(found) => return Self::fill(&variant, known, found, checkpoint, adapt, device),
                Err(error @ Error::Weights { .. }) => refusal = refusal.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        let names = Self::ARCHITECTURES.iter().map(|row| row.name.as_ref());
        Err(refusal.unwrap_or_else(|| unknown(name, names)))
    }

    /// Builds the network `name`, described by `known`, from the weights found in a file.
    ///
    /// # Errors
    ///
    /// As [`Pretrained::load`].
    fn fill(
        name: &str,
        known: Architecture,
        found: Found,
        checkpoint: &Checkpoint,
        adapt: &Adapt,
        device: &Device,
    ) -> Result<Loaded<Self>, Error> {
        let build = |options| {
            Self::build(name, options, device)
                .ok_or_else(|| unknown(name, std::iter::once(known.name.as_ref())))
        };
        let Found {
            mut weights,
            mut place,
        } = found;
        let layout = build(known.options())?.layout();
        let mut classes = match &place.head {
            FoundHead::Linear { classes, .. } => Some(*classes),
            _ => None,
        };
        if known.classes == 1000 && classes == Some(1001) && adapt.classes != Some(1001) {
            weights = weights.without_background(layout.heads)?;
            classes = Some(1000);
            for aux in &mut place.aux_classes {
                *aux -= usize::from(*aux == 1001);
            }
        }
        if classes.is_none() && adapt.classes.is_none() && adapt.head == HeadUse::Needed {
            return Err(Error::Weights {
                name: checkpoint.name().to_owned(),
                model: known.name.to_string(),
                mismatch: headless(&place.head),
            });
        }
        // A fine-tuned network often keeps the auxiliary heads of its original classes.
        let has_aux = !place.aux_classes.is_empty();
        let others = |&aux: &usize| Some(aux) != classes;
        let old =
            classes.is_some() && adapt.classes.is_none() && place.aux_classes.iter().any(others);
        if old && adapt.aux_heads == AuxHeads::AsInFile {
            place.notes.push(format!(
                "auxiliary heads for {} classes are left out because the network has {}",
                place.aux_classes[0],
                classes.unwrap_or(known.classes)
            ));
        }
        if let FoundHead::Other { layers } = &place.head {
            place.notes.push(format!(
                "the file's head ({}) is left out",
                layers.join(", ")
            ));
        }
        let wanted = Options {
            classes: adapt.classes.or(classes).unwrap_or(known.classes),
            channels: adapt.channels.unwrap_or(place.channels),
            aux_heads: match adapt.aux_heads {
                AuxHeads::AsInFile => has_aux && !old,
                AuxHeads::Dropped => false,
                AuxHeads::Kept => true,
            },
            zero_pad: zero_pad(&layout, checkpoint, adapt, &mut place),
        };
        if wanted.channels != place.channels {
            weights = weights.with_channels(layout.first, wanted.channels)?;
        }
        let mut kept = Vec::new();
        if classes != Some(wanted.classes) {
            kept.extend(layout.heads.first());
        }
        if !has_aux {
            kept.extend(layout.aux);
        } else if place.aux_classes.iter().any(|&aux| aux != wanted.classes) {
            kept.extend(layout.heads.get(1..).unwrap_or_default());
        }
        let model = build(wanted)?;
        let network = weights::load(model, &known.name, &weights, &layout.keys, &kept)?;
        place.channels = wanted.channels;
        Ok(Loaded {
            network,
            architecture: known,
            place,
            said: checkpoint.said().for_classes(wanted.classes),
        })
    }

    /// An architecture, or that of a row, with the weights of the file at `path`, as [`Pretrained::load`].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`], [`Error::Read`], [`Error::Weights`], [`Error::Container`].
    fn from_file(name: &str, path: impl AsRef<Path>, device: &Device) -> Result<Self, Error> {
        let file = Checkpoint::open(path)?;
        Ok(Self::load(name, &file, &Adapt::default(), device)?.network)
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
        self.to_safetensors_with(&[], dtype)
    }

    /// As [`Pretrained::to_safetensors`], with `more` names and values in the header.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_safetensors`].
    fn to_safetensors_with(
        &self,
        more: &[(&'static str, String)],
        dtype: Dtype,
    ) -> Result<Vec<u8>, Error> {
        let Layout { keys, facts, .. } = self.layout();
        weights::to_safetensors(self, &keys, &[&facts, more].concat(), dtype)
    }

    /// As [`Pretrained::to_burnpack`], with `more` names and values in the header.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_burnpack`].
    fn to_burnpack_with(
        &self,
        more: &[(&'static str, String)],
        dtype: Dtype,
    ) -> Result<Vec<u8>, Error> {
        weights::to_burnpack(self, &[&self.layout().facts, more].concat(), dtype)
    }

    /// The network as a burnpack file in memory: Burn's layout, our paths.
    ///
    /// # Errors
    ///
    /// Those of [`weights::to_burnpack`].
    fn to_burnpack(&self, dtype: Dtype) -> Result<Vec<u8>, Error> {
        weights::to_burnpack(self, &self.layout().facts, dtype)
    }

    /// Writes a safetensors file that Python and [`Pretrained::from_file`] take.
    ///
    /// # Errors
    ///
    /// Those of [`weights::save`].
    fn save(&self, path: impl AsRef<Path>, dtype: Dtype) -> Result<(), Error> {
        weights::write(path.as_ref(), &self.to_safetensors(dtype)?)
    }
}

/// Why a file without the network's last layer cannot classify.
fn headless(head: &FoundHead) -> String {
    let remedy = "use its features, or fine-tune it with a new last layer";
    match head {
        FoundHead::Other { layers } if layers.len() > 1 => format!(
            "its head is an MLP with {} layers ({}), but the network's head has one; {remedy}",
            layers.len(),
            layers.join(", ")
        ),
        FoundHead::Other { layers } => format!(
            "its head ({}) does not accept the network's features; {remedy}",
            layers.join(", ")
        ),
        _ => format!("it has no head, so it cannot classify; {remedy}"),
    }
}

/// Where shortcuts put zeros: the user's choice, else the fact in the file's header, else a guess from
/// the name of the head, with a note.
fn zero_pad(layout: &Layout, checkpoint: &Checkpoint, adapt: &Adapt, place: &mut Place) -> ZeroPad {
    let pads = layout.facts.iter().any(|(name, _)| *name == ZeroPad::FACT);
    let said = checkpoint.metadata(ZeroPad::FACT);
    if let Some(given) = adapt.zero_pad.or_else(|| said?.parse().ok()) {
        return given;
    }
    // The published CIFAR networks have a head named `linear` and pad zeros on both sides.
    let linear = match &place.head {
        FoundHead::Linear { name, .. } => {
            // The dictionary's own key may be called so, too.
            let around = [place.key.as_str(), place.prefix.trim_end_matches('.')];
            let around = around.into_iter().filter(|part| !part.is_empty());
            let around = around.collect::<Vec<_>>().join(".");
            let own = name.strip_prefix(&around).unwrap_or(name);
            own.split('.').any(|key| key == "linear")
        }
        _ => false,
    };
    let assumed = if linear { ZeroPad::Both } else { ZeroPad::End };
    if pads {
        let (assumed, reason) = match assumed {
            ZeroPad::End => ("at the end", "as in this project's own files"),
            ZeroPad::Both => (
                "on both sides",
                "the head is named linear, as in the published files",
            ),
        };
        place.notes.push(format!(
            "the file does not say where shortcuts put zeros for new channels; {assumed} is assumed \
             ({reason}); use --zero-pad end|both to override"
        ));
    }
    assumed
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
