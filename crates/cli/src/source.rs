//! A weight file as `--weights` names it.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use burn_zoo_core::weights::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::fetch::{self, HubFile};

/// Where a weight file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    /// A path.
    File(PathBuf),
    /// An address; what it gives is kept in the cache.
    Url(String),
    /// A Hugging Face file, stored in the folder that Python programs use.
    Hub(HubFile),
}

impl FromStr for Source {
    type Err = String;

    /// Parses a path, a URL, or `hf:owner/repo[@revision][/file]`. A Hugging Face URL becomes a hub file.
    fn from_str(text: &str) -> Result<Self, String> {
        if fetch::is_hub_name(text) {
            let file: HubFile = text.parse().map_err(|error| format!("{error}"))?;
            return Ok(Self::Hub(file));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            let file = text.parse();
            return Ok(file.map_or_else(|_| Self::Url(text.to_owned()), Self::Hub));
        }
        Ok(Self::File(text.into()))
    }
}

impl Source {
    /// Opens the file, fetched first where it is not at hand.
    pub(crate) fn open(&self) -> Result<Checkpoint> {
        Ok(match self {
            Self::File(path) => Checkpoint::open(path)?,
            Self::Url(url) => Checkpoint::open(&fetch::url(url)?)?,
            Self::Hub(file) => Checkpoint::open(&fetch::hub(file)?)?,
        })
    }
}

#[cfg(all(test, feature = "fetch"))]
mod tests {
    use super::*;

    #[test]
    fn the_hub_has_names_and_addresses() {
        let hub = |text: &str| match Source::from_str(text) {
            Ok(Source::Hub(file)) => file.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        for (text, name) in [
            ("hf:timm/resnet18.a1_in1k", "hf:timm/resnet18.a1_in1k"),
            (
                "hf-hub:me/nets@v1/runs/3/best.pth",
                "hf:me/nets@v1/runs/3/best.pth",
            ),
            (
                "https://huggingface.co/me/nets/blob/main/a.pth",
                "hf:me/nets/a.pth",
            ),
            (
                "https://hf.co/me/nets/resolve/v1/a.pth?download=true",
                "hf:me/nets@v1/a.pth",
            ),
        ] {
            assert_eq!(hub(text), name);
        }
        for wrong in ["hf:", "hf:timm", "hf:/x", "hf:timm/", "hf:a/b/../../c"] {
            assert!(Source::from_str(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_addresses_are_as_they_are() {
        for url in [
            "https://huggingface.co/datasets/me/nets/resolve/main/a.pth",
            "https://github.com/me/nets/blob/main/a.pth",
            "http://127.0.0.1:1/a.pth",
        ] {
            assert_eq!(Source::from_str(url), Ok(Source::Url(url.into())));
        }
    }

    #[test]
    fn anything_else_is_a_path() {
        let file = |text: &str| Ok(Source::File(text.into()));
        assert_eq!(Source::from_str("a/b.pth"), file("a/b.pth"));
        assert_eq!(Source::from_str("httpd.pth"), file("httpd.pth"));
        assert_eq!(Source::from_str("hf/b.pth"), file("hf/b.pth"));
    }
}
