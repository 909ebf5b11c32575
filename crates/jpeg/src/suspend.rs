//! What Pillow makes of files without an end.
//!
//! Pillow hands libjpeg blocks of the file, and gives up when libjpeg asks for more than there
//! is. libjpeg reads ahead: it may ask for more although the last unit is complete. Whether it
//! does depends on how many bits it holds, so that a file without its last two bytes is read by
//! chance. The reader below holds the bits that libjpeg-turbo holds on a machine of 64 bits.

use crate::entropy::table;
use crate::error::{Error, invalid};
use crate::huffman::{Table, Use};
use crate::layout::Layout;
use crate::markers::{Markers, ScanHeader, Stop};
use crate::scan::Restarts;

/// Bytes of the file that Pillow hands on at once.
const BLOCK: usize = 1 << 16;

/// Bytes that a block of coefficients needs at most: with fewer, libjpeg reads carefully.
const CAREFUL: usize = 512;

/// Bytes, escapes included, that 64 bits held ahead may be.
const AHEAD: usize = 16;

/// Refuses a file whose last unit libjpeg cannot read without more data. The markers stand after
/// a scan that was read whole and began at `start`.
pub(crate) fn check(
    markers: &Markers<'_>,
    layout: &Layout,
    scan: &ScanHeader,
    start: usize,
) -> Result<(), Error> {
    if markers.unread != 0 || markers.pos + AHEAD < markers.data.len() {
        return Ok(());
    }
    let tables = scan
        .members
        .iter()
        .map(|m| {
            Ok([
                table(&markers.dc, m.dc, Use::Dc)?,
                table(&markers.ac, m.ac, Use::Ac)?,
            ])
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let mut held = Held {
        data: markers.data,
        end: BLOCK.min(markers.data.len()),
        pos: start,
        buffer: 0,
        left: 0,
        marker: 0,
    };
    let mut restarts = Restarts::new(markers.restart);
    for _ in 0..layout.wide * layout.high {
        if restarts.due() {
            held.left = 0;
            restarts.read(&mut held.pos, &mut held.marker, markers.data)?;
        }
        restarts.count(1);
        let fast = restarts.to_go().is_none();
        while held.pos >= held.end && held.end < markers.data.len() {
            held.end = (held.end + BLOCK).min(markers.data.len());
        }
        while !held.unit(layout, &tables, fast) {
            if held.end == markers.data.len() {
                return Err(Error::CutOff);
            }
            held.end = (held.end + BLOCK).min(markers.data.len());
        }
    }
    Ok(())
}

/// Refuses a file whose end is damaged: libjpeg reads on after the last unit, up to the end of
/// the picture or of the block.
pub(crate) fn check_rest(markers: &mut Markers<'_>) -> Result<(), Error> {
    let block = (markers.pos / BLOCK + 1) * BLOCK;
    markers.data = &markers.data[..block.min(markers.data.len())];
    match markers.next_stop() {
        Ok(Stop::End) => Ok(()),
        Err(Error::CutOff) if begins_wrongly(markers) => invalid("the data after it is damaged"),
        Err(Error::CutOff) => Ok(()),
        Ok(Stop::Scan(_)) => invalid("a scan follows the last one"),
        Err(error) => Err(error),
    }
}

/// Whether libjpeg refuses a segment for the bytes that there are, before it asks for more.
fn begins_wrongly(markers: &Markers<'_>) -> bool {
    let rest = markers.data.get(markers.pos..).unwrap_or_default();
    let length = |&[a, b]: &[u8; 2]| usize::from(u16::from_be_bytes([a, b]));
    let Some((length, rest)) = rest.split_first_chunk().map(|(l, rest)| (length(l), rest)) else {
        return false;
    };
    match (markers.reading, rest) {
        (0xdd, _) => length != 4,
        (0xdb, [slot, ..]) => slot & 15 > 3,
        (0xda, [count, ..]) => length != usize::from(*count) * 2 + 6 || !(1..=4).contains(count),
        (0xcc, [index, _, ..]) => *index > 31,
        (0xc4, rest) if rest.len() > 16 && length > 18 => {
            let codes: usize = rest[1..17].iter().map(|&c| usize::from(c)).sum();
            codes > 256 || codes > length - 19
        }
        // Any frame header is a second one.
        (0xc0..=0xcf, rest) => rest.len() > 5,
        _ => false,
    }
}

/// The bits that libjpeg holds, and where it reads on. Nothing is returned where it would wait
/// for more.
#[derive(Debug, Clone, Copy)]
struct Held<'a> {
    data: &'a [u8],
    /// The end of the data that Pillow has handed on.
    end: usize,
    pos: usize,
    buffer: u64,
    left: u32,
    marker: u8,
}

impl Held<'_> {
    /// Reads a unit. One that needs more data is not begun.
    fn unit(&mut self, layout: &Layout, tables: &[[Table; 2]], fast: bool) -> bool {
        let room = self.end.saturating_sub(self.pos) >= CAREFUL * layout.blocks.len();
        let mut steps = *self;
        if fast && room && self.marker == 0 {
            let read = steps.blocks(layout, tables, Way::Fast);
            if read.is_some() && steps.marker == 0 {
                *self = steps;
                return true;
            }
            steps = *self;
        }
        let read = steps.blocks(layout, tables, Way::Careful);
        // A marker that was met stays so, even if the unit is read again.
        if read.is_some() {
            *self = steps;
        }
        read.is_some()
    }

    fn blocks(&mut self, layout: &Layout, tables: &[[Table; 2]], way: Way) -> Option<()> {
        for place in &layout.blocks {
            let [dc, ac] = &tables[place.member];
            let size = self.symbol(dc, way)?;
            self.drop_bits(u32::from(size), way)?;
            let mut k = 1;
            while k < 64 {
                let symbol = self.symbol(ac, way)?;
                let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
                if size == 0 && run != 15 {
                    break;
                }
                self.drop_bits(size, way)?;
                k += run + 1;
            }
        }
        Some(())
    }

    fn symbol(&mut self, table: &Table, way: Way) -> Option<u8> {
        let mut length = 1;
        self.fill(way, 8, 0)?;
        if self.left >= 8 {
            let ahead = (self.buffer >> (self.left - 8)) as i32 & 0xff;
            for length in 1..=8 {
                if let Some(symbol) = table.find(ahead >> (8 - length), length) {
                    self.left -= length as u32;
                    return Some(symbol);
                }
            }
            length = 9;
        }
        let mut code = self.take(length, way)?;
        while length <= 16 {
            if let Some(symbol) = table.find(code, length as usize) {
                return Some(symbol);
            }
            code = code << 1 | self.take(1, way)?;
            length += 1;
        }
        Some(0)
    }

    fn take(&mut self, count: u32, way: Way) -> Option<i32> {
        self.fill(way, count, count)?;
        self.left -= count;
        Some((self.buffer >> self.left) as i32 & ((1 << count) - 1))
    }

    fn drop_bits(&mut self, count: u32, way: Way) -> Option<()> {
        if count > 0 {
            self.take(count, way)?;
        }
        Some(())
    }

    fn fill(&mut self, way: Way, wanted: u32, needed: u32) -> Option<()> {
        match way {
            Way::Careful => self.fill_carefully(wanted, needed),
            Way::Fast => self.fill_fast(),
        }
    }

    /// The careful way: with fewer bits than `wanted`, reads up to 57; makes up those of `needed`
    /// that a marker leaves out.
    fn fill_carefully(&mut self, wanted: u32, needed: u32) -> Option<()> {
        if self.left >= wanted {
            return Some(());
        }
        while self.left < 57 && self.marker == 0 {
            let mut at = self.pos;
            let mut byte = *self.data[..self.end].get(at)?;
            at += 1;
            if byte == 0xff {
                while byte == 0xff {
                    byte = *self.data[..self.end].get(at)?;
                    at += 1;
                }
                if byte != 0 {
                    self.marker = byte;
                    self.pos = at;
                    break;
                }
                byte = 0xff;
            }
            self.pos = at;
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.left += 8;
        }
        if self.left < needed {
            self.buffer <<= 57 - self.left;
            self.left = 57;
        }
        Some(())
    }

    /// The fast way, where data abounds: with 16 bits or fewer, reads six bytes. Gives up at a
    /// marker.
    fn fill_fast(&mut self) -> Option<()> {
        if self.left > 16 {
            return Some(());
        }
        for _ in 0..6 {
            let byte = *self.data.get(self.pos)?;
            self.pos += 1;
            if byte == 0xff {
                if *self.data.get(self.pos)? != 0 {
                    return None;
                }
                self.pos += 1;
            }
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.left += 8;
        }
        Some(())
    }
}

/// How bits are got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Careful,
    Fast,
}
