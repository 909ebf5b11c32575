//! `burn-zoo devices`.

use std::panic::catch_unwind;

use anyhow::Result;
use burn::tensor::{DType, Device};
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::{device, report};

/// Shows the backends that are compiled in and whether they work here
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo devices --json")]
pub(crate) struct Args {
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// Number formats of weights, with the names they have in JSON.
const DTYPES: [(&str, DType); 4] = [
    ("f64", DType::F64),
    ("f32", DType::F32),
    ("f16", DType::F16),
    ("bf16", DType::BF16),
];

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let compiled = device::BACKENDS.iter().filter(|(_, _, compiled)| *compiled);
        let rows: Vec<_> = compiled.map(|(name, _, _)| (*name, dtypes(name))).collect();
        if self.json {
            report::json(
                &rows
                    .iter()
                    .map(|(name, dtypes)| row(name, dtypes))
                    .collect(),
            )?;
            return Ok(Outcome::Done);
        }
        let mut table = report::table(&["device", "dtypes"]);
        for (name, dtypes) in rows {
            let dtypes = match dtypes {
                Ok(dtypes) => dtypes.join(" "),
                Err(error) => format!("error: {error}"),
            };
            table.add_row([name.to_owned(), dtypes]);
        }
        report::print(&table)?;
        Ok(Outcome::Done)
    }
}

fn row(name: &str, dtypes: &Result<Vec<&str>, String>) -> Value {
    match dtypes {
        Ok(dtypes) => json!({ "device": name, "adapter": null, "dtypes": dtypes }),
        Err(error) => json!({ "device": name, "adapter": null, "dtypes": [], "error": error }),
    }
}

/// What the first device of a backend computes with. Drivers that are not there make Burn panic.
fn dtypes(name: &str) -> Result<Vec<&'static str>, String> {
    let open = || -> Result<Vec<&'static str>> {
        let device: Device = device::parse(name)?;
        let supported = DTYPES
            .iter()
            .filter(|(_, dtype)| device.supports_dtype(*dtype));
        Ok(supported.map(|(name, _)| *name).collect())
    };
    match catch_unwind(open) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no {name} device works on this machine")),
    }
}
