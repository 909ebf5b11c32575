//! Networks with the weights of a file.

use std::path::Path;

use burn::tensor::Device;
use burn_zoo_core::weights::{Checkpoint, WeightsMeta};
use burn_zoo_core::{Adapt, Error, without_weights};

use crate::digits::{DIGITS, FILE};
use crate::families::{architecture, architectures, create};
use crate::registry::weights;
use crate::{AnyClassifier, find, published};

/// An architecture with the weights of a file, strict both ways; classes, channels and auxiliary
/// heads are read off the file. See [`Pretrained::load`](burn_zoo_core::Pretrained::load).
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

/// As [`load`], of the file at `path`.
///
/// # Errors
///
/// [`Error::Read`], and those of [`load`].
pub fn from_file(
    architecture: &str,
    path: impl AsRef<Path>,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    load(architecture, &Checkpoint::open(path.as_ref())?, device)
}

/// As [`load`], with what `adapt` asks for instead of what the file has. Anything else that does
/// not fit is still an error.
///
/// # Errors
///
/// Those of [`load`].
pub fn load_adapted(
    name: &str,
    checkpoint: &Checkpoint,
    adapt: Adapt,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    let usual = architecture(name)?.options();
    create(name, usual, device)?.load_same_type(name, checkpoint, adapt, device)
}

/// A model with its named weights. With the feature `fetch` a published file is fetched on first
/// use, as `burn_zoo::fetch::Fetcher::from_env` says, and kept.
///
/// # Errors
///
/// [`Error::UnknownModel`]; [`Error::NoWeights`] where the file is neither shipped nor fetched;
/// with the feature `fetch` those of `Fetcher::fetch`; [`Error::Weights`], [`Error::Container`].
pub fn pretrained(name: &str, device: &Device) -> Result<AnyClassifier, Error> {
    named(name, published::open, Adapt::default(), device)
}

/// As [`pretrained`], with what `adapt` asks for instead of what the file has.
///
/// # Errors
///
/// Those of [`pretrained`].
pub fn pretrained_adapted(
    name: &str,
    adapt: Adapt,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    named(name, published::open, adapt, device)
}

/// A model with its named weights; `open` opens those that are not shipped.
pub(crate) fn named(
    name: &str,
    open: impl FnOnce(&'static WeightsMeta) -> Result<Checkpoint, Error>,
    adapt: Adapt,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    let entry = find(name)?;
    if entry.name == DIGITS.name {
        let file = Checkpoint::from_bytes(DIGITS.file, FILE.to_vec())?;
        return load_adapted(DIGITS.name, &file, adapt, device);
    }
    match entry.weights {
        Some(meta) => load_adapted(meta.name, &open(meta)?, adapt, device),
        None => Err(without_weights(&entry.architecture, weights())),
    }
}

/// Every architecture of [`architectures`] whose keys and shapes a file has, whatever its classes and
/// channels, with or without auxiliary heads; of series such as `highway_fcN` only those listed there.
///
/// `device` holds the networks that are built to compare with; their values are never drawn.
pub fn fits(checkpoint: &Checkpoint, device: &Device) -> Vec<&'static str> {
    let names = architectures().into_iter();
    names
        .filter(|name| name_fits(name, checkpoint, device).is_some_and(|fits| fits))
        .collect()
}

/// Nothing where a file cannot even be compared.
fn name_fits(name: &str, checkpoint: &Checkpoint, device: &Device) -> Option<bool> {
    let usual = architecture(name).ok()?.options();
    let model = create(name, usual, device).ok()?;
    let file = checkpoint.under_reference_keys(&model.slots()).ok()?;
    let layout = model.layout();
    let [_, _, ..] = file.shape(layout.first)? else {
        return None;
    };
    let model = create(name, layout.read(&file, usual), device).ok()?;
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
