//! Marker segments: everything except the entropy-coded data (ITU-T T.81, annex B).

use crate::error::{Error, invalid};
use crate::frame::{Coding, Entropy, Frame, Order};
use crate::huffman::Spec;
use crate::tables::NATURAL;

/// Reads marker segments and stores their content.
#[derive(Debug)]
pub(crate) struct Markers<'a> {
    pub(crate) data: &'a [u8],
    /// Position of the next byte.
    pub(crate) pos: usize,
    /// A marker that was read but not handled yet, or 0.
    pub(crate) unread: u8,
    pub(crate) frame: Option<Frame>,
    pub(crate) quant: [Option<[u16; 64]>; 4],
    pub(crate) dc: [Option<Spec>; 4],
    pub(crate) ac: [Option<Spec>; 4],
    /// Conditioning of arithmetic coding by slot: lower and upper bound of DC, bound of AC.
    pub(crate) conditioning: Conditioning,
    /// Units between two restart markers, 0 for none.
    pub(crate) restart: usize,
    pub(crate) jfif: bool,
    /// The color transform in an Adobe segment.
    pub(crate) adobe: Option<u8>,
    /// Body of the first EXIF segment.
    pub(crate) exif: Option<&'a [u8]>,
    /// The marker whose segment is being read.
    pub(crate) reading: u8,
    started: bool,
}

/// Conditioning of arithmetic coding (section F.1.4.4.1.4), by slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditioning {
    pub(crate) dc_low: [u8; 16],
    pub(crate) dc_high: [u8; 16],
    pub(crate) ac: [u8; 16],
}

impl Default for Conditioning {
    fn default() -> Self {
        Self {
            dc_low: [0; 16],
            dc_high: [1; 16],
            ac: [5; 16],
        }
    }
}

/// The content of a start-of-scan segment.
#[derive(Debug, Clone)]
pub(crate) struct ScanHeader {
    /// Components by index in the frame, with the slots of their DC and AC tables.
    pub(crate) members: Vec<Member>,
    /// First and last coefficient, in zigzag order.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Bit positions before and after this scan.
    pub(crate) high: u8,
    pub(crate) low: u8,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) component: usize,
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// Where reading of segments stops.
#[derive(Debug)]
pub(crate) enum Stop {
    Scan(ScanHeader),
    End,
}

