//! Huffman tables and codes (ITU-T T.81, annex C and section F.2.2).

use crate::bits::Bits;
use crate::error::{Error, invalid};

/// Bits that index the fast table.
const FAST: u32 = 10;

/// The content of a table segment: codes per length, and the symbols.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) counts: [u8; 16],
    pub(crate) symbols: [u8; 256],
}

/// The meaning of a table's symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Dc,
    Ac,
    /// AC in a refinement scan: every new value has one bit, regardless of its symbol.
    Refinement,
}

/// A table prepared for decoding.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Indexed by the next bits: the length in bits (low byte), the symbol (second byte) and its value
    /// (high half). With a value, the length includes its bits and the symbol is the run before it; a
    /// length of zero means that the code is longer than the index.
    fast: Box<[u32; 1 << FAST]>,
    /// Largest code of each length, -1 if there is none.
    largest: [i32; 17],
    /// Added to a code to get an index into `symbols`.
    offset: [i32; 17],
    symbols: [u8; 256],
}

/// A symbol and, if the fast table has it, its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coded {
    pub(crate) symbol: u8,
    pub(crate) value: i16,
}

impl Table {
    pub(crate) fn new(spec: &Spec, purpose: Use) -> Result<Self, Error> {
        let total: usize = spec.counts.iter().map(|&c| usize::from(c)).sum();
        if total > 256 {
            return invalid("a Huffman table has more than 256 codes");
        }
        if purpose == Use::Dc && spec.symbols[..total].iter().any(|&s| s > 15) {
            return invalid("a Huffman table has a symbol above 15 for DC");
        }
        let mut table = Self {
            fast: Box::new([0; 1 << FAST]),
            largest: [-1; 17],
            offset: [0; 17],
            symbols: spec.symbols,
        };
        let (mut code, mut first) = (0u32, 0usize);
        let mut begun = false;
        for length in 1..=16u32 {
            let count = usize::from(spec.counts[length as usize - 1]);
            if count > 0 {
                begun = true;
                table.offset[length as usize] = first as i32 - code as i32;
                for &symbol in &spec.symbols[first..first + count] {
                    table.fill(code, length, symbol, purpose);
                    code += 1;
                }
                first += count;
                table.largest[length as usize] = code as i32 - 1;
            }
            // No code may be all ones.
            if begun && (count > 0 || first < total) && code >= 1 << length {
                return invalid("a Huffman table has too many codes");
            }
            code <<= 1;
        }
        Ok(table)
    }

    /// Writes a code into the fast table if it is short enough.
    fn fill(&mut self, code: u32, length: u32, symbol: u8, purpose: Use) {
        if length > FAST || code >= 1 << length {
            return;
        }
        let size = match purpose {
            Use::Refinement => u32::from(symbol & 15).min(1),
            Use::Dc | Use::Ac => u32::from(symbol & 15),
        };
        let spare = FAST - length;
        for tail in 0..1u32 << spare {
            let index = (code << spare | tail) as usize;
            self.fast[index] = if size > 0 && size <= spare {
                let bits = tail >> (spare - size);
                let run = match purpose {
                    Use::Dc => 0,
                    Use::Ac | Use::Refinement => u32::from(symbol >> 4),
                };
                (extend(bits, size) as u32) << 16 | run << 8 | (length + size)
            } else {
                u32::from(symbol) << 8 | length
            };
        }
    }

    /// Reads a code, and its value if both are short. A code and its value take at most 31 bits.
    #[inline(always)]
    pub(crate) fn decode(&self, bits: &mut Bits<'_>) -> Coded {
        bits.ensure_32();
        let entry = self.fast[bits.peek(FAST) as usize];
        let length = entry & 0xff;
        if length == 0 {
            let (coded, after) = self.decode_long(*bits);
            *bits = after;
            return coded;
        }
        bits.consume(length);
        Coded {
            symbol: (entry >> 8) as u8,
            value: (entry >> 16) as u16 as i16,
        }
    }

    /// The symbol of a code of `length` bits (1 to 16) that no shorter code matches.
    pub(crate) fn find(&self, code: i32, length: usize) -> Option<u8> {
        (code <= self.largest[length])
            .then(|| self.symbols[((code + self.offset[length]) & 0xff) as usize])
    }

    /// Reads a code that is longer than the fast table's index, or invalid.
    #[cold]
    #[inline(never)]
    fn decode_long<'a>(&self, mut bits: Bits<'a>) -> (Coded, Bits<'a>) {
        let ahead = bits.peek(16) as i32;
        for length in FAST as usize + 1..=16 {
            if let Some(symbol) = self.find(ahead >> (16 - length), length) {
                bits.consume(length as u32);
                return (Coded { symbol, value: 0 }, bits);
            }
        }
        bits.consume(17);
        (
            Coded {
                symbol: 0,
                value: 0,
            },
            bits,
        )
    }
}

/// The value of `size` bits (1 to 15); negative values begin with a zero bit (figure F.12).
#[inline(always)]
pub(crate) fn extend(bits: u32, size: u32) -> i32 {
    let value = bits as i32;
    value + (((value - (1 << (size - 1))) >> 31) & ((-1 << size) + 1))
}
