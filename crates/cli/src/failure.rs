//! From errors to one line on standard error and an exit status.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

use crate::report;

/// How a command that came to its end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was done.
    Done,
    /// Some of several inputs failed; their rows say why.
    Partial,
}

/// Arguments that do not go together: exit status 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The error and its causes on one line, each said once: some messages quote their cause already.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

/// The outcome of several inputs, of which some failed; their rows have said which. `what` names
/// them in the plural.
pub(crate) fn outcome<'a>(
    what: &str,
    total: usize,
    errors: impl IntoIterator<Item = &'a anyhow::Error>,
) -> Outcome {
    let errors: Vec<_> = errors.into_iter().collect();
    let Some(first) = errors.first() else {
        return Outcome::Done;
    };
    let first = one_line(first);
    if total == 1 {
        report::failed(first);
    } else {
        let count = errors.len();
        report::failed(format!(
            "{count} of {total} {what} failed; the first: {first}"
        ));
    }
    Outcome::Partial
}

/// What Burn's dashboard panics with when its user wants the program to end at once.
const KILLED: &str = "Killing training from user input.";

/// The last panic's message, kept from the terminal.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs a command and reports how it failed.
///
/// A panic is a bug, but a script still deserves its one line: the message is kept from the hook
/// and printed here. `RUST_BACKTRACE` shows it in full.
pub(crate) fn catch(command: impl FnOnce() -> anyhow::Result<Outcome>) -> ExitCode {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|info| {
            if let Ok(mut last) = LAST.lock() {
                *last = info.to_string();
            }
        }));
    }
    match catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(Outcome::Done)) => ExitCode::SUCCESS,
        Ok(Ok(Outcome::Partial)) => ExitCode::FAILURE,
        Ok(Err(error)) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            report::failed(one_line(&error));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
        // The dashboard ends the program this way, and has said so.
        Err(panic) if panic.downcast_ref::<&str>() == Some(&KILLED) => ExitCode::FAILURE,
        Err(panic) => {
            let message = panic_message(panic.as_ref());
            match out_of_memory(&message) {
                Some(error) => report::failed(error),
                None => report::failed(format!("internal error, please report it: {message}")),
            }
            ExitCode::FAILURE
        }
    }
}

/// What Burn says by a panic, a driver that is not there for example, as an error.
pub(crate) fn unpanicked<T>(run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let message = panic_message(panic.as_ref());
        Err(out_of_memory(&message).unwrap_or_else(|| anyhow::anyhow!(message)))
    })
}

/// Backends report a lack of memory in their own words, most of them in a panic.
pub(crate) fn out_of_memory(message: &str) -> Option<anyhow::Error> {
    let lower = message.to_lowercase();
    let signs = [
        "out of memory",
        "outofmemory",
        "out_of_memory",
        "memory allocation of",
        "buffer is too big",
        "buffertoobig",
    ];
    let told = signs.iter().any(|sign| lower.contains(sign));
    told.then(|| {
        anyhow::anyhow!("the device is out of memory; try a smaller batch or input ({message})")
    })
}

/// The message of a panic, on one line; a panic without text has left it with the hook.
fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.or_else(|| LAST.lock().ok().map(|last| last.clone()));
    let text = text.unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whoever read our output has seen enough (`burn-zoo list | head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_a_lack_of_memory_says_what_to_do() {
        let error = unpanicked::<()>(|| panic!("no {}\n here", "driver")).unwrap_err();
        assert_eq!(error.to_string(), "no driver here");
        let error = unpanicked::<()>(|| panic!("CUDA_ERROR_OUT_OF_MEMORY")).unwrap_err();
        assert!(error.to_string().contains("smaller batch"), "{error}");
    }

    #[test]
    fn causes_that_the_message_quotes_are_said_once() {
        let cause = anyhow::anyhow!("no such file");
        let error = cause
            .context("cannot read a.png:\nno such file")
            .context("row 3");
        assert_eq!(one_line(&error), "row 3: cannot read a.png: no such file");
    }
}
