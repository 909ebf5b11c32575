//! `burn-zoo bench`.

mod history;

use std::path::PathBuf;

use anyhow::Result;
use burn_zoo_core::TrainingKernels;
use serde_json::{Value, json};

use self::history::{History, Record};
use crate::device::DeviceArgs;
use crate::engine::Switch;
use crate::failure::{self, Outcome, one_line};
use crate::inside::InsideArgs;
use crate::kernels::KernelArgs;
use crate::measure::{Job, Measured, Work};
use crate::precision::Precision;
use crate::source::Source;
use crate::{machine, report, worker};

/// Times a network: forward pass and training step, by batch size and number format
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo bench --model resnet50 --batch 1,8,32 --csv speed.csv
  burn-zoo bench --model resnet50 --device cuda --dtype f32,f16 --vs speed.csv

Each combination is measured in processes of its own. A training step is forward, backward and a
step of SGD. Where our kernels compute (f32 on flex), both are measured by Burn's own operations
too (`plain`). With one batch size and one format the JSON document is an object, else a list of
them. --csv adds a row per combination to a file, with machine, versions and command; --vs divides
by the last row of the same model, device, format and batch size in such a file.")]
pub(crate) struct Args {
    /// An architecture (resnet18: seeded random weights) or one with weights (resnet18.tv_in1k)
    #[arg(long)]
    model: String,
    #[command(flatten)]
    device: DeviceArgs,
    /// Weight file: path, URL or hf:owner/repo[/file]
    #[arg(long, value_name = "FILE")]
    weights: Option<Source>,
    #[command(flatten)]
    inside: InsideArgs,
    /// Images at once, one number or several
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Vec<u16>,
    /// Number formats, one or several
    #[arg(
        long,
        value_name = "DTYPE,…",
        value_delimiter = ',',
        value_enum,
        default_value = "f32"
    )]
    dtype: Vec<Precision>,
    /// Leaves the training step out
    #[arg(long)]
    forward_only: bool,
    #[command(flatten)]
    kernels: KernelArgs,
    /// For how long each is timed, after its warm-up
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = super::seconds)]
    seconds: f64,
    /// Adds a row per combination to this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Compares with the rows of an earlier --csv
    #[arg(long, value_name = "FILE")]
    vs: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// One combination.
struct Row {
    batch: u16,
    dtype: Precision,
    forward: Pair,
    train: Option<Pair>,
}

/// One kind of work, as the user asked for it.
struct Pair {
    measured: Result<Measured>,
    /// By Burn's own operations, where `measured` is by our kernels.
    plain: Option<Result<Measured>>,
}

impl Row {
    fn measurements(&self) -> impl Iterator<Item = &Result<Measured>> {
        let pairs = std::iter::once(&self.forward).chain(&self.train);
        pairs.flat_map(|pair| std::iter::once(&pair.measured).chain(&pair.plain))
    }

    /// A forward pass, one by Burn's own operations, a training step, one by Burn's own operations.
    fn figures(&self) -> [Figures; 4] {
        let [forward, plain] = self.forward.figures();
        let [train, train_plain] = self.train.as_ref().map(Pair::figures).unwrap_or_default();
        [forward, plain, train, train_plain]
    }
}

impl Pair {
    fn figures(&self) -> [Figures; 2] {
        [Some(&self.measured), self.plain.as_ref()].map(Figures::of)
    }
}

/// What was measured, where it was.
#[derive(Clone, Copy, Default)]
struct Figures {
    median_ms: Option<f64>,
    p95_ms: Option<f64>,
    peak_bytes: Option<u64>,
}

