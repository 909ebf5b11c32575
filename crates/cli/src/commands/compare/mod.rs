//! `burn-zoo compare`.

mod difference;
mod layers;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use burn_zoo_core::TrainingKernels;
use serde_json::{Value, json};

use self::difference::Difference;
use self::layers::{Parting, Stage};
use crate::chart::{self, Bar};
use crate::engine::Switch;
use crate::failure::{self, Outcome, one_line};
use crate::inside::InsideArgs;
use crate::measure::{Job, Measured, Work};
use crate::precision::Precision;
use crate::report;
use crate::source::Source;
use crate::target::Target;
use crate::worker;

/// Runs the same weights and the same input on several devices: do they agree, how fast are they
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo compare --model resnet18 --devices flex,ndarray,wgpu
  burn-zoo compare --model inception_v4 --devices flex,wgpu --layers --json
  burn-zoo compare --model resnet50 --devices ndarray,flex --engine on

Each device is measured in a process of its own, one after the other. Differences are against the
first device that works: max_abs_diff is the greatest difference of two logits, max_rel_diff that
divided by the first device's greatest logit, argmax_equal whether the first class is the same, top5_equal whether the same five classes lead.
Memory is the process's peak (resident, from after loading the weights on), or, where the device
has memory pools, what they hold at the end. The engine is `on` in a row whose network was compiled,
`off` where Burn ran it.")]
pub(crate) struct Args {
    /// An architecture (resnet18: seeded random weights) or one with weights (resnet18.tv_in1k)
    #[arg(long)]
    model: String,
    /// Devices as --device takes them, separated by commas; the others are compared with the first
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', required = true)]
    devices: Vec<String>,
    /// Weight file: path, URL or hf:owner/repo[/file]
    #[arg(long, value_name = "FILE")]
    weights: Option<Source>,
    #[command(flatten)]
    inside: InsideArgs,
    /// A picture; without one the input is seeded random numbers from -1 to 1
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Images at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Number format of weights and images
    #[arg(long, value_name = "DTYPE", value_enum, default_value_t = Precision::F32)]
    dtype: Precision,
    /// Compiled inference where the device is flex; on all others the network is run as Burn does
    #[arg(long, value_name = "SWITCH", value_enum, default_value_t = Switch::Off)]
    engine: Switch,
    /// For how long each device is timed, after its warm-up
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = super::seconds)]
    seconds: f64,
    /// Also compares the stages' feature maps and tells the first one that differs
    #[arg(long)]
    layers: bool,
    /// Relative difference above which a stage differs
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 1e-3,
        value_parser = share,
        requires = "layers"
    )]
    tolerance: f64,
    /// Draws the latencies as a bar chart into a new file
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// What one device did.
struct Row {
    device: String,
    measured: Result<Found>,
}

