//! Arithmetic coding (ITU-T T.81, annex D and sections F.1.4, F.2.4 and G.1.3).

use crate::coefficients::Coefficients;
use crate::entropy::{Coded, Presence};
use crate::error::Error;
use crate::frame::Order;
use crate::layout::Layout;
use crate::markers::{Conditioning, Markers, Member, ScanHeader};
use crate::passes::{self, Target};
use crate::qcoder::{Coder, FIXED};
use crate::scan::Restarts;
use crate::tables::NATURAL;

/// Arithmetically coded data of a scan.
#[derive(Debug)]
pub(crate) struct Arithmetic<'a> {
    coder: Coder<'a>,
    data: &'a [u8],
    restarts: Restarts,
    members: Vec<Member>,
    conditioning: Conditioning,
    /// Statistics by slot.
    dc: [[u8; 64]; 16],
    ac: [[u8; 256]; 16],
    fixed: u8,
    previous: [i32; 4],
    context: [usize; 4],
    /// Whether an invalid code occurred: nothing is read until the next restart.
    lost: bool,
}

impl<'a> Arithmetic<'a> {
    pub(crate) fn new(markers: &Markers<'a>, scan: &ScanHeader) -> Self {
        Self {
            coder: Coder::new(markers.data, markers.pos),
            data: markers.data,
            restarts: Restarts::new(markers.restart),
            members: scan.members.clone(),
            conditioning: markers.conditioning,
            dc: [[0; 64]; 16],
            ac: [[0; 256]; 16],
            fixed: FIXED,
            previous: [0; 4],
            context: [0; 4],
            lost: false,
        }
    }

    /// Where the data ends, and the marker there or 0.
    pub(crate) fn end(&self) -> (usize, u8) {
        (self.coder.pos, self.coder.marker)
    }

    /// The next DC coefficient of a member of the scan.
    fn dc(&mut self, member: usize) -> Option<i32> {
        let slot = self.members[member].dc;
        let stats = &mut self.dc[slot];
        let at = self.context[member];
        if !self.coder.decode(&mut stats[at]) {
            self.context[member] = 0;
            return Some(self.previous[member]);
        }
        let negative = self.coder.decode(&mut stats[at + 1]);
        let mut at = at + 2 + usize::from(negative);
        let mut size = i32::from(self.coder.decode(&mut stats[at]));
        if size != 0 {
            at = 20;
            while self.coder.decode(&mut stats[at]) {
                size <<= 1;
                if size == 0x8000 {
                    return None;
                }
                at += 1;
            }
        }
        let low = (1 << self.conditioning.dc_low[slot]) >> 1;
        let high = (1 << self.conditioning.dc_high[slot]) >> 1;
        self.context[member] = match size {
            s if s < low => 0,
            s if s > high => 12 + 4 * usize::from(negative),
            _ => 4 + 4 * usize::from(negative),
        };
        let value = magnitude(&mut self.coder, &mut stats[at + 14], size);
        let difference = if negative { -value } else { value };
        self.previous[member] = self.previous[member].wrapping_add(difference);
        Some(self.previous[member])
    }

    /// The AC coefficients from `first` to `last` of a block of a member of the scan.
    fn ac(
        &mut self,
        member: usize,
        [first, last]: [usize; 2],
        low: u8,
        block: &mut [i16; 64],
    ) -> Option<u8> {
        let slot = self.members[member].ac;
        let stats = &mut self.ac[slot];
        let mut places = 0;
        let mut k = first;
        while k <= last {
            if self.coder.decode(&mut stats[3 * (k - 1)]) {
                break;
            }
            while !self.coder.decode(&mut stats[3 * (k - 1) + 1]) {
                k += 1;
                if k > last {
                    return None;
                }
            }
            let negative = self.coder.decode(&mut self.fixed);
            let mut at = 3 * (k - 1) + 2;
            let mut size = i32::from(self.coder.decode(&mut stats[at]));
            if size != 0 && self.coder.decode(&mut stats[at]) {
                size = 2;
                let small = k <= usize::from(self.conditioning.ac[slot]);
                at = if small { 189 } else { 217 };
                while self.coder.decode(&mut stats[at]) {
                    size <<= 1;
                    if size == 0x8000 {
                        return None;
                    }
                    at += 1;
                }
            }
            // A size of one has no further bits, and no statistics for them.
            let value = match size {
                0 | 1 => size + 1,
                _ => magnitude(&mut self.coder, &mut stats[at + 14], size),
            };
            let value = if negative { -value } else { value };
            let place = NATURAL[k];
            block[usize::from(place)] = (value << low) as i16;
            places |= place;
            k += 1;
        }
        Some(places)
    }

