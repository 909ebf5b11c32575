//! The flags that locate the weights in a weight file.

use anyhow::Result;
use burn_zoo::weights::{Glob, Rename, Select};
use burn_zoo::{Adapt, ZeroPad};
use serde::{Deserialize, Serialize};

use crate::failure::Usage;
use crate::source::Source;

/// Where in a file the weights are, instead of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Weights within the file (default: found automatically)")]
pub(crate) struct InsideArgs {
    /// Path of the dictionary that holds the weights: its keys joined by dots; prefixes inside it
    /// are still detected
    #[arg(long, value_name = "PATH")]
    key: Option<String>,
    /// Prefix of each weight's key, such as `backbone.`
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Renames keys: replaces each match of the regular expression; the last `=` is the separator;
    /// may be repeated
    #[arg(long, value_name = "REGEX=REPLACEMENT")]
    rename: Vec<Rename>,
    /// Ignores tensors that match a pattern with `*` and `?`; may be repeated
    #[arg(long, value_name = "GLOB")]
    ignore: Vec<Glob>,
    /// Where parameter-free shortcuts put zeros for new channels: all at the end, or half on each
    /// side, as in most PyTorch CIFAR ResNets, whose files do not record it
    #[arg(long, value_name = "end|both")]
    zero_pad: Option<ZeroPad>,
}

impl InsideArgs {
    /// `adapt` with the values of the flags.
    pub(crate) fn adapt(&self, adapt: Adapt) -> Adapt {
        Adapt {
            zero_pad: self.zero_pad,
            select: self.select(),
            ..adapt
        }
    }

    /// Refuses flags about a file if there is no file.
    pub(crate) fn need(&self, weights: Option<&Source>) -> Result<()> {
        if weights.is_some() || *self == Self::default() {
            return Ok(());
        }
        let reason = "--key, --prefix, --rename, --ignore and --zero-pad describe a weight file; add --weights FILE";
        Err(Usage(reason.to_owned()).into())
    }

    /// Where to look.
    pub(crate) fn select(&self) -> Select {
        Select {
            key: self.key.clone(),
            prefix: self.prefix.clone(),
            rename: self.rename.clone(),
            ignore: self.ignore.clone(),
        }
    }
}
