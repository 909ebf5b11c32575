//! Pillow's behavior for files without an end marker.
//!
//! Pillow passes the file to libjpeg in blocks, and gives up when libjpeg asks for more data than
//! there is. libjpeg reads ahead: it may ask for more although the last unit is complete. Whether it
//! does depends on the number of bits in its buffer, so Pillow reads some files without their last two
//! bytes and refuses others. The reader below buffers the same bits as libjpeg-turbo on a 64-bit
//! machine.

use crate::entropy::table;
use crate::error::{Error, invalid};
use crate::huffman::{Table, Use};
use crate::layout::Layout;
use crate::markers::{Markers, ScanHeader, Stop};
use crate::scan::Restarts;

/// Bytes of the file that Pillow passes at once.
const BLOCK: usize = 1 << 16;

/// Most bytes of a block of coefficients: with fewer bytes left, libjpeg uses its slow path.
const CAREFUL: usize = 512;

/// Most bytes, including escapes, of 64 buffered bits.
const AHEAD: usize = 16;

/// Returns an error if libjpeg cannot read the last unit without more data. The markers are after a
/// complete scan that began at `start`.
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

/// Returns an error if the end of the file is damaged: libjpeg continues after the last unit, up to the
/// end of the image or of the block.
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

/// Whether libjpeg refuses a segment from its available bytes, before it asks for more.
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
        // Any frame header here is a second one.
        (0xc0..=0xcf, rest) => rest.len() > 5,
        _ => false,
    }
}

/// The bits that libjpeg buffers, and its read position. Methods return `None` where libjpeg would wait
/// for more data.
#[derive(Debug, Clone, Copy)]
struct Held<'a> {
    data: &'a [u8],
    /// The end of the data that Pillow has passed.
    end: usize,
    pos: usize,
    buffer: u64,
    left: u32,
    marker: u8,
}

impl Held<'_> {
    /// Reads a unit. A unit that needs more data is not begun.
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
        // A marker stays recorded, even if the unit is read again.
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

    /// The slow path: with fewer bits than `wanted`, reads up to 57. At a marker, pads with zeros up to
    /// `needed`.
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

    /// The fast path, with plenty of data: with 16 bits or fewer, reads six bytes. Gives up at a marker.
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

/// How to read bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Careful,
    Fast,
}
