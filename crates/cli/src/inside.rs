//! The flags that say where in a weight file the weights are.

use anyhow::Result;
use burn_zoo::weights::{Glob, Rename, Select};
use burn_zoo::{Adapt, ZeroPad};
use serde::{Deserialize, Serialize};

use crate::failure::Usage;
use crate::source::Source;

/// Where in a file the weights are, if the program shall not search for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Weights inside a file (default: wherever they fit)")]
pub(crate) struct InsideArgs {
    /// Keys of the dictionary that holds the weights, joined by full stops; prefixes below it are
    /// still found
    #[arg(long, value_name = "PATH")]
    key: Option<String>,
    /// What stands before each key of the weights, as `backbone.`
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Reads keys under other names: what the regular expression finds is replaced; split at the
    /// last `=`, may be given several times
    #[arg(long, value_name = "REGEX=REPLACEMENT")]
    rename: Vec<Rename>,
    /// Leaves tensors out, by a pattern with `*` and `?`; may be given several times
    #[arg(long, value_name = "GLOB")]
    ignore: Vec<Glob>,
    /// Where shortcuts without parameters put zeros for new channels: all at the end, or half on
    /// both sides, as in most CIFAR ResNets of PyTorch; no file of theirs tells
    #[arg(long, value_name = "end|both")]
    zero_pad: Option<ZeroPad>,
}

impl InsideArgs {
    /// `adapt` with what the flags say.
    pub(crate) fn adapt(&self, adapt: Adapt) -> Adapt {
        Adapt {
            zero_pad: self.zero_pad,
            select: self.select(),
            ..adapt
        }
    }

    /// An error if the flags speak of a file and there is none.
    pub(crate) fn need(&self, weights: Option<&Source>) -> Result<()> {
        if weights.is_some() || *self == Self::default() {
            return Ok(());
        }
        let reason = "--key, --prefix, --rename, --ignore and --zero-pad say how a file is read; give --weights";
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
