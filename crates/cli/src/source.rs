//! A weight file as `--weights` names it.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use burn_zoo_core::weights::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::fetch;

/// The file that a repository on the hub has its weights in, where none is named.
const HUB_FILE: &str = "model.safetensors";

/// Where a weight file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    /// A path.
    File(PathBuf),
    /// An address; what it gives is kept in the cache.
    Url(String),
}

impl FromStr for Source {
    type Err = String;

    /// A path, a URL, or `hf:owner/repo[/file]`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Self::Url(text.to_owned()));
        }
        let Some(place) = text.strip_prefix("hf:") else {
            return Ok(Self::File(text.into()));
        };
        let mut parts = place.splitn(3, '/');
        let (owner, repo) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let file = parts.next().unwrap_or(HUB_FILE);
        if [owner, repo, file].contains(&"") || place.contains("..") {
            return Err(
                "expected hf:owner/repo or hf:owner/repo/file, as hf:timm/resnet18.a1_in1k"
                    .to_owned(),
            );
        }
        Ok(Self::Url(format!(
            "https://huggingface.co/{owner}/{repo}/resolve/main/{file}"
        )))
    }
}

impl Source {
    /// Opens the file, fetched first where it is not at hand.
    pub(crate) fn open(&self) -> Result<Checkpoint> {
        Ok(match self {
            Self::File(path) => Checkpoint::open(path)?,
            Self::Url(url) => Checkpoint::open(&fetch::url(url)?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_has_addresses() {
        let hub = |text: &str| Source::from_str(text);
        let at = |path: &str| Ok(Source::Url(format!("https://huggingface.co/{path}")));
        assert_eq!(
            hub("hf:timm/resnet18.a1_in1k"),
            at("timm/resnet18.a1_in1k/resolve/main/model.safetensors")
        );
        assert_eq!(
            hub("hf:me/nets/runs/3/best.pth"),
            at("me/nets/resolve/main/runs/3/best.pth")
        );
        for wrong in ["hf:", "hf:timm", "hf:/x", "hf:timm/", "hf:a/b/../../c"] {
            assert!(hub(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn anything_else_is_a_path() {
        let file = |text: &str| Ok(Source::File(text.into()));
        assert_eq!(Source::from_str("a/b.pth"), file("a/b.pth"));
        assert_eq!(Source::from_str("httpd.pth"), file("httpd.pth"));
    }
}
