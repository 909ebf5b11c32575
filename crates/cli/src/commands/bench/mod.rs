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

Each combination is measured in processes of their own. A training step is forward, backward and a
step of SGD; where our kernels compute it (f32 on flex), it is measured without them too. With one batch size and one format the JSON document is an object, else a list of
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
    forward: Result<Measured>,
    train: Option<Result<Measured>>,
    /// By Burn's own operations, where `train` is by our kernels.
    train_plain: Option<Result<Measured>>,
}

impl Row {
    fn measurements(&self) -> impl Iterator<Item = &Result<Measured>> {
        let train = self.train.iter().chain(&self.train_plain);
        std::iter::once(&self.forward).chain(train)
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
            table(&records, &known, self.vs.is_some())?;
        }
        let all = || rows.iter().flat_map(Row::measurements);
        let errors = all().filter_map(|measured| measured.as_ref().err());
        Ok(failure::outcome("measurements", all().count(), errors))
    }

    fn measure(&self, dtype: Precision, batch: u16) -> Row {
        let job = |work, kernels| Job {
            model: self.model.clone(),
            weights: self.weights.clone(),
            image: None,
            device: self.device.name().to_owned(),
            dtype,
            batch: batch.into(),
            work,
            engine: Switch::Off,
            kernels,
            seconds: self.seconds,
            stages: None,
        };
        report::note(&format!("measuring {dtype}, batch {batch}"));
        let kernels = self.kernels(dtype);
        let forward = worker::run(&job(Work::Forward, kernels));
        // What cannot answer cannot learn either.
        let trains = !self.forward_only && forward.is_ok();
        let train = |kernels| worker::run(&job(Work::Train, kernels));
        let off = TrainingKernels::Off;
        Row {
            batch,
            dtype,
            forward,
            train: trains.then(|| train(kernels)),
            train_plain: (trains && kernels != off).then(|| train(off)),
        }
    }

    /// What computes a training step.
    fn kernels(&self, dtype: Precision) -> TrainingKernels {
        let ours = cfg!(feature = "fast-cpu") && self.device.is_flex() && dtype == Precision::F32;
        match ours {
            true => self.kernels.choice(),
            false => TrainingKernels::Off,
        }
    }

    fn record(&self, row: &Row) -> Record {
        let forward = row.forward.as_ref().ok();
        let [train, train_plain] =
            [&row.train, &row.train_plain].map(|it| it.as_ref().and_then(|it| it.as_ref().ok()));
        let error = row.measurements().find_map(|it| it.as_ref().err());
        let median = |measured: &Measured| measured.latency.median;
        let p95 = |measured: &Measured| measured.latency.p95;
        let peak = |measured: &Measured| measured.peak.map(|(bytes, _)| bytes);
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
            forward_median_ms: forward.map(median),
            forward_p95_ms: forward.map(p95),
            train_median_ms: train.map(median),
            train_p95_ms: train.map(p95),
            images_per_s: forward.map(|measured| 1e3 * f64::from(row.batch) / median(measured)),
            peak_bytes: forward.and_then(peak),
            train_peak_bytes: train.and_then(peak),
            error: error.map(one_line),
            kernels: match self.kernels(row.dtype) {
                TrainingKernels::Fast => Some("fast".to_owned()),
                TrainingKernels::Exact => Some("exact".to_owned()),
                TrainingKernels::Off => None,
            },
            train_plain_median_ms: train_plain.map(median),
            train_plain_p95_ms: train_plain.map(p95),
            train_plain_peak_bytes: train_plain.and_then(peak),
        }
    }

    fn row(&self, row: &Row, record: &Record, before: Option<&Record>) -> Value {
        let mut json = json!({
            "model": record.model,
            "device": record.device,
            "batch": record.batch,
            "dtype": record.dtype,
        });
        match &row.forward {
            Err(error) => json["error"] = json!(one_line(error)),
            Ok(forward) => {
                json["adapter"] = json!(forward.adapter);
                json["forward_ms"] = json!(forward.latency);
                json["images_per_s"] = json!(record.images_per_s);
                json["warm_up"] = json!(forward.warm_up);
                json["peak_bytes"] = json!(record.peak_bytes);
                json["peak_memory"] = json!(forward.peak.map(|(_, memory)| memory));
            }
        }
        match &row.train {
            None => {}
            Some(Err(error)) => json["train_error"] = json!(one_line(error)),
            Some(Ok(train)) => {
                json["train_ms"] = json!(train.latency);
                json["train_warm_up"] = json!(train.warm_up);
                json["train_peak_bytes"] = json!(record.train_peak_bytes);
                json["kernels"] = json!(record.kernels);
            }
        }
        match &row.train_plain {
            None => {}
            Some(Err(error)) => json["train_plain_error"] = json!(one_line(error)),
            Some(Ok(train)) => {
                json["train_plain_ms"] = json!(train.latency);
                json["train_plain_peak_bytes"] = json!(record.train_plain_peak_bytes);
            }
        }
        if self.vs.is_some() {
            json["vs"] = json!(before.map(|before| {
                json!({
                    "date": before.date,
                    "machine": before.machine,
                    "forward": ratio(record.forward_median_ms, before.forward_median_ms),
                    "train": ratio(record.train_median_ms, before.train_median_ms),
                })
            }));
        }
        json
    }
}

/// Now over then.
fn ratio(now: Option<f64>, then: Option<f64>) -> Option<f64> {
    Some(now? / then?)
}

fn table(records: &[Record], known: &[Option<&Record>], with_ratios: bool) -> Result<()> {
    let mut header = vec![
        "dtype",
        "batch",
        "forward ms",
        "p95",
        "images/s",
        "peak MB",
        "train ms",
        "p95",
        "peak MB",
        "plain train ms",
        "p95",
        "peak MB",
    ];
    if with_ratios {
        header.extend(["forward / before", "train / before"]);
    }
    header.push("");
    let mut table = report::table(&header);
    let number =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    for (record, before) in records.iter().zip(known) {
        let mut cells = vec![
            record.dtype.clone(),
            record.batch.to_string(),
            number(record.forward_median_ms),
            number(record.forward_p95_ms),
            number(record.images_per_s),
            report::megabytes(record.peak_bytes),
            number(record.train_median_ms),
            number(record.train_p95_ms),
            report::megabytes(record.train_peak_bytes),
            number(record.train_plain_median_ms),
            number(record.train_plain_p95_ms),
            report::megabytes(record.train_plain_peak_bytes),
        ];
        if with_ratios {
            cells.push(number(ratio(
                record.forward_median_ms,
                before.and_then(|b| b.forward_median_ms),
            )));
            cells.push(number(ratio(
                record.train_median_ms,
                before.and_then(|b| b.train_median_ms),
            )));
        }
        cells.push(
            record
                .error
                .as_ref()
                .map_or_else(String::new, |error| format!("error: {error}")),
        );
        table.add_row(cells);
    }
    report::print(&table)
}
