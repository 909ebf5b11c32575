//! Models by name.

use burn_zoo_core::weights::{Glob, WeightsMeta};
use burn_zoo_core::{Error, Preprocess};

use crate::DIGITS;
use crate::families::{architecture, architectures, families};

/// One line of `burn-zoo list`: an architecture with one of its weights, or without any.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `architecture.tag`, or the architecture where no weights are known.
    pub name: String,
    /// The architecture.
    pub architecture: String,
    /// What is known of the weights.
    pub weights: Option<&'static WeightsMeta>,
}

impl Entry {
    fn of(meta: &'static WeightsMeta) -> Self {
        Self {
            name: meta.name.to_owned(),
            architecture: meta.architecture.to_owned(),
            weights: Some(meta),
        }
    }

    /// What an image of `channels` channels goes through: what the weights were trained with, where their
    /// images have as many, else what is usual for the architecture.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] if the architecture is none.
    pub fn preprocess(&self, channels: usize) -> Result<Preprocess, Error> {
        match self.weights {
            Some(meta) if meta.preprocess.channels == channels => Ok(meta.preprocess),
            _ => Ok(architecture(&self.architecture)?.preprocess(channels)),
        }
    }

    fn without_weights(architecture: &str) -> Self {
        Self {
            name: architecture.to_owned(),
            architecture: architecture.to_owned(),
            weights: None,
        }
    }
}

/// What an image goes through before the network of a name: what the named weights were trained with, else
/// what is usual for the architecture.
///
/// ```
/// let preprocess = burn_zoo::preprocess("resnet50.tv2_in1k")?;
/// assert_eq!(preprocess.resize, burn_zoo::Resize::Shorter(232));
/// assert_eq!(preprocess.crop, [224, 224]);
/// # Ok::<(), burn_zoo::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::UnknownModel`].
pub fn preprocess(name: &str) -> Result<Preprocess, Error> {
    let entry = find(name)?;
    match entry.weights {
        Some(meta) => Ok(meta.preprocess),
        None => Ok(architecture(&entry.architecture)?.preprocess),
    }
}

/// Everything that is known of weights.
pub(crate) fn weights() -> impl Iterator<Item = &'static WeightsMeta> {
    std::iter::once(&DIGITS).chain(families().iter().flat_map(|family| family.weights))
}

/// Entries whose name matches a pattern with `*` (anything) and `?` (one character); one per
/// weights, and one per architecture without any.
pub fn list(pattern: &str) -> Vec<Entry> {
    let entries = architectures().into_iter().flat_map(entries);
    entries
        .filter(|entry| matches(pattern, &entry.name))
        .collect()
}

fn entries(architecture: &str) -> Vec<Entry> {
    let named: Vec<_> = weights()
        .filter(|meta| meta.architecture == architecture)
        .map(Entry::of)
        .collect();
    if named.is_empty() {
        return vec![Entry::without_weights(architecture)];
    }
    named
}

/// The entry of a name, `architecture` or `architecture.tag`.
///
/// # Errors
///
/// [`Error::UnknownModel`] names the nearest known one.
pub fn find(name: &str) -> Result<Entry, Error> {
    match weights().find(|meta| meta.name == name) {
        Some(meta) => Ok(Entry::of(meta)),
        None if name.contains('.') => Err(unknown(name)),
        None => Ok(Entry::without_weights(&architecture(name)?.name)),
    }
}

pub(crate) fn unknown(name: &str) -> Error {
    let named = weights().map(|meta| meta.name);
    burn_zoo_core::unknown(name, architectures().into_iter().chain(named))
}

/// Whether `name` matches a pattern as [`list`] takes it.
pub fn matches(pattern: &str, name: &str) -> bool {
    Glob::new(pattern).matches(name)
}
