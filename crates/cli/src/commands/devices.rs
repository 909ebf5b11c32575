//! `burn-zoo devices`.

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::device::{self, BACKENDS};
use crate::failure::{self, Outcome, one_line};
use crate::{precision, report, worker};

/// Shows the backends that are compiled in and the devices that they find here
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo devices --json")]
pub(crate) struct Args {
    /// Only this backend
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// A device, or why a backend has none.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    device: String,
    adapter: Option<String>,
    dtypes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let rows = match &self.backend {
            Some(name) => {
                let name = name.to_lowercase();
                let Some(backend) = BACKENDS.iter().find(|backend| backend.name == name) else {
                    // The error for an unknown one lists those there are.
                    device::parse(&name)?;
                    bail!("--backend takes the name before the colon, but {name} was given");
                };
                probe(backend.name)
            }
            None => {
                let compiled = BACKENDS.iter().filter(|backend| backend.compiled);
                compiled.flat_map(|backend| aside(backend.name)).collect()
            }
        };
        if self.json {
            report::json(&serde_json::to_value(rows)?)?;
            return Ok(Outcome::Done);
        }
        let mut table = report::table(&["device", "adapter", "dtypes"]);
        for row in rows {
            let adapter = row.adapter.unwrap_or_else(|| "-".to_owned());
            match row.error {
                None => table.add_row([row.device, adapter, row.dtypes.join(" ")]),
                Some(error) => table.add_row([row.device, adapter, format!("error: {error}")]),
            };
        }
        report::print(&table)?;
        let absent = BACKENDS.iter().filter(|backend| !backend.compiled);
        let absent: Vec<_> = absent.map(|backend| backend.name).collect();
        if !absent.is_empty() {
            report::note(&format!(
                "not compiled in (cargo features): {}",
                absent.join(", ")
            ));
        }
        Ok(Outcome::Done)
    }
}

/// Probes a backend in a process of its own: a driver may do worse than panic.
fn aside(backend: &str) -> Vec<Row> {
    let found = || -> Result<Vec<Row>> {
        let output = worker::this_program(&["devices", "--json", "--backend", backend], &[])?;
        if !output.status.success() {
            bail!(
                "the process that looked for devices {}",
                worker::ended(&output)
            );
        }
        serde_json::from_slice(&output.stdout).context("the process that looked answered badly")
    };
    found().unwrap_or_else(|error| vec![failed(backend, &error)])
}

/// The devices of a backend, in this process.
fn probe(backend: &str) -> Vec<Row> {
    if backend == "remote" {
        // Its devices are where the user says.
        return Vec::new();
    }
    let count = failure::unpanicked(|| Ok(device::enumerate(backend).len())).unwrap_or_default();
    let names: Vec<String> = match count {
        0 | 1 => vec![backend.to_owned()],
        _ => (0..count)
            .map(|number| format!("{backend}:{number}"))
            .collect(),
    };
    names
        .iter()
        .map(|name| {
            let row = failure::unpanicked(|| {
                let device = device::parse(name)?;
                let dtypes = precision::formats(&device).into_iter().map(str::to_owned);
                Ok(Row {
                    device: name.clone(),
                    adapter: device::adapter_name(backend, &device),
                    dtypes: dtypes.collect(),
                    error: None,
                })
            });
            row.unwrap_or_else(|error| failed(name, &error))
        })
        .collect()
}

fn failed(device: &str, error: &anyhow::Error) -> Row {
    Row {
        device: device.to_owned(),
        adapter: None,
        dtypes: Vec::new(),
        error: Some(one_line(error)),
    }
}
