//! Restarts within a scan (ITU-T T.81, section F.1.1.5.2, and libjpeg's recovery).

use crate::error::Error;
use crate::markers::Markers;

/// Counts the units of a scan down to the next restart marker.
#[derive(Debug)]
pub(crate) struct Restarts {
    interval: usize,
    to_go: usize,
    next: u8,
}

impl Restarts {
    pub(crate) fn new(interval: usize) -> Self {
        Self {
            interval,
            to_go: interval,
            next: 0,
        }
    }

    /// Whether a restart marker comes before the next unit.
    #[inline(always)]
    pub(crate) fn due(&self) -> bool {
        self.interval != 0 && self.to_go == 0
    }

    /// Units before the next restart marker, if there are restart markers.
    pub(crate) fn to_go(&self) -> Option<usize> {
        (self.interval != 0).then_some(self.to_go)
    }

    /// Counts `units` units.
    #[inline(always)]
    pub(crate) fn count(&mut self, units: usize) {
        if self.interval != 0 {
            self.to_go -= units;
        }
    }

    /// Reads the restart marker at `pos`, or uses `marker` if it is nonzero, because it was read
    /// before. Afterwards `marker` is 0, or a marker that remains to be handled.
    pub(crate) fn read(
        &mut self,
        pos: &mut usize,
        marker: &mut u8,
        data: &[u8],
    ) -> Result<(), Error> {
        let mut markers = Markers::new(data);
        markers.pos = *pos;
        let mut code = match *marker {
            0 => markers.find()?,
            code => code,
        };
        let ahead = |code: u8| code.wrapping_sub(0xd0).wrapping_sub(self.next) & 7;
        *marker = loop {
            match code {
                // Invalid: look further.
                0x01..=0xbf => code = markers.find()?,
                // Earlier restarts: look further.
                0xd0..=0xd7 if matches!(ahead(code), 6 | 7) => code = markers.find()?,
                // Later restarts: the data in between is lost.
                0xd0..=0xd7 if matches!(ahead(code), 1 | 2) => break code,
                // The expected one, or one too far off to be meaningful.
                0xd0..=0xd7 => break 0,
                // The end of the scan.
                _ => break code,
            }
        };
        *pos = markers.pos;
        self.next = (self.next + 1) & 7;
        self.to_go = self.interval;
        Ok(())
    }
}
