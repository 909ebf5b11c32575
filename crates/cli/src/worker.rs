//! Measurements in processes of their own: this program, run again with a hidden command.

use std::io::{Read as _, Write as _};
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::failure::{self, Outcome, one_line};
use crate::measure::{Job, Measured};
use crate::report;

/// Measures as a job on standard input says (not for people)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Measured(Box<Measured>),
    Failed(String),
}

impl Args {
    /// The other end of [`run`].
    pub(crate) fn run(self) -> Result<Outcome> {
        let mut job = String::new();
        std::io::stdin().read_to_string(&mut job)?;
        let job: Job = serde_json::from_str(&job).context("expected a job on standard input")?;
        let reply = match failure::unpanicked(|| job.run()) {
            Ok(measured) => Reply::Measured(Box::new(measured)),
            Err(error) => Reply::Failed(match failure::out_of_memory(&one_line(&error)) {
                Some(error) => error.to_string(),
                None => one_line(&error),
            }),
        };
        report::json(&serde_json::to_value(reply)?)?;
        Ok(Outcome::Done)
    }
}

/// Does a job in another process.
pub(crate) fn run(job: &Job) -> Result<Measured> {
    let output = this_program(&["measure"], &serde_json::to_vec(job)?)?;
    if !output.status.success() {
        bail!("the process that measured {}", ended(&output));
    }
    match serde_json::from_slice(&output.stdout).context("the measuring process answered badly")? {
        Reply::Measured(measured) => Ok(*measured),
        Reply::Failed(reason) => Err(anyhow!(reason)),
    }
}

/// Runs this program with `arguments` and `input` to its end.
pub(crate) fn this_program(arguments: &[&str], input: &[u8]) -> Result<Output> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run this program a second time")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A process that ended early has said why, or how.
        let _ = stdin.write_all(input);
    }
    Ok(child.wait_with_output()?)
}

/// How a process ended, with the reason that it gave.
pub(crate) fn ended(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let ended = format!("ended with {}{}", output.status, killed(output.status));
    if let Some(error) = said.lines().find_map(failure::out_of_memory) {
        return format!("{ended}: {error}");
    }
    // Neither a backtrace's lines nor the note below them.
    let reason = said.lines().rev().find(|line| {
        !line.trim().is_empty() && !line.starts_with(' ') && !line.starts_with("note:")
    });
    match reason {
        Some(reason) => format!("{ended}: {}", reason.trim_start_matches("burn-zoo: ")),
        None => ended,
    }
}

#[cfg(unix)]
fn killed(status: ExitStatus) -> &'static str {
    use std::os::unix::process::ExitStatusExt as _;
    const SIGKILL: i32 = 9;
    match status.signal() {
        Some(SIGKILL) => " (the system may be out of memory)",
        _ => "",
    }
}

#[cfg(not(unix))]
fn killed(_status: ExitStatus) -> &'static str {
    ""
}
