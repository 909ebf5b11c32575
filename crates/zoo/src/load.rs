//! Networks with the weights of a file.

use burn::tensor::Device;
use burn_zoo_core::Error;
use burn_zoo_core::weights::{Checkpoint, Differences, WeightsMeta};

use crate::architecture::{Row, row, rows};
use crate::digits::{DIGITS, FILE};
use crate::{AnyClassifier, Options, create, find, published};

/// More classes or channels than this in a file are taken for a broken one.
const MOST: usize = 100_000;

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

/// An architecture with the weights of a file, strict both ways; classes, channels and auxiliary
/// heads are read off the file.
///
/// A file of an ImageNet network with 1,001 classes is one of TensorFlow's: its class 0, the
/// background, is dropped.
///
/// # Errors
///
/// [`Error::UnknownModel`], [`Error::Weights`], [`Error::Container`].
pub fn load(
    architecture: &str,
    checkpoint: &Checkpoint,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    load_adapted(architecture, checkpoint, Adapt::default(), device)
}

/// As [`load`], with what `adapt` asks for instead of what the file has. Anything else that does
/// not fit is still an error.
///
/// # Errors
///
/// Those of [`load`].
pub fn load_adapted(
    architecture: &str,
    checkpoint: &Checkpoint,
    adapt: Adapt,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    let row = row(architecture)?;
    let usual = Options::of(architecture)?;
    let slots = create(architecture, usual, device)?.slots();
    let mut file = checkpoint.under_reference_keys(&slots)?;
    let mut found = read(&row, &file, usual);
    if row.classes == 1000 && found.classes == 1001 && adapt.classes != Some(1001) {
        file = file.without_background(row.heads)?;
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
        file = file.with_channels(row.first, wanted.channels)?;
    }
    let mut kept = Vec::new();
    if wanted.classes != found.classes {
        kept.extend(row.heads);
    }
    if wanted.aux_heads && !found.aux_heads {
        kept.extend(row.aux);
    }
    let differences = Differences {
        ignored: if wanted.aux_heads { &[] } else { row.aux },
        kept: &kept,
    };
    create(architecture, wanted, device)?.load(architecture, &file, differences)
}

/// What a file under the reference's keys was made for; `usual` where it does not say.
fn read(row: &Row, file: &Checkpoint, usual: Options) -> Options {
    let size = |key: &str, axis: usize| {
        let size = file.shape(key)?.get(axis).copied();
        size.filter(|size| (1..=MOST).contains(size))
    };
    let main = format!("{}.weight", row.heads[0]);
    let aux = |key: &str| row.aux.iter().any(|start| key.starts_with(start));
    Options {
        classes: size(&main, 0).unwrap_or(usual.classes),
        channels: size(row.first, 1)
            .filter(|inputs| inputs % row.pixels == 0)
            .map_or(usual.channels, |inputs| inputs / row.pixels),
        aux_heads: file.keys().any(|(key, _)| aux(key)),
    }
}

/// A model with its named weights. With the feature `fetch` a published file is fetched on first
/// use, as `burn_zoo::fetch::Fetcher::from_env` says, and kept.
///
/// # Errors
///
/// [`Error::UnknownModel`]; [`Error::NoWeights`] where the file is neither shipped nor fetched;
/// with the feature `fetch` those of `Fetcher::fetch`; [`Error::Weights`], [`Error::Container`].
pub fn pretrained(name: &str, device: &Device) -> Result<AnyClassifier, Error> {
    named(name, published::open, device)
}

/// A model with its named weights; `open` opens those that are not shipped.
pub(crate) fn named(
    name: &str,
    open: impl FnOnce(&'static WeightsMeta) -> Result<Checkpoint, Error>,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    let entry = find(name)?;
    if entry.name == DIGITS.name {
        let file = Checkpoint::from_bytes(DIGITS.file, FILE.to_vec())?;
        return load(DIGITS.architecture, &file, device);
    }
    match entry.weights {
        Some(meta) => load(meta.architecture, &open(meta)?, device),
        None => Err(Error::NoWeights {
            name: name.to_owned(),
            reason: "give a file with --weights FILE".to_owned(),
        }),
    }
}

/// Every architecture whose keys and shapes a file has, whatever its classes and channels, with
/// or without auxiliary heads.
///
/// `device` holds the networks that are built to compare with; their values are never drawn.
pub fn fits(checkpoint: &Checkpoint, device: &Device) -> Vec<&'static str> {
    let rows = rows().iter();
    rows.filter(|row| row_fits(row, checkpoint, device).is_some_and(|fits| fits))
        .map(|row| row.name.as_ref())
        .collect()
}

/// Nothing where a file cannot even be compared.
fn row_fits(row: &Row, checkpoint: &Checkpoint, device: &Device) -> Option<bool> {
    let usual = Options::of(&row.name).ok()?;
    let slots = create(&row.name, usual, device).ok()?.slots();
    let file = checkpoint.under_reference_keys(&slots).ok()?;
    let [_, _, ..] = file.shape(row.first)? else {
        return None;
    };
    let model = create(&row.name, read(row, &file, usual), device).ok()?;
    let mut expected: Vec<_> = model
        .slots()
        .into_iter()
        .map(|slot| (slot.key, slot.shape))
        .collect();
    expected.sort_unstable();
    let mut found: Vec<(String, Vec<usize>)> = file
        .keys()
        .filter(|(key, _)| !key.ends_with("num_batches_tracked"))
        .map(|(key, shape)| (key.to_owned(), shape.to_vec()))
        .collect();
    found.sort_unstable();
    Some(expected == found)
}
