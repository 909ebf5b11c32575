//! How long steps wait for data.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Counts from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    nanoseconds: AtomicU64,
    skipped: AtomicUsize,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Waited {
    /// Time in which no batch was ready.
    pub(crate) seconds: f64,
    /// Images that could not be read.
    pub(crate) skipped: usize,
}

impl Watch {
    pub(super) fn add_wait(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(time, Ordering::Relaxed);
    }

    pub(super) fn add_skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted since the last time, or the beginning.
    pub(crate) fn take(&self) -> Waited {
        let time = Duration::from_nanos(self.nanoseconds.swap(0, Ordering::Relaxed));
        Waited {
            seconds: time.as_secs_f64(),
            skipped: self.skipped.swap(0, Ordering::Relaxed),
        }
    }
}
