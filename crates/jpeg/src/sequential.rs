//! Blocks of sequential scans (ITU-T T.81, section F.2.2).

use crate::bits::Bits;
use crate::huffman::{Table, extend};
use crate::tables::NATURAL;

/// Reads one block into `block`, whose AC coefficients are zero unless an earlier scan set them.
/// Returns the OR of the places of the coefficients that were set.
#[inline]
pub(crate) fn read_block(
    bits: &mut Bits<'_>,
    dc: &Table,
    ac: &Table,
    previous: &mut i32,
    block: &mut [i16; 64],
) -> u8 {
    // A copy stays in registers.
    let mut local = *bits;
    let bits_outside = bits;
    let bits = &mut local;
    *previous = previous.wrapping_add(read_difference(bits, dc));
    block[0] = *previous as i16;
    let mut places = 0;
    let mut k = 1usize;
    while k < 64 {
        let coded = ac.decode(bits);
        let mut value = coded.value;
        let mut run = usize::from(coded.symbol);
        if value == 0 {
            let size = u32::from(coded.symbol & 15);
            run >>= 4;
            if size == 0 {
                if run != 15 {
                    break;
                }
                k += 16;
                continue;
            }
            value = extend(bits.take(size), size) as i16;
        }
        k += run;
        let place = NATURAL[k & 127] & 63;
        block[usize::from(place)] = value;
        places |= place;
        k += 1;
    }
    *bits_outside = local;
    places
}

/// Reads the difference between a DC coefficient and the previous one.
#[inline(always)]
pub(crate) fn read_difference(bits: &mut Bits<'_>, table: &Table) -> i32 {
    let coded = table.decode(bits);
    if coded.value != 0 {
        return i32::from(coded.value);
    }
    match u32::from(coded.symbol) {
        0 => 0,
        size => extend(bits.take(size), size),
    }
}
