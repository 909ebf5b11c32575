//! `burn-zoo convert`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use burn_zoo::Adapt;
use burn_zoo::weights::Dtype;
use serde_json::json;

use crate::failure::Outcome;
use crate::inside::InsideArgs;
use crate::precision::Precision;
use crate::source::Source;
use crate::target::Target;
use crate::{device, model, report};

/// Turns a weight file into safetensors (PyTorch's layout and the reference's keys, so that
/// Python reads it) or burnpack
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: burn-zoo convert resnet50-0676ba61.pth resnet50.f16.safetensors --model resnet50 --dtype f16"
)]
pub(crate) struct Args {
    /// A weight file in any supported format: path, URL or hf:owner/repo[@revision][/file]
    #[arg(value_name = "IN")]
    input: Source,
    /// The new file, whose ending says its form: .safetensors or .bpk; an existing file is not
    /// replaced
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The architecture that the file fits; `burn-zoo inspect` tells it
    #[arg(long)]
    model: String,
    #[command(flatten)]
    inside: InsideArgs,
    /// Number format of the values
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    dtype: Precision,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let path = &self.output;
        let dtype = match self.dtype {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
            Precision::Bf16 => Dtype::Bf16,
        };
        let burnpack = match path.extension().and_then(|ending| ending.to_str()) {
            Some("safetensors") => false,
            Some("bpk") => true,
            _ => {
                let shown = path.display();
                bail!("{shown} ends in neither .safetensors nor .bpk, which says its form");
            }
        };
        let target = Target::create(path, "name")?;
        let device = device::parse("flex")?;
        let adapt = self.inside.adapt(Adapt::default());
        let found = model::from_file(&self.model, &self.input, &adapt, &device)?;
        let (model, said) = (found.network, found.said.facts());
        let bytes = match burnpack {
            true => model.to_burnpack_with(&said, dtype)?,
            false => model.to_safetensors_with(&said, dtype)?,
        };
        target.write(&bytes)?;
        let (tensors, size) = (model.slots().len(), bytes.len() as u64);
        if self.json {
            report::json(&json!({ "tensors": tensors, "bytes": size }))?;
        } else {
            report::text(&format!(
                "{}: {tensors} tensors, {} bytes",
                path.display(),
                report::grouped(size)
            ))?;
        }
        Ok(Outcome::Done)
    }
}
