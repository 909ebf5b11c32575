//! Scans of multi-scan files.

use crate::arithmetic;
use crate::coefficients::Coefficients;
use crate::entropy::{Coded, Huffman, Presence, table};
use crate::error::{Error, invalid};
use crate::frame::{Coding, Entropy, Order};
use crate::huffman::{Table, Use};
use crate::layout::Layout;
use crate::markers::{Markers, ScanHeader};
use crate::progress::Progress;
use crate::progressive::{Band, first_pass, refinement};
use crate::sequential::read_difference;
use crate::units::Units;

/// Limit on the coefficients that the scans of a file visit. A scan visits those of all its blocks, even
/// if it has hardly any data.
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Budget {
    /// A coefficient has at most 14 bits, one per scan, and a block has 64 coefficients, so real files
    /// stay below 1,024 visits per block. Small images get additional visits per byte.
    pub(crate) fn new(blocks: usize, bytes: usize) -> Self {
        Self(blocks as u64 * 1024 + bytes as u64 * 64)
    }

    fn spend(&mut self, visits: u64) -> Result<(), Error> {
        match self.0.checked_sub(visits) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => invalid("its scans repeat each other too often"),
        }
    }
}

/// The state that a scan changes.
#[derive(Debug)]
pub(crate) struct Target<'t> {
    pub(crate) coefficients: &'t mut [Coefficients],
    pub(crate) progress: &'t mut Progress,
    pub(crate) budget: &'t mut Budget,
}

/// Reads one scan; the markers continue after it.
pub(crate) fn read(
    markers: &mut Markers<'_>,
    coding: Coding,
    scan: &ScanHeader,
    layout: &Layout,
    target: &mut Target<'_>,
) -> Result<(), Error> {
    if coding.order == Order::Progressive {
        check_progression(scan)?;
    }
    let band = match coding.order {
        Order::Sequential => 64,
        Order::Progressive => scan.last + 1 - scan.first,
    };
    let blocks = layout.wide * layout.high * layout.blocks.len();
    target.budget.spend(blocks as u64 * band as u64)?;
    if coding.entropy == Entropy::Arithmetic {
        return arithmetic::read(markers, coding.order, scan, layout, target);
    }
    let bits = if coding.order == Order::Sequential {
        let mut coded = Huffman::new(markers, scan)?;
        sequential(&mut coded, layout, target.coefficients)?;
        coded.bits
    } else {
        let mut units = Units::new(markers, layout);
        match (scan.first, scan.high) {
            (0, 0) => dc_first(markers, scan, layout, &mut units, target)?,
            (0, _) => dc_refinement(scan, layout, &mut units, target)?,
            (_, 0) => ac_first(markers, scan, layout, &mut units, target)?,
            _ => ac_refinement(markers, scan, layout, &mut units, target)?,
        }
        target.progress.last_good_row = units.last_good_row;
        units.bits
    };
    markers.pos = bits.pos;
    markers.unread = bits.marker;
    Ok(())
}

fn check_progression(scan: &ScanHeader) -> Result<(), Error> {
    let band = match scan.first {
        0 => scan.last == 0,
        first => first <= scan.last && scan.last < 64 && scan.members.len() == 1,
    };
    if band && scan.low <= 13 && (scan.high == 0 || scan.low + 1 == scan.high) {
        Ok(())
    } else {
        invalid("a progressive scan has wrong parameters")
    }
}

/// Reads a sequential scan.
pub(crate) fn sequential(
    coded: &mut impl Coded,
    layout: &Layout,
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    for row in 0..layout.high {
        for column in 0..layout.wide {
            if coded.begin_unit()? == Presence::There {
                for place in &layout.blocks {
                    let [x, y] = place.of(column, row);
                    let block = coefficients[place.component].block_mut(x, y);
                    coded.block(place.member, block);
                }
            }
            coded.end_unit()?;
        }
    }
    Ok(())
}

fn dc_first(
    markers: &Markers<'_>,
    scan: &ScanHeader,
    layout: &Layout,
    units: &mut Units<'_>,
    target: &mut Target<'_>,
) -> Result<(), Error> {
    let tables = scan
        .members
        .iter()
        .map(|m| table(&markers.dc, m.dc, Use::Dc))
        .collect::<Result<Vec<_>, _>>()?;
    let mut previous = [0i32; 4];
    while let Some(unit) = units.next()? {
        if unit.restarted {
            previous = [0; 4];
        }
        for place in &layout.blocks {
            let [x, y] = place.of(unit.column, unit.row);
            let difference = read_difference(&mut units.bits, &tables[place.member]);
            let dc = &mut previous[place.member & 3];
            *dc = dc
                .checked_add(difference)
                .ok_or_else(|| Error::Invalid("a DC coefficient is too large".to_owned()))?;
            let block = target.coefficients[place.component].block_mut(x, y);
            block[0] = (*dc << scan.low) as i16;
        }
        units.end()?;
    }
    Ok(())
}

fn dc_refinement(
    scan: &ScanHeader,
    layout: &Layout,
    units: &mut Units<'_>,
    target: &mut Target<'_>,
) -> Result<(), Error> {
    while let Some(unit) = units.next()? {
        for place in &layout.blocks {
            let [x, y] = place.of(unit.column, unit.row);
            let bit = (units.bits.take(1) as i16) << scan.low;
            target.coefficients[place.component].block_mut(x, y)[0] |= bit;
        }
        units.end()?;
    }
    Ok(())
}

fn ac_first(
    markers: &Markers<'_>,
    scan: &ScanHeader,
    layout: &Layout,
    units: &mut Units<'_>,
    target: &mut Target<'_>,
) -> Result<(), Error> {
    let (table, band, component) = ac(markers, scan, Use::Ac)?;
    let coefficients = &mut target.coefficients[component];
    debug_assert_eq!(layout.blocks.len(), 1);
    while let Some(unit) = units.next()? {
        let block = coefficients.block_mut(unit.column, unit.row);
        let empty = first_pass(&mut units.bits, &table, band, block);
        units.end()?;
        units.skip(empty);
    }
    Ok(())
}

fn ac_refinement(
    markers: &Markers<'_>,
    scan: &ScanHeader,
    layout: &Layout,
    units: &mut Units<'_>,
    target: &mut Target<'_>,
) -> Result<(), Error> {
    let (table, band, component) = ac(markers, scan, Use::Refinement)?;
    let coefficients = &mut target.coefficients[component];
    debug_assert_eq!(layout.blocks.len(), 1);
    let mut empty = 0;
    while let Some(unit) = units.next()? {
        if unit.restarted {
            empty = 0;
        }
        let block = coefficients.block_mut(unit.column, unit.row);
        empty = refinement(&mut units.bits, &table, band, empty, block);
        units.end()?;
    }
    Ok(())
}

fn ac(
    markers: &Markers<'_>,
    scan: &ScanHeader,
    purpose: Use,
) -> Result<(Table, Band, usize), Error> {
    let member = scan.members[0];
    let band = Band {
        first: scan.first,
        last: scan.last,
        low: u32::from(scan.low),
    };
    Ok((
        table(&markers.ac, member.ac, purpose)?,
        band,
        member.component,
    ))
}
