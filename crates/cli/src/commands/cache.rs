//! `burn-zoo cache`.

use anyhow::Result;
use burn_zoo_core::fetch::{Cache, Entry, Hub, Remote, State};
use serde_json::{Value, json};

use crate::failure::{Outcome, one_line};
use crate::{fetch, report};

/// Shows, verifies or removes what was fetched
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo cache
  burn-zoo cache verify
  burn-zoo cache clean 'resnet50*'
  burn-zoo cache clean 'url-*'
  burn-zoo cache list 'hf:*'
  burn-zoo cache clean 'hf:timm/resnet18*'

Hugging Face files are in a folder shared with Python programs: only a pattern that begins
with hf: lists all of them, and only such a pattern removes any.")]
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
        let (cache, hub) = (Cache::from_env()?, Hub::from_env()?);
        let mut rows = Vec::new();
        if fetch::is_hub_name(&self.pattern) {
            let entries = hub.entries().into_iter();
            let named = entries.filter(|it| burn_zoo::matches(&self.pattern, &it.name));
            rows.extend(named.map(|entry| self.shared(&hub, entry)));
        } else {
            fetch::all(&cache, |remote| {
                if burn_zoo::matches(&self.pattern, remote.name) {
                    let entries = cache.entries(remote).into_iter();
                    rows.extend(entries.map(|entry| self.row(&cache, remote, entry)));
                    rows.extend(published(&hub, &remote).map(|entry| self.kept(&hub, entry)));
                }
            });
        }
        if self.json {
            report::json(&rows.iter().map(|row| self.json_of(row)).collect())?;
        } else {
            self.table(&rows, &cache, &hub)?;
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

    /// A hub file that the pattern names with `hf:`.
    fn shared(&self, hub: &Hub, entry: Entry) -> Row {
        match self.action {
            Action::Clean => Row {
                error: hub.remove(&entry).err().map(anyhow::Error::from),
                entry,
            },
            Action::List | Action::Verify => self.kept(hub, entry),
        }
    }

    /// A hub file that must not be removed.
    fn kept(&self, hub: &Hub, mut entry: Entry) -> Row {
        let result = match self.action {
            Action::Verify if entry.state == State::Shared => hub.verify(&entry).map(|state| {
                entry.state = state;
            }),
            _ => Ok(()),
        };
        Row {
            entry,
            error: result.err().map(anyhow::Error::from),
        }
    }

    fn table(&self, rows: &[Row], cache: &Cache, hub: &Hub) -> Result<()> {
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
        let folder = match fetch::is_hub_name(&self.pattern) {
            true => &hub.folder,
            false => cache.folder(),
        };
        report::note(&format!(
            "{} files, {} bytes in {}",
            rows.len(),
            report::grouped(bytes),
            folder.display()
        ));
        if !fetch::is_hub_name(&self.pattern) {
            report::note(&format!(
                "Hugging Face files are in {}, shared with Python programs: `burn-zoo cache list 'hf:*'`",
                hub.folder.display()
            ));
        }
        Ok(())
    }

    fn state(&self, row: &Row) -> String {
        match (&row.error, self.action, row.entry.state) {
            (Some(error), _, _) => format!("error: {}", one_line(error)),
            (None, Action::Clean, _) if self.is_kept(row) => {
                "kept, because Python programs share it".to_owned()
            }
            (None, Action::Clean, _) => "removed".to_owned(),
            (None, _, State::Verified) => "verified".to_owned(),
            (None, _, State::Unverified) => "not verified yet".to_owned(),
            (None, _, State::Partial) => "unfinished".to_owned(),
            (None, _, State::Shared) => "Hugging Face".to_owned(),
        }
    }

    fn json_of(&self, row: &Row) -> Value {
        let mut json = row.json();
        if self.action == Action::Clean && self.is_kept(row) {
            json["kept"] = true.into();
        }
        json
    }

    fn is_kept(&self, row: &Row) -> bool {
        row.entry.state == State::Shared && !fetch::is_hub_name(&self.pattern)
    }
}

/// The path of a registered row's file in the hub's folder.
fn published(hub: &Hub, remote: &Remote<'_>) -> Option<Entry> {
    let path = hub.find(&hub.published(remote)?)?;
    Some(Entry {
        name: remote.name.to_owned(),
        bytes: std::fs::metadata(&path).ok()?.len(),
        state: State::Shared,
        path,
    })
}

impl Row {
    /// Null where nobody has looked since the file changed.
    fn verified(&self) -> Option<bool> {
        match self.entry.state {
            _ if self.error.is_some() => Some(false),
            State::Verified => Some(true),
            State::Unverified | State::Shared => None,
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
