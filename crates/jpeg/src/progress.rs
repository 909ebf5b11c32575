//! Tracks the known precision of coefficients in a progressive file.

use crate::markers::ScanHeader;

/// Coefficients that block smoothing needs, in zigzag order.
pub(crate) const TRACKED: usize = 10;

/// Bit positions that the lowest coefficients of a component lack: 0 for none, -1 for all.
pub(crate) type Known = [i8; TRACKED];

/// The precision now, and before the last scan of each component.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) current: Vec<Known>,
    pub(crate) previous: Vec<Known>,
    scans: usize,
    /// The last row of interleaved units that the last scan had data for.
    pub(crate) last_good_row: usize,
}

impl Progress {
    pub(crate) fn new(components: usize) -> Self {
        Self {
            current: vec![[-1; TRACKED]; components],
            previous: vec![[-1; TRACKED]; components],
            scans: 0,
            last_good_row: 0,
        }
    }

    /// Records the start of a scan.
    pub(crate) fn begin(&mut self, scan: &ScanHeader) {
        self.scans += 1;
        for member in &scan.members {
            let current = &mut self.current[member.component];
            let previous = &mut self.previous[member.component];
            for k in scan.first.min(1)..TRACKED {
                previous[k] = if self.scans > 1 { current[k] } else { 0 };
            }
            for known in current.iter_mut().take(scan.last + 1).skip(scan.first) {
                *known = scan.low as i8;
            }
        }
    }

    /// The precision of a component's blocks in a row of interleaved units.
    pub(crate) fn known(&self, component: usize, unit_row: usize) -> Known {
        if unit_row <= self.last_good_row {
            self.current[component]
        } else if self.scans > 1 {
            self.previous[component]
        } else {
            [-1; TRACKED]
        }
    }
}
