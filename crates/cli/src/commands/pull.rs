//! `burn-zoo pull`.

use anyhow::{Result, bail};
use burn_zoo_core::fetch::{Fetcher, Terms};
use serde_json::json;

use crate::failure::{Outcome, Usage};
use crate::fetch::Bar;
use crate::{model, report};

/// Fetches weights into the cache, unless they are there, and says where they are
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo pull resnet18.tv_in1k

BURN_ZOO_CACHE is the folder, BURN_ZOO_MIRROR another server, BURN_ZOO_OFFLINE=1 forbids the
network, HF_TOKEN is for Hugging Face; HTTPS_PROXY and the like are heeded.")]
pub(crate) struct Args {
    /// Weights, as in resnet18.tv_in1k
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
}
