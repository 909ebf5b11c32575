//! Ctrl-C, and what `kill` sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};

use crate::report;

/// Exit status of a process that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// A flag that the first Ctrl-C sets; the second ends the program at once.
///
/// # Errors
///
/// If the system does not let us know, or this was called before.
pub(crate) fn flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
        report::note("stopping after this step; once more to stop at once");
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(flag)
}
