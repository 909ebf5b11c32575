//! Models by name.

use burn_zoo_core::weights::WeightsMeta;
use burn_zoo_core::{Error, Preprocess};

use crate::architecture::{Row, row, rows};
use crate::digits::DIGITS;
use crate::families;

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

    fn without_weights(row: &Row) -> Self {
        Self {
            name: row.name.to_string(),
            architecture: row.name.to_string(),
            weights: None,
        }
    }
}

fn weights() -> impl Iterator<Item = &'static WeightsMeta> {
    std::iter::once(&DIGITS).chain(families::WEIGHTS.iter().copied().flatten())
}

/// Entries whose name matches a pattern with `*` (anything) and `?` (one character); one per
/// weights, and one per architecture without any.
pub fn list(pattern: &str) -> Vec<Entry> {
    let matching = |entry: &Entry| wildcard(pattern.as_bytes(), entry.name.as_bytes());
    rows().iter().flat_map(entries).filter(matching).collect()
}

fn entries(row: &'static Row) -> Vec<Entry> {
    let named: Vec<_> = weights()
        .filter(|meta| meta.architecture == row.name)
        .map(Entry::of)
        .collect();
    if named.is_empty() {
        return vec![Entry::without_weights(row)];
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
        None => Ok(Entry::without_weights(&row(name)?)),
    }
}

pub(crate) fn unknown(name: &str) -> Error {
    let known = rows()
        .iter()
        .map(|row| row.name.as_ref())
        .chain(weights().map(|meta| meta.name));
    let nearest = known
        .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)))
        .expect("the zoo is not empty");
    Error::UnknownModel {
        name: name.to_owned(),
        nearest: nearest.to_owned(),
    }
}

/// What an image goes through where only an architecture and a file are given.
///
/// # Errors
///
/// [`Error::UnknownModel`].
pub fn preprocess(architecture: &str, channels: usize) -> Result<Preprocess, Error> {
    Ok(row(architecture)?.preprocess(channels))
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
