//! `burn-zoo cache`.

use anyhow::Result;
use burn_zoo_core::fetch::{Cache, Entry, Remote, State};
use serde_json::{Value, json};

use crate::failure::{Outcome, one_line};
use crate::{fetch, report};

/// Shows, verifies or removes what was fetched
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo cache
  burn-zoo cache verify
  burn-zoo cache clean 'resnet50*'
  burn-zoo cache clean 'url-*'")]
pub(crate) struct Args {
    /// What to do
    #[arg(value_enum, default_value_t = Action::List, hide_default_value = true)]
    action: Action,
    /// Only names that match; `*` stands for any text, `?` for one character
    #[arg(default_value = "*", hide_default_value = true)]
    pattern: String,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Shows what is there
    List,
    /// Reads every file and compares its checksum
    Verify,
    /// Removes the files, unfinished ones too
    Clean,
}

/// A file, and how the action on it went.
struct Row {
    entry: Entry,
    error: Option<anyhow::Error>,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let cache = Cache::from_env()?;
        let mut rows = Vec::new();
        fetch::all(&cache, |remote| {
            if burn_zoo::matches(&self.pattern, remote.name) {
                let entries = cache.entries(remote).into_iter();
                rows.extend(entries.map(|entry| self.row(&cache, remote, entry)));
            }
        });
        if self.json {
            report::json(&rows.iter().map(Row::json).collect())?;
        } else {
            self.table(&rows, &cache)?;
        }
        let Some(error) = rows.iter().find_map(|row| row.error.as_ref()) else {
            return Ok(Outcome::Done);
        };
        report::failed(one_line(error));
        Ok(Outcome::Partial)
    }

    fn row(&self, cache: &Cache, remote: Remote<'_>, mut entry: Entry) -> Row {
        let result = match self.action {
            Action::Verify if entry.state != State::Partial => cache.verify(remote).map(|_| {
                entry.state = State::Verified;
            }),
            Action::Clean => cache.remove(remote),
            Action::List | Action::Verify => Ok(()),
        };
        Row {
            entry,
            error: result.err().map(anyhow::Error::from),
        }
    }

    fn table(&self, rows: &[Row], cache: &Cache) -> Result<()> {
        let mut table = report::table(&["name", "bytes", "state", "file"]);
        for row in rows {
            table.add_row([
                row.entry.name.clone(),
                report::grouped(row.entry.bytes),
                self.state(row),
                row.entry.path.display().to_string(),
            ]);
        }
        report::print(&table)?;
        let bytes = rows.iter().map(|row| row.entry.bytes).sum();
        report::note(&format!(
            "{} files, {} bytes in {}",
            rows.len(),
            report::grouped(bytes),
            cache.folder().display()
        ));
        Ok(())
    }

    fn state(&self, row: &Row) -> String {
        match (&row.error, self.action, row.entry.state) {
            (Some(error), _, _) => format!("error: {}", one_line(error)),
            (None, Action::Clean, _) => "removed".to_owned(),
            (None, _, State::Verified) => "verified".to_owned(),
            (None, _, State::Unverified) => "not verified yet".to_owned(),
            (None, _, State::Partial) => "unfinished".to_owned(),
        }
    }
}

impl Row {
    /// Null where nobody has looked since the file changed.
    fn verified(&self) -> Option<bool> {
        match self.entry.state {
            _ if self.error.is_some() => Some(false),
            State::Verified => Some(true),
            State::Unverified => None,
            State::Partial => Some(false),
        }
    }

    fn json(&self) -> Value {
        let mut row = json!({
            "name": self.entry.name,
            "path": self.entry.path.display().to_string(),
            "bytes": self.entry.bytes,
            "verified": self.verified(),
        });
        if let Some(error) = &self.error {
            row["error"] = one_line(error).into();
        }
        row
    }
}
