//! Networks with the weights of a file.

use std::path::Path;

use burn::tensor::Device;
use burn_zoo_core::weights::{Checkpoint, Found, Layout, Nearness, Select, Slot, WeightsMeta};
use burn_zoo_core::{Adapt, Error, Loaded, ZeroPad, without_weights};

use crate::digits::{DIGITS, FILE};
use crate::families::{architecture, architectures, create, load_adapted};
use crate::registry::weights;
use crate::{AnyClassifier, find, published};

/// Number of architectures that [`nearest`] returns.
const NEAREST: usize = 3;

/// Loads an architecture with the weights of a file, wherever in it they are. The file determines
/// classes, channels and auxiliary heads. See [`Pretrained::load`](burn_zoo_core::Pretrained::load).
///
/// # Errors
///
/// [`Error::UnknownModel`], [`Error::Weights`], [`Error::Ambiguous`], [`Error::Container`].
pub fn load(
    architecture: &str,
    checkpoint: &Checkpoint,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    Ok(load_adapted(architecture, checkpoint, &Adapt::default(), device)?.network)
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
    load(architecture, &Checkpoint::open(path)?, device)
}

/// A model with its named weights. With the feature `fetch` a published file is fetched on first
/// use, as `burn_zoo::fetch::Fetcher::from_env` says, and kept.
///
/// # Errors
///
/// [`Error::UnknownModel`]; [`Error::NoWeights`] where the file is neither shipped nor fetched;
/// with the feature `fetch` those of `Fetcher::fetch`; [`Error::Weights`], [`Error::Container`].
pub fn pretrained(name: &str, device: &Device) -> Result<AnyClassifier, Error> {
    Ok(named(name, published::open, &Adapt::default(), device)?.network)
}

/// As [`pretrained`], with what `adapt` asks for instead of what the file has.
///
/// # Errors
///
/// Those of [`pretrained`].
pub fn pretrained_adapted(
    name: &str,
    adapt: &Adapt,
    device: &Device,
) -> Result<Loaded<AnyClassifier>, Error> {
    named(name, published::open, adapt, device)
}

/// A model with its named weights; `open` opens those that are not shipped.
pub(crate) fn named(
    name: &str,
    open: impl FnOnce(&'static WeightsMeta) -> Result<Checkpoint, Error>,
    adapt: &Adapt,
    device: &Device,
) -> Result<Loaded<AnyClassifier>, Error> {
    let entry = find(name)?;
    if entry.name == DIGITS.name {
        let file = Checkpoint::from_bytes(DIGITS.file, FILE.to_vec())?;
        let adapt = &Adapt {
            // This file was trained that way, before files recorded it.
            zero_pad: adapt.zero_pad.or(Some(ZeroPad::End)),
            ..adapt.clone()
        };
        return load_adapted(DIGITS.name, &file, adapt, device);
    }
    match entry.weights {
        Some(meta) => load_adapted(meta.name, &open(meta)?, adapt, device),
        None => Err(without_weights(&entry.architecture, weights())),
    }
}

/// Every architecture in [`architectures`] whose weights are in a file, anywhere in it and under any
/// known names, with any number of classes and channels, with or without heads. From series such as
/// `highway_fcN`, only the listed ones.
///
/// `device` holds the networks that are built to compare with; their values are never drawn.
pub fn fits(checkpoint: &Checkpoint, device: &Device) -> Vec<&'static str> {
    let places = places(checkpoint, &Select::default(), device).into_iter();
    places.map(|(name, _)| name).collect()
}

/// Same as [`fits`], with the place of each in the file, or the error if several places fit equally well.
pub fn places(
    checkpoint: &Checkpoint,
    select: &Select,
    device: &Device,
) -> Vec<(&'static str, Result<Found, Error>)> {
    let found = checkpoint.search(select, |search| {
        let names = architectures().into_iter();
        let found = names.filter_map(|name| {
            let (slots, layout) = wanted(name, device)?;
            match search.find(name, &slots, &layout) {
                Ok(found) => Some((name, Ok(found))),
                Err(error @ Error::Ambiguous { .. }) => Some((name, Err(error))),
                Err(_) => None,
            }
        });
        found.collect()
    });
    found.unwrap_or_default()
}

/// The architectures closest to a file, the closest first, with the differences.
pub fn nearest(
    checkpoint: &Checkpoint,
    select: &Select,
    device: &Device,
) -> Vec<(&'static str, Nearness)> {
    let near = checkpoint.search(select, |search| {
        let names = architectures().into_iter();
        let near = names.filter_map(|name| {
            let (slots, layout) = wanted(name, device)?;
            Some((name, search.nearness(&slots, &layout)?))
        });
        near.collect()
    });
    let mut near: Vec<(_, Nearness)> = near.unwrap_or_default();
    near.sort_by(|a, b| b.1.share.total_cmp(&a.1.share));
    near.truncate(NEAREST);
    near
}

/// The tensors that an architecture searches for in a file.
fn wanted(name: &str, device: &Device) -> Option<(Vec<Slot>, Layout)> {
    let usual = architecture(name).ok()?.options();
    let model = create(name, usual, device).ok()?;
    Some((model.slots(), model.layout()))
}
