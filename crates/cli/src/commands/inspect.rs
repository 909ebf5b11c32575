//! `burn-zoo inspect`.

use anyhow::Result;
use serde_json::json;

use crate::failure::Outcome;
use crate::source::Source;
use crate::{device, report};

/// Shows what a weight file holds and every architecture it fits
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo inspect model_best.pth.tar")]
pub(crate) struct Args {
    /// Weight file: path, URL or hf:owner/repo[/file]; its content says what form it has
    file: Source,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let checkpoint = self.file.open()?;
        let fits = burn_zoo::fits(&checkpoint, &device::parse("flex")?);
        if self.json {
            let tensors = checkpoint.tensors().iter().map(|tensor| {
                json!({ "name": tensor.name, "shape": tensor.shape, "dtype": tensor.dtype })
            });
            report::json(&json!({
                "container": checkpoint.container().to_string(),
                "tensors": tensors.collect::<Vec<_>>(),
                "fits": fits,
            }))?;
            return Ok(Outcome::Done);
        }
        let mut table = report::table(&["tensor", "shape", "dtype"]);
        for tensor in checkpoint.tensors() {
            let shape = report::shape(&tensor.shape);
            table.add_row([tensor.name.clone(), shape, tensor.dtype.clone()]);
        }
        report::print(&table)?;
        let fits = if fits.is_empty() {
            "no known architecture".to_owned()
        } else {
            fits.join(", ")
        };
        let count = checkpoint.tensors().len();
        report::text(&format!(
            "{}, {count} tensors, fits {fits}",
            checkpoint.container()
        ))?;
        Ok(Outcome::Done)
    }
}