impl<'a> Markers<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            pos: 0,
            unread: 0,
            frame: None,
            quant: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            conditioning: Conditioning::default(),
            restart: 0,
            jfif: false,
            adobe: None,
            exif: None,
            reading: 0,
            started: false,
        }
    }

    /// Reads segments up to the next scan or the end of the image.
    pub(crate) fn next_stop(&mut self) -> Result<Stop, Error> {
        loop {
            if self.unread == 0 {
                self.reading = 0;
                self.unread = if self.started {
                    self.find()?
                } else {
                    self.first()?
                };
            }
            let code = std::mem::take(&mut self.unread);
            self.reading = code;
            match code {
                0xd8 => self.start()?,
                0xd9 if self.frame.is_none() => self.started = false,
                0xd9 => return Ok(Stop::End),
                0xda => return self.scan_header().map(Stop::Scan),
                0xc4 => self.huffman_tables()?,
                0xcc => self.arithmetic_conditioning()?,
                0xdb => self.quantization_tables()?,
                0xdd => self.restart_interval()?,
                0xc0..=0xcf => self.frame_header(code)?,
                0xe0..=0xef => self.application(code)?,
                0xfe | 0xdc => drop(self.body()?),
                0x01 | 0xd0..=0xd7 => (),
                _ => return invalid(format!("it has the reserved marker 0x{code:02x}")),
            }
        }
    }

    /// The next marker. Skips any data before it.
    pub(crate) fn find(&mut self) -> Result<u8, Error> {
        let rest = self.data.get(self.pos..).unwrap_or_default();
        let mut at = 0;
        loop {
            at += rest[at..]
                .iter()
                .position(|&b| b == 0xff)
                .ok_or(Error::CutOff)?;
            at += rest[at..]
                .iter()
                .position(|&b| b != 0xff)
                .ok_or(Error::CutOff)?;
            at += 1;
            if rest[at - 1] != 0 {
                self.pos += at;
                return Ok(rest[at - 1]);
            }
        }
    }

    fn first(&mut self) -> Result<u8, Error> {
        match self.data.get(self.pos..self.pos + 2) {
            Some([0xff, 0xd8]) => {
                self.pos += 2;
                Ok(0xd8)
            }
            Some(_) if self.pos == 0 => Err(Error::NotJpeg),
            Some(_) => invalid("no image follows its tables"),
            None if self.pos == 0 => Err(Error::NotJpeg),
            None => Err(Error::CutOff),
        }
    }

    fn start(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.started, true) {
            return invalid("a second image begins inside the image");
        }
        self.conditioning = Conditioning::default();
        self.restart = 0;
        self.jfif = false;
        self.adobe = None;
        Ok(())
    }

    /// The body of the segment, which begins with its length.
    fn body(&mut self) -> Result<&'a [u8], Error> {
        let rest = self.data.get(self.pos..).unwrap_or_default();
        let [high, low, ..] = *rest else {
            return Err(Error::CutOff);
        };
        // An invalid length below two counts as an empty segment.
        let length = usize::from(u16::from_be_bytes([high, low])).max(2);
        let body = rest.get(2..length).ok_or(Error::CutOff)?;
        self.pos += length;
        Ok(body)
    }

    fn frame_header(&mut self, code: u8) -> Result<(), Error> {
        let coding = match code {
            0xc0 | 0xc1 => (Order::Sequential, Entropy::Huffman),
            0xc2 => (Order::Progressive, Entropy::Huffman),
            0xc9 => (Order::Sequential, Entropy::Arithmetic),
            0xca => (Order::Progressive, Entropy::Arithmetic),
            0xc3 | 0xcb => return Err(Error::Unsupported("a lossless JPEG".to_owned())),
            _ => return Err(Error::Unsupported("a hierarchical JPEG".to_owned())),
        };
        let body = self.body()?;
        if self.frame.is_some() {
            return invalid("it has two frame headers");
        }
        self.frame = Some(Frame::read(
            body,
            Coding {
                order: coding.0,
                entropy: coding.1,
            },
        )?);
        Ok(())
    }

    fn scan_header(&mut self) -> Result<ScanHeader, Error> {
        let body = self.body()?;
        let Some(frame) = &self.frame else {
            return invalid("a scan comes before the frame header");
        };
        let (count, list) = body.split_first().ok_or_else(short_scan)?;
        let count = usize::from(*count);
        if !(1..=4).contains(&count) || list.len() != count * 2 + 3 {
            return Err(short_scan());
        }
        let (pairs, limits) = list.split_at(count * 2);
        let mut members: Vec<Member> = Vec::with_capacity(count);
        for pair in pairs.chunks_exact(2) {
            let component = (0..frame.components.len())
                .find(|&c| {
                    frame.components[c].id == pair[0] && members.iter().all(|m| m.component != c)
                })
                .ok_or_else(|| Error::Invalid("a scan names an unknown component".to_owned()))?;
            members.push(Member {
                component,
                dc: usize::from(pair[1] >> 4),
                ac: usize::from(pair[1] & 15),
            });
        }
        Ok(ScanHeader {
            members,
            first: usize::from(limits[0]),
            last: usize::from(limits[1]),
            high: limits[2] >> 4,
            low: limits[2] & 15,
        })
    }

    fn huffman_tables(&mut self) -> Result<(), Error> {
        let mut body = self.body()?;
        while body.len() > 16 {
            let (head, rest) = body.split_at(17);
            let mut counts = [0; 16];
            counts.copy_from_slice(&head[1..]);
            let total: usize = counts.iter().map(|&c| usize::from(c)).sum();
            if total > 256 || total > rest.len() {
                return invalid("a Huffman table is too long");
            }
            let mut symbols = [0; 256];
            symbols[..total].copy_from_slice(&rest[..total]);
            let tables = match head[0] & 0x10 {
                0 => &mut self.dc,
                _ => &mut self.ac,
            };
            match tables.get_mut(usize::from(head[0] & !0x10)) {
                Some(table) => *table = Some(Spec { counts, symbols }),
                None => return invalid("a Huffman table has an invalid slot"),
            }
            body = &rest[total..];
        }
        match body {
            [] => Ok(()),
            _ => invalid("a segment of Huffman tables has a wrong length"),
        }
    }

    fn quantization_tables(&mut self) -> Result<(), Error> {
        let mut body = self.body()?;
        while let [head, rest @ ..] = body {
            let width = match head >> 4 {
                0 => 1,
                _ => 2,
            };
            let Some(values) = rest.get(..64 * width) else {
                return invalid("a quantization table is too short");
            };
            let Some(slot) = self.quant.get_mut(usize::from(head & 15)) else {
                return invalid("a quantization table has an invalid slot");
            };
            let table = slot.insert([0; 64]);
            for (k, value) in values.chunks_exact(width).enumerate() {
                let value = value.iter().fold(0, |all, &b| all << 8 | u16::from(b));
                table[usize::from(NATURAL[k])] = value;
            }
            body = &rest[64 * width..];
        }
        Ok(())
    }

    fn arithmetic_conditioning(&mut self) -> Result<(), Error> {
        for pair in self.body()?.chunks(2) {
            let &[index, value] = pair else {
                return invalid("a segment of arithmetic conditioning has a wrong length");
            };
            let slot = usize::from(index & 15);
            match index {
                0..=15 if value & 15 > value >> 4 => {
                    return invalid("arithmetic conditioning has invalid bounds");
                }
                0..=15 => {
                    self.conditioning.dc_low[slot] = value & 15;
                    self.conditioning.dc_high[slot] = value >> 4;
                }
                16..=31 => self.conditioning.ac[slot] = value,
                _ => return invalid("arithmetic conditioning has an invalid slot"),
            }
        }
        Ok(())
    }

    fn restart_interval(&mut self) -> Result<(), Error> {
        match *self.body()? {
            [high, low] => {
                self.restart = usize::from(u16::from_be_bytes([high, low]));
                Ok(())
            }
            _ => invalid("the restart interval has a wrong length"),
        }
    }

    fn application(&mut self, code: u8) -> Result<(), Error> {
        let body = self.body()?;
        match code {
            0xe0 => self.jfif |= body.len() >= 14 && body.starts_with(b"JFIF\0"),
            0xe1 if self.exif.is_none() => self.exif = body.strip_prefix(b"Exif\0\0"),
            0xee if body.len() >= 12 && body.starts_with(b"Adobe") => self.adobe = Some(body[11]),
            _ => (),
        }
        Ok(())
    }
}

fn short_scan() -> Error {
    Error::Invalid("a scan header has a wrong length".to_owned())
}
