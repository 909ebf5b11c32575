//! Results over time: a CSV file that each run adds to.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::engine::Switch;
use crate::target;

/// One row. Times are milliseconds, memory is bytes; what is unknown is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) date: String,
    pub(super) machine: String,
    pub(super) burn_zoo: String,
    pub(super) burn: String,
    pub(super) command: String,
    pub(super) model: String,
    pub(super) device: String,
    pub(super) adapter: Option<String>,
    pub(super) dtype: String,
    pub(super) batch: u16,
    pub(super) forward_median_ms: Option<f64>,
    pub(super) forward_p95_ms: Option<f64>,
    pub(super) train_median_ms: Option<f64>,
    pub(super) train_p95_ms: Option<f64>,
    pub(super) images_per_s: Option<f64>,
    pub(super) peak_bytes: Option<u64>,
    pub(super) train_peak_bytes: Option<u64>,
    pub(super) error: Option<String>,
    // The columns from here on came to the file later.
    /// By which of our kernels a training step was computed.
    #[serde(default)]
    pub(super) kernels: Option<String>,
    #[serde(default)]
    pub(super) train_plain_median_ms: Option<f64>,
    #[serde(default)]
    pub(super) train_plain_p95_ms: Option<f64>,
    #[serde(default)]
    pub(super) train_plain_peak_bytes: Option<u64>,
    /// Whether the forward pass was compiled.
    #[serde(default)]
    pub(super) engine: Option<Switch>,
    #[serde(default)]
    pub(super) forward_plain_median_ms: Option<f64>,
    #[serde(default)]
    pub(super) forward_plain_p95_ms: Option<f64>,
    #[serde(default)]
    pub(super) plain_peak_bytes: Option<u64>,
}

impl Record {
    /// The forward pass now over that of an earlier row, which may have been Burn's own.
    pub(super) fn forward_ratio(&self, before: &Self) -> Option<f64> {
        let now = match (self.engine, before.engine) {
            (Some(Switch::On), None | Some(Switch::Off)) => self.forward_plain_median_ms,
            _ => self.forward_median_ms,
        };
        Some(now? / before.forward_median_ms?)
    }

    /// The training step now over that of an earlier row, which may have been Burn's own.
    pub(super) fn train_ratio(&self, before: &Self) -> Option<f64> {
        let now = match (&self.kernels, &before.kernels) {
            (Some(_), None) => self.train_plain_median_ms,
            _ => self.train_median_ms,
        };
        Some(now? / before.train_median_ms?)
    }
}

/// The first line of every file so far.
const FIRST: &str = "date,machine,burn_zoo,burn,command,model,device,adapter,dtype,batch,\
                     forward_median_ms,forward_p95_ms,train_median_ms,train_p95_ms,images_per_s,\
                     peak_bytes,train_peak_bytes,error";

/// The columns that came later.
const LATER: &str = ",kernels,train_plain_median_ms,train_plain_p95_ms,train_plain_peak_bytes,\
                     engine,forward_plain_median_ms,forward_plain_p95_ms,plain_peak_bytes";

/// The rows of a file.
#[derive(Debug)]
pub(super) struct History(Vec<Record>);

impl History {
    /// Reads a file that `bench --csv` wrote.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = || format!("cannot read {}", path.display());
        ensure!(path.is_file(), "{}: no such file", failed());
        let line = first_line(path)?;
        if line.as_deref().and_then(columns_lacking).is_none() {
            check(path)?;
        }
        let mut reader = csv::Reader::from_path(path).with_context(failed)?;
        let records: Result<_, _> = reader.deserialize().collect();
        Ok(Self(records.with_context(failed)?))
    }

    /// The latest row of the same model, device, format and batch size.
    pub(super) fn last_like(&self, record: &Record) -> Option<&Record> {
        let of = |r: &Record| (r.model.clone(), r.device.clone(), r.dtype.clone(), r.batch);
        let rows = self.0.iter().rev();
        let mut measured = rows.filter(|row| row.forward_median_ms.is_some());
        measured.find(|row| of(row) == of(record))
    }
}

/// Refuses a file that is another one than `bench --csv` writes.
pub(super) fn check(path: &Path) -> Result<()> {
    let shown = path.display();
    let Some(line) = first_line(path)? else {
        let folder = target::folder(path);
        if !folder.is_dir() {
            bail!(
                "cannot write {shown}: there is no folder {}",
                folder.display()
            );
        }
        return Ok(());
    };
    match columns_lacking(&line) {
        Some("") => Ok(()),
        Some(columns) => bail!(
            "{shown} lacks the columns {}; write to a new file (--vs takes this one)",
            &columns[1..]
        ),
        None => bail!("{shown} is no file of `bench --csv`: its first line is not {FIRST}{LATER}"),
    }
}

