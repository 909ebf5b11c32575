//! Blocks of progressive scans (ITU-T T.81, annex G).

use crate::bits::Bits;
use crate::huffman::{Table, extend};
use crate::tables::NATURAL;

/// The band of coefficients that a scan codes, and the bit position that it reaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Band {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) low: u32,
}

/// Reads the first bits of a block's band. Returns the number of following blocks whose band is empty.
#[inline]
pub(crate) fn first_pass(
    bits: &mut Bits<'_>,
    table: &Table,
    band: Band,
    block: &mut [i16; 64],
) -> usize {
    let mut k = band.first;
    while k <= band.last {
        let coded = table.decode(bits);
        let mut value = i32::from(coded.value);
        let mut run = usize::from(coded.symbol);
        if value == 0 {
            let size = u32::from(coded.symbol & 15);
            run >>= 4;
            if size == 0 {
                if run != 15 {
                    return end_of_band(bits, run as u32) - 1;
                }
                k += 16;
                continue;
            }
            value = extend(bits.take(size), size);
        }
        k += run;
        block[usize::from(NATURAL[k & 127] & 63)] = (value << band.low) as i16;
        k += 1;
    }
    0
}

/// Reads one more bit of a band. `empty` counts the blocks, including this one, without new
/// coefficients; returns the count for the next block.
#[inline]
pub(crate) fn refinement(
    bits: &mut Bits<'_>,
    table: &Table,
    band: Band,
    empty: usize,
    block: &mut [i16; 64],
) -> usize {
    let mut k = band.first;
    let mut empty = empty;
    let bit = 1i16 << band.low;
    while empty == 0 && k <= band.last {
        let coded = table.decode(bits);
        let mut value = coded.value;
        let mut run = usize::from(coded.symbol);
        if value == 0 {
            run >>= 4;
            if coded.symbol & 15 != 0 {
                value = if bits.take(1) == 1 { 1 } else { -1 };
            } else if run != 15 {
                empty = end_of_band(bits, run as u32);
                break;
            }
        }
        // Skips `run` zeros, and refines nonzero coefficients on the way.
        loop {
            let place = &mut block[usize::from(NATURAL[k & 127] & 63)];
            if *place != 0 {
                refine(bits, place, bit);
            } else if run == 0 {
                break;
            } else {
                run -= 1;
            }
            k += 1;
            if k > band.last {
                break;
            }
        }
        if value != 0 {
            block[usize::from(NATURAL[k & 127] & 63)] = value.wrapping_shl(band.low);
        }
        k += 1;
    }
    if empty > 0 {
        for &place in &NATURAL[k.min(64)..(band.last + 1).max(k.min(64))] {
            let place = &mut block[usize::from(place & 63)];
            if *place != 0 {
                refine(bits, place, bit);
            }
        }
        empty -= 1;
    }
    empty
}

#[inline(always)]
fn refine(bits: &mut Bits<'_>, coefficient: &mut i16, bit: i16) {
    if bits.take(1) == 1 && *coefficient & bit == 0 {
        let step = if *coefficient >= 0 { bit } else { -bit };
        *coefficient = coefficient.wrapping_add(step);
    }
}

/// The number of blocks, including this one, that an end-of-band code covers.
#[inline(always)]
fn end_of_band(bits: &mut Bits<'_>, size: u32) -> usize {
    match size {
        0 => 1,
        size => (1 << size) + bits.take(size) as usize,
    }
}
