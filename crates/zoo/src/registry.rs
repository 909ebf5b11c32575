//! Models by name.

use burn::tensor::Device;
use burn_zoo_core::weights::{Checkpoint, Differences, WeightsMeta};
use burn_zoo_core::{ChannelOrder, Error, Interpolation, Orientation, Preprocess, ValueRange};

use crate::architecture::{ROWS, Row, row};
use crate::digits::{DIGITS, FILE, GREY};
use crate::{AnyClassifier, Options, create, published};

/// One line of `burn-zoo list`: an architecture with one of its weights, or without any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// `architecture.tag`, or the architecture where no weights are known.
    pub name: &'static str,
    /// The architecture.
    pub architecture: &'static str,
    /// What is known of the weights.
    pub weights: Option<&'static WeightsMeta>,
}

static WEIGHTS: [&[WeightsMeta]; 2] = [&[DIGITS], &burn_zoo_resnet::ROWS];

fn weights() -> impl Iterator<Item = &'static WeightsMeta> {
    WEIGHTS.into_iter().flatten()
}

/// Entries whose name matches a pattern with `*` (anything) and `?` (one character); one per
/// weights, and one per architecture without any.
pub fn list(pattern: &str) -> Vec<Entry> {
    let matching = |entry: &Entry| wildcard(pattern.as_bytes(), entry.name.as_bytes());
    ROWS.iter().flat_map(entries).filter(matching).collect()
}

fn entries(row: &'static Row) -> Vec<Entry> {
    let named: Vec<_> = weights()
        .filter(|meta| meta.architecture == row.name)
        .map(|meta| Entry {
            name: meta.name,
            architecture: row.name,
            weights: Some(meta),
        })
        .collect();
    if named.is_empty() {
        return vec![Entry {
            name: row.name,
            architecture: row.name,
            weights: None,
        }];
    }
    named
}

/// The entry of a name, `architecture` or `architecture.tag`.
///
/// # Errors
///
/// [`Error::UnknownModel`] names the nearest known one.
pub fn find(name: &str) -> Result<Entry, Error> {
    if let Some(meta) = weights().find(|meta| meta.name == name) {
        return Ok(Entry {
            name: meta.name,
            architecture: meta.architecture,
            weights: Some(meta),
        });
    }
    let row = row(name)?;
    Ok(Entry {
        name: row.name,
        architecture: row.name,
        weights: None,
    })
}

pub(crate) fn unknown(name: &str) -> Error {
    let known = ROWS
        .iter()
        .map(|row| row.name)
        .chain(weights().map(|meta| meta.name));
    let nearest = known
        .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)))
        .expect("the zoo is not empty");
    Error::UnknownModel {
        name: name.to_owned(),
        nearest: nearest.to_owned(),
    }
}

/// An architecture with the weights of a file, strict both ways; classes and channels are read
/// off the file.
///
/// # Errors
///
/// [`Error::UnknownModel`], [`Error::Weights`], [`Error::Container`].
pub fn load(
    architecture: &str,
    checkpoint: &Checkpoint,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    let usual = Options::of(architecture)?;
    let [first, last] = row(architecture)?.border_keys();
    let size = |key, axis: usize| {
        let shape = checkpoint.shape(key)?;
        shape
            .get(axis)
            .copied()
            .filter(|&size| (1..=MOST).contains(&size))
    };
    let options = Options {
        channels: size(first, 1).unwrap_or(usual.channels),
        classes: size(last, 0).unwrap_or(usual.classes),
    };
    create(architecture, options, device)?.load(architecture, checkpoint, Differences::default())
}

/// More classes or channels than this in a file are taken for a broken one.
const MOST: usize = 100_000;

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
        return load(
            DIGITS.architecture,
            &Checkpoint::from_bytes(DIGITS.file, FILE.to_vec())?,
            device,
        );
    }
    match entry.weights {
        Some(meta) => load(meta.architecture, &open(meta)?, device),
        None => Err(Error::NoWeights {
            name: name.to_owned(),
            reason: "give a file with --weights FILE".to_owned(),
        }),
    }
}

/// Every architecture whose keys and shapes a file has, whatever its classes and channels.
///
/// `device` holds the networks that are built to compare with.
pub fn fits(checkpoint: &Checkpoint, device: &Device) -> Vec<&'static str> {
    let mut found: Vec<(&str, &[usize])> = checkpoint
        .keys()
        .filter(|(key, _)| !key.ends_with("num_batches_tracked"))
        .collect();
    found.sort_unstable();
    let fits = |row: &&Row| {
        let [first, last] = row.border_keys();
        let (Some(first), Some(last)) = (checkpoint.shape(first), checkpoint.shape(last)) else {
            return false;
        };
        let (&[_, channels, ..], &[classes, _]) = (first, last) else {
            return false;
        };
        if !(1..=MOST).contains(&channels) || !(1..=MOST).contains(&classes) {
            return false;
        }
        let Ok(model) = create(row.name, Options { classes, channels }, device) else {
            return false;
        };
        let mut expected = model.slots();
        expected.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        expected
            .iter()
            .map(|slot| (slot.key.as_str(), slot.shape.as_slice()))
            .eq(found.iter().copied())
    };
    ROWS.iter().filter(fits).map(|row| row.name).collect()
}

/// What an image goes through where only an architecture and a file are given.
///
/// # Errors
///
/// [`Error::UnknownModel`].
pub fn preprocess(architecture: &str, channels: usize) -> Result<Preprocess, Error> {
    let cifar = row(architecture)?.is_cifar();
    if channels == 1 {
        return Ok(GREY);
    }
    let base = Preprocess {
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
    Ok(match cifar {
        false => base,
        true => Preprocess {
            resize: 32,
            crop: [32, 32],
            mean: [0.4914, 0.4822, 0.4465],
            std: [0.2470, 0.2435, 0.2616],
            ..base
        },
    })
}

/// Whether `text` matches `pattern`, where `*` is anything and `?` one character.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            wildcard(rest, text) || (!text.is_empty() && wildcard(pattern, &text[1..]))
        }
        ([b'?', rest @ ..], [_, tail @ ..]) => wildcard(rest, tail),
        ([a, rest @ ..], [b, tail @ ..]) => a == b && wildcard(rest, tail),
        _ => false,
    }
}