struct Found {
    measured: Measured,
    difference: Difference,
    /// Where it parts from the first device, with `--layers`.
    parting: Option<Parting>,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let entry = burn_zoo::find(&self.model)?;
        if self.engine == Switch::On {
            self.dtype.compiles()?;
        }
        if entry.weights.is_none() && self.weights.is_none() {
            report::note(&format!("{}: seeded random weights", entry.name));
        }
        let svg = Target::of_option(self.svg.as_deref(), "--svg")?;
        let rows = self.measure()?;
        // Before the table, which nobody may be reading to its end.
        if let Some(file) = svg {
            let title = format!("{}, ms per batch of {}", entry.name, self.batch);
            file.write(chart::draw(&title, &bars(&rows))?.as_bytes())?;
        }
        if self.json {
            report::json(&rows.iter().map(|row| self.row(row)).collect())?;
        } else {
            self.table(&rows)?;
        }
        let errors = rows.iter().filter_map(|row| row.measured.as_ref().err());
        Ok(failure::outcome("devices", rows.len(), errors))
    }

    fn measure(&self) -> Result<Vec<Row>> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let mut first: Option<(Vec<Vec<f32>>, Vec<Stage>)> = None;
        let mut rows = Vec::new();
        for (index, device) in self.devices.iter().enumerate() {
            report::note(&format!("measuring {device}"));
            let path = folder.path().join(format!("{index}.safetensors"));
            let job = Job {
                model: self.model.clone(),
                weights: self.weights.clone(),
                inside: self.inside.clone(),
                image: self.image.clone(),
                device: device.clone(),
                dtype: self.dtype,
                batch: self.batch.into(),
                work: Work::Forward,
                engine: self.engine,
                kernels: TrainingKernels::default(),
                seconds: self.seconds,
                stages: self.layers.then(|| path.clone()),
            };
            let found = worker::run(&job).and_then(|measured| {
                let stages = match self.layers {
                    true => layers::read(&path, &measured.stages)?,
                    false => Vec::new(),
                };
                let (logits, maps) =
                    first.get_or_insert_with(|| (measured.logits.clone(), stages.clone()));
                Ok(Found {
                    difference: difference::between(&measured.logits, logits)?,
                    parting: self
                        .layers
                        .then(|| layers::part(maps, &stages, self.tolerance))
                        .transpose()?,
                    measured,
                })
            });
            rows.push(Row {
                device: device.clone(),
                measured: found,
            });
        }
        Ok(rows)
    }

    fn row(&self, row: &Row) -> Value {
        let found = match &row.measured {
            Ok(found) => found,
            Err(error) => {
                return json!({
                    "device": row.device,
                    "dtype": self.dtype.to_string(),
                    "batch": self.batch,
                    "error": one_line(error),
                });
            }
        };
        let Found {
            measured,
            difference,
            parting,
        } = found;
        let mut json = json!({
            "device": row.device,
            "adapter": measured.adapter,
            "dtype": self.dtype.to_string(),
            "batch": self.batch,
            "engine": measured.engine,
            "max_abs_diff": difference.absolute,
            "max_rel_diff": difference.relative,
            "argmax_equal": difference.argmax_equal,
            "top5_equal": difference.top5_equal,
            "latency_ms": measured.latency,
            "images_per_s": per_second(self.batch, measured.latency.median),
            "warm_up": measured.warm_up,
            "peak_bytes": measured.peak.map(|(bytes, _)| bytes),
            "peak_memory": measured.peak.map(|(_, memory)| memory),
        });
        if let Some(parting) = parting {
            json["layers"] = json!(parting.stages);
            json["first_different_layer"] = json!(parting.first);
        }
        json
    }

    fn table(&self, rows: &[Row]) -> Result<()> {
        let mut header = vec![
            "device",
            "adapter",
            "dtype",
            "abs. diff.",
            "rel. diff.",
            "top-5",
            "median ms",
            "p95 ms",
            "images/s",
            "warm-up ms",
            "compile ms",
            "peak MB",
        ];
        if self.engine == Switch::On {
            header.push("engine");
        }
        if self.layers {
            header.push("differs from");
        }
        let mut table = report::table(&header);
        for row in rows {
            let Found {
                measured,
                difference,
                parting,
            } = match &row.measured {
                Ok(found) => found,
                Err(error) => {
                    table.add_row([row.device.clone(), format!("error: {}", one_line(error))]);
                    continue;
                }
            };
            let whole = |value: f64| format!("{value:.0}");
            let mut cells = vec![
                row.device.clone(),
                measured.adapter.clone().unwrap_or_else(|| "-".to_owned()),
                self.dtype.to_string(),
                format!("{:.1e}", difference.absolute),
                format!("{:.1e}", difference.relative),
                if difference.top5_equal {
                    "same"
                } else {
                    "differs"
                }
                .to_owned(),
                format!("{:.2}", measured.latency.median),
                format!("{:.2}", measured.latency.p95),
                format!("{:.1}", per_second(self.batch, measured.latency.median)),
                whole(measured.warm_up.total_ms),
                measured
                    .warm_up
                    .compile_ms
                    .map_or_else(|| "-".to_owned(), whole),
                report::megabytes(measured.peak.map(|(bytes, _)| bytes)),
            ];
            if self.engine == Switch::On {
                cells.push(measured.engine.to_string());
            }
            if let Some(parting) = parting {
                cells.push(
                    parting
                        .first
                        .clone()
                        .unwrap_or_else(|| "no stage".to_owned()),
                );
            }
            table.add_row(cells);
        }
        report::print(&table)
    }
}

/// A relative difference, for a flag.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share @ 0.0..=1.0) => Ok(share),
        _ => Err("expected a share from 0 to 1, as 1e-3".to_owned()),
    }
}

/// Images in a second, where a batch takes `milliseconds`.
fn per_second(batch: u16, milliseconds: f64) -> f64 {
    1e3 * f64::from(batch) / milliseconds
}

fn bars(rows: &[Row]) -> Vec<Bar> {
    let bar = |row: &Row| Bar {
        name: match &row.measured {
            Ok(found) if found.measured.engine == Switch::On => format!("{}, engine", row.device),
            _ => row.device.clone(),
        },
        value: match &row.measured {
            Ok(found) => Ok((found.measured.latency.median, found.measured.latency.p95)),
            Err(error) => Err(one_line(error)),
        },
    };
    rows.iter().map(bar).collect()
}
