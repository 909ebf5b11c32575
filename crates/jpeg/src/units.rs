//! Iterates over the units of a progressive scan.

use crate::bits::Bits;
use crate::entropy::Presence;
use crate::error::Error;
use crate::layout::Layout;
use crate::markers::Markers;
use crate::scan::Restarts;

/// Iterates over the units that have data, and handles restart markers.
#[derive(Debug)]
pub(crate) struct Units<'a> {
    pub(crate) bits: Bits<'a>,
    data: &'a [u8],
    restarts: Restarts,
    presence: Presence,
    at: usize,
    total: usize,
    wide: usize,
    rows_per_unit_row: usize,
    /// The last row of interleaved units that had data.
    pub(crate) last_good_row: usize,
}

/// A unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) column: usize,
    pub(crate) row: usize,
    /// Whether a restart marker precedes it.
    pub(crate) restarted: bool,
}

impl<'a> Units<'a> {
    pub(crate) fn new(markers: &Markers<'a>, layout: &Layout) -> Self {
        Self {
            bits: Bits::new(markers.data, markers.pos),
            data: markers.data,
            restarts: Restarts::new(markers.restart),
            presence: Presence::There,
            at: 0,
            total: layout.wide * layout.high,
            wide: layout.wide,
            rows_per_unit_row: layout.rows_per_unit_row,
            last_good_row: 0,
        }
    }

    /// The next unit that has data.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<Unit>, Error> {
        let mut restarted = false;
        while self.at < self.total {
            let row = self.at / self.wide;
            if self.presence == Presence::There {
                self.last_good_row = row / self.rows_per_unit_row;
            }
            if self.restarts.due() {
                self.bits.clear();
                let (pos, marker) = (&mut self.bits.pos, &mut self.bits.marker);
                self.restarts.read(pos, marker, self.data)?;
                restarted = true;
                if self.bits.marker == 0 {
                    self.presence = Presence::There;
                }
            }
            if self.presence == Presence::There {
                let column = self.at - row * self.wide;
                self.at += 1;
                self.restarts.count(1);
                return Ok(Some(Unit {
                    column,
                    row,
                    restarted,
                }));
            }
            self.advance(usize::MAX);
        }
        Ok(None)
    }

    /// Ends a unit.
    #[inline(always)]
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        if self.bits.overrun() {
            if self.bits.marker == 0 {
                return Err(Error::CutOff);
            }
            self.presence = Presence::Missing;
        }
        Ok(())
    }

    /// Skips `units` units, or those up to the next restart marker.
    #[inline(always)]
    pub(crate) fn skip(&mut self, units: usize) {
        if units > 0 && self.presence == Presence::There {
            self.advance(units);
            self.last_good_row = (self.at - 1) / self.wide / self.rows_per_unit_row;
        }
    }

    fn advance(&mut self, units: usize) {
        let most = self.restarts.to_go().unwrap_or(usize::MAX);
        let units = units.min(most).min(self.total - self.at);
        self.at += units;
        self.restarts.count(units);
    }
}