    /// Refines the AC coefficients from `first` to `last` of a block by one bit.
    fn ac_refinement(
        &mut self,
        [first, last]: [usize; 2],
        bit: i16,
        block: &mut [i16; 64],
    ) -> Option<()> {
        let stats = &mut self.ac[self.members[0].ac];
        let place = |k: usize| usize::from(NATURAL[k]);
        let end = (1..=last)
            .rev()
            .find(|&k| block[place(k)] != 0)
            .unwrap_or(0);
        let mut k = first;
        while k <= last {
            if k > end && self.coder.decode(&mut stats[3 * (k - 1)]) {
                break;
            }
            loop {
                let at = 3 * (k - 1);
                let value = &mut block[place(k)];
                if *value != 0 {
                    if self.coder.decode(&mut stats[at + 2]) {
                        *value = value.wrapping_add(if *value < 0 { -bit } else { bit });
                    }
                    break;
                }
                if self.coder.decode(&mut stats[at + 1]) {
                    *value = if self.coder.decode(&mut self.fixed) {
                        -bit
                    } else {
                        bit
                    };
                    break;
                }
                k += 1;
                if k > last {
                    return None;
                }
            }
            k += 1;
        }
        Some(())
    }
}

/// A value of the given size, from the bits below its highest one.
fn magnitude(coder: &mut Coder<'_>, stats: &mut u8, size: i32) -> i32 {
    let mut value = size;
    let mut bit = size >> 1;
    while bit != 0 {
        if coder.decode(stats) {
            value |= bit;
        }
        bit >>= 1;
    }
    value + 1
}

impl Coded for Arithmetic<'_> {
    fn begin_unit(&mut self) -> Result<Presence, Error> {
        if self.restarts.due() {
            let (pos, marker) = (&mut self.coder.pos, &mut self.coder.marker);
            self.restarts.read(pos, marker, self.data)?;
            self.coder.restart();
            self.dc = [[0; 64]; 16];
            self.ac = [[0; 256]; 16];
            self.previous = [0; 4];
            self.context = [0; 4];
            self.lost = false;
        }
        self.restarts.count(1);
        Ok(Presence::There)
    }

    fn block(&mut self, member: usize, block: &mut [i16; 64]) -> u8 {
        if self.lost {
            return 0;
        }
        let Some(dc) = self.dc(member) else {
            self.lost = true;
            return 0;
        };
        block[0] = dc as i16;
        match self.ac(member, [1, 63], 0, block) {
            Some(places) => places,
            None => {
                self.lost = true;
                63
            }
        }
    }

    fn end_unit(&mut self) -> Result<(), Error> {
        self.coder.check()
    }
}

/// Reads one scan of a multi-scan file; the markers continue after it.
pub(crate) fn read(
    markers: &mut Markers<'_>,
    order: Order,
    scan: &ScanHeader,
    layout: &Layout,
    target: &mut Target<'_>,
) -> Result<(), Error> {
    let mut coded = Arithmetic::new(markers, scan);
    if order == Order::Sequential {
        passes::sequential(&mut coded, layout, target.coefficients)?;
    } else {
        progressive(&mut coded, scan, layout, target.coefficients)?;
        target.progress.last_good_row = usize::MAX;
    }
    (markers.pos, markers.unread) = coded.end();
    Ok(())
}

fn progressive(
    coded: &mut Arithmetic<'_>,
    scan: &ScanHeader,
    layout: &Layout,
    coefficients: &mut [Coefficients],
) -> Result<(), Error> {
    let band = [scan.first, scan.last];
    let bit = 1i16 << scan.low;
    for row in 0..layout.high {
        for column in 0..layout.wide {
            coded.begin_unit()?;
            for place in &layout.blocks {
                let [x, y] = place.of(column, row);
                let block = coefficients[place.component].block_mut(x, y);
                if coded.lost {
                    continue;
                }
                let read = match (scan.first, scan.high) {
                    (0, 0) => coded
                        .dc(place.member)
                        .map(|dc| block[0] = (dc << scan.low) as i16),
                    (0, _) => {
                        if coded.coder.decode(&mut coded.fixed) {
                            block[0] |= bit;
                        }
                        Some(())
                    }
                    (_, 0) => coded.ac(0, band, scan.low, block).map(drop),
                    _ => coded.ac_refinement(band, bit, block),
                };
                coded.lost = read.is_none();
            }
            coded.end_unit()?;
        }
    }
    Ok(())
}
