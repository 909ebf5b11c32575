//! `burn-zoo pull`.

use anyhow::{Result, bail};
use burn_zoo_core::fetch::{Fetcher, Terms};
use serde_json::json;

use crate::failure::{Outcome, Usage};
use crate::fetch::{Bar, HubFile};
use crate::source::Source;
use crate::{fetch, model, report};

/// Fetches weights into the cache, unless they are there, and says where they are
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo pull resnet18.tv_in1k
  burn-zoo pull hf:timm/resnet18.a1_in1k

BURN_ZOO_CACHE sets the folder, BURN_ZOO_MIRROR another server, BURN_ZOO_OFFLINE=1 forbids the
network; HTTPS_PROXY and similar variables are respected. Hugging Face files share the cache of
Python's huggingface_hub, and HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_HUB_OFFLINE
mean the same as there.")]
pub(crate) struct Args {
    /// Weights such as resnet18.tv_in1k, or hf:owner/repo[@revision][/file]
    name: String,
    /// Also if the weights are not for commercial use
    #[arg(long)]
    accept_licence: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        match self.name.parse() {
            Ok(Source::Hub(file)) => return self.hub(&file),
            Err(wrong) => return Err(Usage(wrong).into()),
            Ok(_) => {}
        }
        let entry = burn_zoo::find(&self.name)?;
        let Some(meta) = entry.weights else {
            let message = format!(
                "{} is an architecture; `burn-zoo list` shows its weights",
                entry.name
            );
            return Err(Usage(message).into());
        };
        if meta.name == model::DEFAULT {
            bail!(
                "{} is inside this program; there is nothing to fetch",
                meta.name
            );
        }
        let mut fetcher = Fetcher::from_env()?;
        if self.accept_licence {
            fetcher.terms = Terms::Accepted;
        }
        let mut bar = Bar::new(meta.name);
        let fetched = fetcher.fetch(meta, &mut |step| bar.show(step))?;
        drop(bar);
        let path = fetched.path.display().to_string();
        if self.json {
            report::json(&json!({
                "path": path,
                "bytes": fetched.bytes,
                "sha256": fetched.sha256,
            }))?;
        } else {
            report::text(&path)?;
            report::note(&format!(
                "{} bytes, sha256 {}, {}",
                report::grouped(fetched.bytes),
                fetched.sha256,
                meta.licence
            ));
        }
        Ok(Outcome::Done)
    }

    /// Fetches a hub file. We have no checksum for it, so the hub's checksum verifies it.
    fn hub(&self, file: &HubFile) -> Result<Outcome> {
        let path = fetch::hub(file)?;
        let bytes = std::fs::metadata(&path)?.len();
        let path = path.display().to_string();
        if self.json {
            report::json(&json!({ "path": path, "bytes": bytes }))?;
        } else {
            report::text(&path)?;
            report::note(&format!("{} bytes", report::grouped(bytes)));
        }
        Ok(Outcome::Done)
    }
}
