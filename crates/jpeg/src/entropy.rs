//! Entropy decoding of sequential scans.

use crate::bits::Bits;
use crate::error::{Error, invalid};
use crate::huffman::{Spec, Table, Use};
use crate::markers::{Markers, ScanHeader};
use crate::scan::Restarts;
use crate::sequential::read_block;

/// Entropy-coded data, read MCU by MCU.
pub(crate) trait Coded {
    /// Begins a unit, after a restart marker if one is due. Returns whether the unit has data; the
    /// caller leaves a unit without data unchanged.
    fn begin_unit(&mut self) -> Result<Presence, Error>;

    /// Reads a block of the scan's component `member`. Returns the places of
    /// the coefficients that were set, ORed.
    fn block(&mut self, member: usize, block: &mut [i16; 64]) -> u8;

    /// Ends a unit.
    fn end_unit(&mut self) -> Result<(), Error>;
}

/// Whether data is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    Missing,
}

/// Huffman-coded data of a sequential scan.
#[derive(Debug)]
pub(crate) struct Huffman<'a> {
    data: &'a [u8],
    pub(crate) bits: Bits<'a>,
    restarts: Restarts,
    tables: Vec<[Table; 2]>,
    previous: [i32; 4],
    presence: Presence,
}

impl<'a> Huffman<'a> {
    pub(crate) fn new(markers: &Markers<'a>, scan: &ScanHeader) -> Result<Self, Error> {
        let tables = scan
            .members
            .iter()
            .map(|m| {
                Ok([
                    table(&markers.dc, m.dc, Use::Dc)?,
                    table(&markers.ac, m.ac, Use::Ac)?,
                ])
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            data: markers.data,
            bits: Bits::new(markers.data, markers.pos),
            restarts: Restarts::new(markers.restart),
            tables,
            previous: [0; 4],
            presence: Presence::There,
        })
    }
}

/// The prepared table of a slot.
pub(crate) fn table(slots: &[Option<Spec>; 4], slot: usize, purpose: Use) -> Result<Table, Error> {
    match slots.get(slot) {
        Some(Some(spec)) => Table::new(spec, purpose),
        _ => invalid(format!("Huffman table {slot} is missing")),
    }
}

impl Coded for Huffman<'_> {
    #[inline(always)]
    fn begin_unit(&mut self) -> Result<Presence, Error> {
        if self.restarts.due() {
            self.bits.clear();
            let (pos, marker) = (&mut self.bits.pos, &mut self.bits.marker);
            self.restarts.read(pos, marker, self.data)?;
            self.previous = [0; 4];
            if self.bits.marker == 0 {
                self.presence = Presence::There;
            }
        }
        self.restarts.count(1);
        Ok(self.presence)
    }

    #[inline(always)]
    fn block(&mut self, member: usize, block: &mut [i16; 64]) -> u8 {
        let [dc, ac] = &self.tables[member];
        let previous = &mut self.previous[member & 3];
        read_block(&mut self.bits, dc, ac, previous, block)
    }

    #[inline(always)]
    fn end_unit(&mut self) -> Result<(), Error> {
        if self.bits.overrun() {
            if self.bits.marker == 0 {
                return Err(Error::CutOff);
            }
            self.presence = Presence::Missing;
        }
        Ok(())
    }
}
