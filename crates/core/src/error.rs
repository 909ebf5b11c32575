//! The one error type of the workspace's libraries.

use std::path::PathBuf;

use thiserror::Error;

use crate::InputSpec;
use crate::weights::Licence;

/// What a file, a network or a user's string can get wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An input does not fit a network.
    #[error(
        "the input [batch, channels, height, width] = {found:?} does not fit: this network needs \
         {spec}"
    )]
    Input {
        /// `[batch, channels, height, width]` as given.
        found: [usize; 4],
        /// What the network takes.
        spec: InputSpec,
    },
    /// A network's output has numbers that are none.
    #[error(
        "the network's output is not finite; its weights may be broken, or the number format too narrow"
    )]
    NotFinite,
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An image cannot be decoded.
    #[error("cannot read image {name}: {reason}")]
    Image {
        /// Path of the image, or what it was called.
        name: String,
        /// What the decoder said.
        reason: String,
    },
    /// A weight file is none that we know, or broken.
    #[error("cannot read weights {name}: {reason}")]
    Container {
        /// Path of the file, or what it was called.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A weight file does not fit the architecture.
    #[error("{name} does not fit {model}: {mismatch}")]
    Weights {
        /// Path of the file, or what it was called.
        name: String,
        /// The architecture.
        model: String,
        /// What is missing, unused and misshapen.
        mismatch: String,
    },
    /// Several networks in one weight file fit the architecture equally well.
    #[error(
        "{name} holds several networks that fit {model} equally well, at {}; choose one by its key, such as --key {}",
        places.join(" and "), places.first().map_or("", String::as_str)
    )]
    Ambiguous {
        /// Path of the file, or what it was called.
        name: String,
        /// The architecture.
        model: String,
        /// Where they are: keys joined by dots.
        places: Vec<String>,
    },
    /// A network cannot be saved.
    #[error("cannot save the network: {reason}")]
    Save {
        /// The tensor, and what is wrong with it.
        reason: String,
    },
    /// A data set is not laid out as expected.
    #[error("cannot use data set {}: {reason}", path.display())]
    Dataset {
        /// Its file or folder.
        path: PathBuf,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A recipe has a wrong field.
    #[error("recipe {name}: {reason}")]
    Recipe {
        /// Path of the recipe, or what it was called.
        name: String,
        /// The field, its value and what is allowed.
        reason: String,
    },
    /// No model or weights of this name.
    #[error("unknown model {name}; did you mean {nearest}? `burn-zoo list` shows all")]
    UnknownModel {
        /// As given.
        name: String,
        /// The most similar known name.
        nearest: String,
    },
    /// The architecture is known and these weights are known, but cannot be had this way.
    #[error("no weights at hand for {name}: {reason}")]
    NoWeights {
        /// The model as named.
        name: String,
        /// What to do.
        reason: String,
    },
    /// A published file cannot be had from any of its addresses.
    #[error(
        "cannot download {name}: {reason}; try again, or fetch the file by hand and put it at {}",
        path.display()
    )]
    Download {
        /// The weights as named.
        name: String,
        /// Each address that was tried, and what happened there.
        reason: String,
        /// Where the file belongs.
        path: PathBuf,
    },
    /// A file is not the published one.
    #[error("{file} has sha256 {found}, expected {expected}; {remedy}")]
    Checksum {
        /// Its path in the cache, or the address that sent it.
        file: String,
        /// What is published, often the first digits only.
        expected: String,
        /// What the file has.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A file would have to be fetched, and that is forbidden.
    #[error(
        "{name} is not in the cache and {variable} is set; fetch {url} elsewhere and put it at {}",
        path.display()
    )]
    Offline {
        /// The weights as named.
        name: String,
        /// The variable that forbids it.
        variable: &'static str,
        /// Where the file is published.
        url: String,
        /// Where it belongs.
        path: PathBuf,
    },
    /// The name cannot refer to a file on Hugging Face.
    #[error("{text} is not a file on Hugging Face: {reason}")]
    HubName {
        /// As given.
        text: String,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A file on Hugging Face cannot be fetched.
    #[error("cannot get {file}: {reason}")]
    Hub {
        /// As `HubFile` prints it.
        file: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The weights have terms that nobody accepted.
    #[error(
        "{name} has the licence {licence}, which forbids commercial use; \
         `burn-zoo pull {name} --accept-licence` accepts that and fetches the file"
    )]
    Licence {
        /// The weights as named.
        name: String,
        /// Their licence.
        licence: Licence,
    },
    /// The folder of fetched files cannot be written.
    #[error(
        "cannot write to the cache, {}: {source}; make room there, or set BURN_ZOO_CACHE to a \
         folder that can be written",
        path.display()
    )]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An environment variable has a value that cannot be used.
    #[error("{variable} is {value}; it must be {allowed}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// As found.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A label list has the wrong form or length.
    #[error("labels {}: {reason}", path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// What is wrong and what is expected.
        reason: String,
    },
    /// A compiled plan was given images of another shape.
    #[error("this plan takes images of {expected:?}, not {found:?}; compile one for that shape")]
    PlanShape {
        /// `[batch, channels, height, width]` as given.
        found: [usize; 4],
        /// What the plan was compiled for.
        expected: [usize; 4],
    },
    /// A network has operations that the engine cannot compile.
    #[error(
        "cannot compile {}; without `strict` the whole network runs on Burn instead",
        operations.join(", ")
    )]
    NotCompiled {
        /// Burn's names of the operations.
        operations: Vec<String>,
    },
    /// Training cannot go on.
    #[error("training failed: {reason}")]
    Training {
        /// Why.
        reason: String,
    },
}
