//! What a run writes down beside its weights.

mod curves;
mod markdown;

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use burn_zoo_core::{Error, weights};

pub(crate) use markdown::About;

use crate::output::{CONFUSION, CURVES, LOG, METRICS, REPORT};
use crate::picture;
use crate::report::{Ended, EpochReport};

/// The files in the folder of a run. All but the log are written anew after each epoch, from the
/// figures in the checkpoint, so that a resumed run's are those of one never stopped.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    about: About,
    /// Names of the classes, where they have some.
    labels: Vec<Option<String>>,
}

impl Files {
    pub(crate) fn new(folder: &Path, about: About, labels: Vec<Option<String>>) -> Self {
        Self {
            folder: folder.to_path_buf(),
            about,
            labels,
        }
    }

    /// Draws which classes were taken for which: images by true class (row) and first guess.
    pub(crate) fn confusion(&self, matrix: &[Vec<usize>]) -> Result<(), Error> {
        let svg = picture::confusion(matrix, &self.labels);
        let svg = svg.map_err(|reason| Error::Training { reason })?;
        weights::write(&self.folder.join(CONFUSION), svg.as_bytes())
    }

    /// Notes that a run starts, or after how many epochs it goes on.
    pub(crate) fn start(&self, resumed: Option<usize>) -> Result<(), Error> {
        let about = &self.about.model;
        self.log(&match resumed {
            None => format!("started: {about}"),
            Some(epochs) => format!("resumed after {epochs} epochs: {about}"),
        })
    }

    /// Writes down the figures up to the newest epoch.
    pub(crate) fn epoch(&self, epochs: &[EpochReport], total: usize) -> Result<(), Error> {
        if let Some(newest) = epochs.last() {
            self.log(&format!(
                "epoch {}/{total}: {}",
                newest.epoch,
                newest.line()
            ))?;
        }
        let write =
            |name: &str, text: String| weights::write(&self.folder.join(name), text.as_bytes());
        write(METRICS, table(epochs))?;
        write(CURVES, curves::svg(epochs)?)?;
        write(REPORT, self.about.report(epochs, total))
    }

    /// Notes why a run ended; nothing for an error.
    pub(crate) fn end(&self, ended: Option<Ended>) -> Result<(), Error> {
        self.log(match ended {
            Some(Ended::Finished) => "finished",
            Some(Ended::Early) => "finished early: no longer better",
            Some(Ended::Stopped) => "stopped; it can be resumed",
            None => "failed",
        })
    }

    fn log(&self, line: &str) -> Result<(), Error> {
        let path = self.folder.join(LOG);
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let written = file.and_then(|mut file| writeln!(file, "{now} {line}"));
        written.map_err(|source| Error::Write { path, source })
    }
}

/// The figures as CSV, one row an epoch; empty where there is none.
fn table(epochs: &[EpochReport]) -> String {
    let mut text = "epoch,train_loss,valid_loss,top1,lr,seconds,data_wait,skipped\n".to_owned();
    let given = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for epoch in epochs {
        let (loss, top1) = (given(epoch.valid_loss), given(epoch.top1));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{},{loss},{top1},{},{:.3},{:.4},{}",
            epoch.epoch, epoch.train_loss, epoch.lr, epoch.seconds, epoch.data_wait, epoch.skipped
        );
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn epochs() -> [EpochReport; 2] {
        let first = EpochReport {
            epoch: 1,
            train_loss: 2.5,
            valid_loss: None,
            top1: None,
            lr: 0.1,
            seconds: 1.5,
            data_wait: 0.125,
            skipped: 3,
        };
        let second = EpochReport {
            epoch: 2,
            train_loss: 1.25,
            valid_loss: Some(1.75),
            top1: Some(62.5),
            lr: 0.05,
            seconds: 2.0,
            data_wait: 0.0,
            skipped: 0,
        };
        [first, second]
    }

    #[test]
    fn the_table_has_a_row_an_epoch_and_leaves_unknown_figures_empty() {
        let expected = "epoch,train_loss,valid_loss,top1,lr,seconds,data_wait,skipped\n\
                        1,2.5,,,0.1,1.500,0.1250,3\n2,1.25,1.75,62.5,0.05,2.000,0.0000,0\n";
        assert_eq!(table(&epochs()), expected);
    }
}