impl Figures {
    fn of(measured: Option<&Result<Measured>>) -> Self {
        let measured = measured.and_then(|measured| measured.as_ref().ok());
        Self {
            median_ms: measured.map(|it| it.latency.median),
            p95_ms: measured.map(|it| it.latency.p95),
            peak_bytes: measured.and_then(|it| it.peak).map(|(bytes, _)| bytes),
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let entry = burn_zoo::find(&self.model)?;
        let before = self.vs.as_deref().map(History::read).transpose()?;
        if let Some(path) = &self.csv {
            history::check(path)?;
        }
        if entry.weights.is_none() && self.weights.is_none() {
            report::note(&format!("{}: seeded random weights", entry.name));
        }
        let mut rows = Vec::new();
        for &dtype in &self.dtype {
            for &batch in &self.batch {
                rows.push(self.measure(dtype, batch));
            }
        }
        let records: Vec<Record> = rows.iter().map(|row| self.record(row)).collect();
        if let Some(path) = &self.csv {
            history::append(path, &records)?;
        }
        let before = before.as_ref();
        let known = records
            .iter()
            .map(|record| before.and_then(|file| file.last_like(record)));
        let known: Vec<Option<&Record>> = known.collect();
        if self.json {
            let rows = rows.iter().zip(&records).zip(&known);
            let mut rows: Vec<_> = rows
                .map(|((row, record), before)| self.row(row, record, *before))
                .collect();
            match rows.len() {
                1 => report::json(&rows.remove(0))?,
                _ => report::json(&rows.into())?,
            }
        } else {
            table(&rows, &records, &known, self.vs.is_some())?;
        }
        let all = || rows.iter().flat_map(Row::measurements);
        let errors = all().filter_map(|measured| measured.as_ref().err());
        Ok(failure::outcome("measurements", all().count(), errors))
    }

    fn measure(&self, dtype: Precision, batch: u16) -> Row {
        report::note(&format!("measuring {dtype}, batch {batch}"));
        let job = |work, kernels| Job {
            model: self.model.clone(),
            weights: self.weights.clone(),
            inside: self.inside.clone(),
            image: None,
            device: self.device.name().to_owned(),
            dtype,
            batch: batch.into(),
            work,
            engine: match kernels {
                TrainingKernels::Off => Switch::Off,
                _ => Switch::On,
            },
            kernels,
            seconds: self.seconds,
            stages: None,
        };
        let pair = |work, kernels| Pair {
            measured: worker::run(&job(work, kernels)),
            plain: (kernels != TrainingKernels::Off)
                .then(|| worker::run(&job(work, TrainingKernels::Off))),
        };
        let forward = pair(Work::Forward, self.kernels(dtype));
        // What cannot answer cannot learn either.
        let trains = !self.forward_only && forward.measured.is_ok();
        Row {
            batch,
            dtype,
            forward,
            train: trains.then(|| pair(Work::Train, self.training_kernels(dtype))),
        }
    }

    /// Which of our kernels compute, if any: they do on flex, in f32.
    fn kernels(&self, dtype: Precision) -> TrainingKernels {
        match self.device.is_flex() && dtype == Precision::F32 {
            true => self.kernels.choice(),
            false => TrainingKernels::Off,
        }
    }

    /// Those of a training step, which are a feature.
    fn training_kernels(&self, dtype: Precision) -> TrainingKernels {
        match cfg!(feature = "fast-cpu") {
            true => self.kernels(dtype),
            false => TrainingKernels::Off,
        }
    }

    fn record(&self, row: &Row) -> Record {
        let forward = row.forward.measured.as_ref().ok();
        let error = row.measurements().find_map(|it| it.as_ref().err());
        let kernels = match self.training_kernels(row.dtype) {
            TrainingKernels::Fast => Some("fast".to_owned()),
            TrainingKernels::Exact => Some("exact".to_owned()),
            TrainingKernels::Off => None,
        };
        let [answer, answer_plain, step, step_plain] = row.figures();
        Record {
            date: history::now(),
            machine: machine::describe(),
            burn_zoo: env!("CARGO_PKG_VERSION").to_owned(),
            burn: machine::BURN.to_owned(),
            command: history::command(),
            model: self.model.clone(),
            device: self.device.name().to_owned(),
            adapter: forward.and_then(|measured| measured.adapter.clone()),
            dtype: row.dtype.to_string(),
            batch: row.batch,
            forward_median_ms: answer.median_ms,
            forward_p95_ms: answer.p95_ms,
            train_median_ms: step.median_ms,
            train_p95_ms: step.p95_ms,
            images_per_s: answer.median_ms.map(|ms| 1e3 * f64::from(row.batch) / ms),
            peak_bytes: answer.peak_bytes,
            train_peak_bytes: step.peak_bytes,
            error: error.map(one_line),
            kernels: kernels.filter(|_| row.train.is_some()),
            train_plain_median_ms: step_plain.median_ms,
            train_plain_p95_ms: step_plain.p95_ms,
            train_plain_peak_bytes: step_plain.peak_bytes,
            engine: forward.map(|measured| measured.engine),
            forward_plain_median_ms: answer_plain.median_ms,
            forward_plain_p95_ms: answer_plain.p95_ms,
            plain_peak_bytes: answer_plain.peak_bytes,
        }
    }

    fn row(&self, row: &Row, record: &Record, before: Option<&Record>) -> Value {
        let mut json = json!({
            "model": record.model,
            "device": record.device,
            "batch": record.batch,
            "dtype": record.dtype,
        });
        match &row.forward.measured {
            Err(error) => json["error"] = json!(one_line(error)),
            Ok(forward) => {
                json["adapter"] = json!(forward.adapter);
                json["engine"] = json!(forward.engine);
                json["forward_ms"] = json!(forward.latency);
                json["images_per_s"] = json!(record.images_per_s);
                json["warm_up"] = json!(forward.warm_up);
                json["peak_bytes"] = json!(record.peak_bytes);
                json["peak_memory"] = json!(forward.peak.map(|(_, memory)| memory));
            }
        }
        plain(&mut json, "forward_plain", row.forward.plain.as_ref());
        if let Some(train) = &row.train {
            match &train.measured {
                Err(error) => json["train_error"] = json!(one_line(error)),
                Ok(measured) => {
                    json["train_ms"] = json!(measured.latency);
                    json["train_warm_up"] = json!(measured.warm_up);
                    json["train_peak_bytes"] = json!(record.train_peak_bytes);
                    json["kernels"] = json!(record.kernels);
                }
            }
            plain(&mut json, "train_plain", train.plain.as_ref());
        }
        if self.vs.is_some() {
            json["vs"] = json!(before.map(|before| {
                json!({
                    "date": before.date,
                    "machine": before.machine,
                    "forward": record.forward_ratio(before),
                    "train": record.train_ratio(before),
                })
            }));
        }
        json
    }
}

/// Adds what Burn's own operations took, where that was measured beside ours.
fn plain(json: &mut Value, name: &str, measured: Option<&Result<Measured>>) {
    match measured {
        None => {}
        Some(Err(error)) => json[format!("{name}_error")] = json!(one_line(error)),
        Some(Ok(measured)) => {
            json[format!("{name}_ms")] = json!(measured.latency);
            let peak = measured.peak.map(|(bytes, _)| bytes);
            json[format!("{name}_peak_bytes")] = json!(peak);
        }
    }
}

fn table(
    rows: &[Row],
    records: &[Record],
    known: &[Option<&Record>],
    with_ratios: bool,
) -> Result<()> {
    let mut header = vec!["dtype", "batch", "engine", "images/s"];
    for work in [
        "forward ms",
        "plain forward ms",
        "train ms",
        "plain train ms",
    ] {
        header.extend([work, "p95", "peak MB"]);
    }
    if with_ratios {
        header.extend(["forward / before", "train / before"]);
    }
    header.push("");
    let mut table = report::table(&header);
    let number =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    for ((row, record), before) in rows.iter().zip(records).zip(known) {
        let mut cells = vec![
            record.dtype.clone(),
            record.batch.to_string(),
            record
                .engine
                .map_or_else(|| "-".to_owned(), |it| it.to_string()),
            number(record.images_per_s),
        ];
        for figures in row.figures() {
            cells.push(number(figures.median_ms));
            cells.push(number(figures.p95_ms));
            cells.push(report::megabytes(figures.peak_bytes));
        }
        if with_ratios {
            cells.push(number(
                before.and_then(|before| record.forward_ratio(before)),
            ));
            cells.push(number(before.and_then(|before| record.train_ratio(before))));
        }
        let error = record.error.as_ref();
        cells.push(error.map_or_else(String::new, |error| format!("error: {error}")));
        table.add_row(cells);
    }
    report::print(&table)
}
