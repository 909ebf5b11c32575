//! What is known of a published file.

use crate::Preprocess;

/// One published weight file with everything needed to use it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightsMeta {
    /// Name of the row, `architecture.tag`, timm's where timm has the file.
    pub name: &'static str,
    /// The architecture that the file fits.
    pub architecture: &'static str,
    /// Where the file is published; empty where it is shipped or must be at hand.
    pub urls: &'static [&'static str],
    /// File name in the cache.
    pub file: &'static str,
    /// sha256, or as many of its first hexadecimal digits as are published.
    pub sha256: Option<&'static str>,
    /// Number of classes.
    pub classes: usize,
    /// What an image goes through first.
    pub preprocess: Preprocess,
    /// Published accuracy of the first guess, in percent.
    pub top1: Option<f32>,
    /// Published accuracy of the first five guesses, in percent.
    pub top5: Option<f32>,
    /// The licence of the weights.
    pub licence: Licence,
    /// Who trained it, and how.
    pub origin: &'static str,
}

/// The licence of a weight file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Licence {
    /// BSD-3-Clause.
    Bsd3,
    /// Apache-2.0.
    Apache2,
    /// MIT OR Apache-2.0, as this project.
    MitOrApache2,
    /// Its publisher stated none.
    Unstated,
    /// CC-BY-NC-4.0: not for commercial use.
    CcByNc4,
}

impl Licence {
    /// Whether the weights may be used for any purpose; others are fetched only by who accepts
    /// their terms.
    pub fn is_free(self) -> bool {
        self != Self::CcByNc4
    }
}

impl std::fmt::Display for Licence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bsd3 => "BSD-3-Clause",
            Self::Apache2 => "Apache-2.0",
            Self::MitOrApache2 => "MIT OR Apache-2.0",
            Self::Unstated => "not stated",
            Self::CcByNc4 => "CC-BY-NC-4.0",
        })
    }
}
