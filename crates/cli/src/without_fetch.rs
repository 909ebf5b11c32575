//! In place of `fetch.rs` where fetching is not compiled in.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use burn::tensor::Device;
use burn_zoo::{Adapt, AnyClassifier, Loaded};
use burn_zoo_core::weights::WeightsMeta;
use burn_zoo_train::Archive;
use serde::{Deserialize, Serialize};

/// Only what is inside the program.
pub(crate) fn pretrained(
    name: &str,
    adapt: &Adapt,
    device: &Device,
) -> Result<Loaded<AnyClassifier>> {
    Ok(burn_zoo::pretrained_adapted(name, adapt, device)?)
}

/// Returns an error, because fetching is compiled out.
pub(crate) fn url(url: &str) -> Result<PathBuf> {
    bail!("this program was built without the feature fetch; fetch {url} by hand and give its path")
}

/// A name on Hugging Face, which cannot be fetched without the feature either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HubFile(String);

impl FromStr for HubFile {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for HubFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is a name on the hub.
pub(crate) fn is_hub_name(text: &str) -> bool {
    text.starts_with("hf:")
}

/// Returns an error, because fetching is compiled out.
pub(crate) fn hub(file: &HubFile) -> Result<PathBuf> {
    url(&file.0)
}

/// Neither to this.
pub(crate) fn data(archive: &Archive) -> Result<PathBuf> {
    url(archive.url)
}

/// There is no cache.
pub(crate) fn is_cached(_meta: &WeightsMeta) -> bool {
    false
}