/// The end of the list of columns that a file with this first line, written by an earlier version, does
/// not have; none where it is another file.
fn columns_lacking(line: &str) -> Option<&'static str> {
    let has = line.strip_prefix(FIRST)?;
    let lacks = LATER.strip_prefix(has)?;
    (lacks.is_empty() || lacks.starts_with(',')).then_some(lacks)
}

/// The first line of a file that is there and not empty.
fn first_line(path: &Path) -> Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().next().map(str::to_owned))
}

/// Adds rows at the end of a file, with a first line where it is new.
pub(super) fn append(path: &Path, records: &[Record]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(failed)?;
    let before = std::fs::read(path).with_context(failed)?;
    // An editor may have taken the end of the last line.
    let whole = before.is_empty() || before.ends_with(b"\n");
    let begun = if whole { Vec::new() } else { b"\n".to_vec() };
    let mut writer = csv::WriterBuilder::new()
        .has_headers(before.is_empty())
        .from_writer(begun);
    for record in records {
        writer.serialize(record).with_context(failed)?;
    }
    // One write, so that two runs at once do not mix their rows.
    file.write_all(&writer.into_inner().with_context(failed)?)
        .with_context(failed)
}

/// The time, by the clock of the world.
pub(super) fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    now.format(&Rfc3339).unwrap_or_default()
}

/// What the user ran.
pub(super) fn command() -> String {
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|it| it.to_string_lossy().into_owned());
    let words: Vec<_> = std::iter::once("burn-zoo".to_owned())
        .chain(arguments)
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(device: &str, forward: Option<f64>) -> Record {
        Record {
            date: now(),
            machine: "a machine, with a comma".to_owned(),
            burn_zoo: "0.1.0".to_owned(),
            burn: "0.22.1".to_owned(),
            command: "burn-zoo bench".to_owned(),
            model: "resnet18".to_owned(),
            device: device.to_owned(),
            adapter: None,
            dtype: "f32".to_owned(),
            batch: 1,
            forward_median_ms: forward,
            forward_p95_ms: forward,
            train_median_ms: None,
            train_p95_ms: None,
            images_per_s: None,
            peak_bytes: Some(7),
            train_peak_bytes: None,
            error: forward.is_none().then(|| "failed".to_owned()),
            kernels: Some("fast".to_owned()),
            train_plain_median_ms: forward,
            train_plain_p95_ms: None,
            train_plain_peak_bytes: None,
            engine: Some(Switch::On),
            forward_plain_median_ms: forward.map(|ms| 2.0 * ms),
            forward_plain_p95_ms: None,
            plain_peak_bytes: None,
        }
    }

    #[test]
    fn rows_collect_and_the_last_that_was_measured_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("speed.csv");
        check(&path).unwrap();
        append(
            &path,
            &[record("flex", Some(2.0)), record("wgpu", Some(9.0))],
        )
        .unwrap();
        append(&path, &[record("flex", Some(3.0)), record("flex", None)]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 5, "{text}");
        // As some editors leave a file.
        std::fs::write(&path, text.trim_end()).unwrap();
        append(&path, &[record("tch", Some(1.0))]).unwrap();
        let history = History::read(&path).unwrap();
        let found = history.last_like(&record("flex", None)).unwrap();
        assert_eq!(found.forward_median_ms, Some(3.0));
        assert_eq!(found.machine, "a machine, with a comma");
        assert!(history.last_like(&record("cuda", None)).is_none());
    }

    #[test]
    fn a_file_without_the_later_columns_is_read_and_not_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("former.csv");
        let row = "2026-01-01T00:00:00Z,machine,0.1.0,0.22.1,burn-zoo bench,resnet18,flex,,f32,1,\
                   2.5,,,,,,,";
        std::fs::write(&path, format!("{FIRST}\n{row}\n")).unwrap();
        let history = History::read(&path).unwrap();
        let found = history.last_like(&record("flex", None)).unwrap();
        assert_eq!(found.forward_median_ms, Some(2.5));
        assert!(found.kernels.is_none() && found.engine.is_none());
        // What was measured then was Burn's own, so that is what is compared.
        assert_eq!(record("flex", Some(5.0)).forward_ratio(found), Some(4.0));
        let message = check(&path).unwrap_err().to_string();
        assert!(message.contains("lacks the columns kernels"), "{message}");
    }

    #[test]
    fn another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.csv");
        std::fs::write(&path, "name,age\n").unwrap();
        let message = check(&path).unwrap_err().to_string();
        assert!(
            message.contains("notes.csv is no file of `bench --csv`"),
            "{message}"
        );
        assert!(History::read(&folder.path().join("none.csv")).is_err());
        let message = check(&folder.path().join("no/speed.csv")).unwrap_err();
        assert!(message.to_string().contains("no folder"), "{message}");
    }
}
