//! Geometry of the image: components, blocks, minimum coded units.

use crate::error::{Error, invalid};

/// Blocks that one interleaved unit may hold (ITU-T T.81, section B.2.3).
const MOST_BLOCKS: usize = 10;

/// The content of a start-of-frame segment.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) coding: Coding,
    pub(crate) components: Vec<Component>,
    pub(crate) max_h: usize,
    pub(crate) max_v: usize,
    /// Interleaved units per row, and rows of them.
    pub(crate) unit_columns: usize,
    pub(crate) unit_rows: usize,
}

/// How the coefficients are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coding {
    pub(crate) order: Order,
    pub(crate) entropy: Entropy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Sequential,
    Progressive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entropy {
    Huffman,
    Arithmetic,
}

#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Sampling factors, 1 to 4.
    pub(crate) h: usize,
    pub(crate) v: usize,
    pub(crate) quant_slot: usize,
    /// The quantization table, in natural order, once a scan of the component has begun.
    pub(crate) quant: Option<[u16; 64]>,
    /// Samples that belong to the image.
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Blocks with those samples.
    pub(crate) blocks_wide: usize,
    pub(crate) blocks_high: usize,
    /// Blocks including those that only pad interleaved units.
    pub(crate) padded_wide: usize,
    pub(crate) padded_high: usize,
}

impl Frame {
    /// Reads the body of a start-of-frame segment, which begins with the precision.
    pub(crate) fn read(body: &[u8], coding: Coding) -> Result<Self, Error> {
        let &[precision, h1, h0, w1, w0, count, ref list @ ..] = body else {
            return invalid("the frame header is too short");
        };
        let height = usize::from(u16::from_be_bytes([h1, h0]));
        let width = usize::from(u16::from_be_bytes([w1, w0]));
        if width == 0 || height == 0 {
            return invalid(format!("it has no pixels ({width}x{height})"));
        }
        if list.len() != usize::from(count) * 3 {
            return invalid("the frame header has a wrong length");
        }
        if precision != 8 {
            return Err(Error::Unsupported(format!("a JPEG of {precision} bits")));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Error::Unsupported(format!("a JPEG of {count} components")));
        }
        if width > 65_500 || height > 65_500 {
            return invalid(format!("{width}x{height} pixels exceed the JPEG limit"));
        }
        let (max_h, max_v) = list
            .chunks_exact(3)
            .map(|c| (usize::from(c[1] >> 4), usize::from(c[1] & 15)))
            .fold((1, 1), |(h, v), (ch, cv)| (h.max(ch), v.max(cv)));
        let components = list
            .chunks_exact(3)
            .map(|c| component([width, height], [max_h, max_v], [c[0], c[1], c[2]]))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            width,
            height,
            coding,
            components,
            max_h,
            max_v,
            unit_columns: width.div_ceil(max_h * 8),
            unit_rows: height.div_ceil(max_v * 8),
        })
    }

    /// Blocks of all components, including padding.
    pub(crate) fn blocks(&self) -> usize {
        self.components
            .iter()
            .map(|c| c.padded_wide * c.padded_high)
            .sum()
    }

    /// Checks that the blocks of one interleaved unit are within the limit.
    pub(crate) fn check_unit(&self, members: &[usize]) -> Result<(), Error> {
        let blocks: usize = members
            .iter()
            .map(|&m| self.components[m].h * self.components[m].v)
            .sum();
        if members.len() > 1 && blocks > MOST_BLOCKS {
            return invalid("an MCU has more than ten blocks");
        }
        Ok(())
    }
}

fn component(
    [width, height]: [usize; 2],
    [max_h, max_v]: [usize; 2],
    [id, factors, slot]: [u8; 3],
) -> Result<Component, Error> {
    let (h, v) = (usize::from(factors >> 4), usize::from(factors & 15));
    if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
        return invalid("a sampling factor is not between 1 and 4");
    }
    if max_h > 4 || max_v > 4 {
        return invalid("a sampling factor is not between 1 and 4");
    }
    if max_h % h != 0 || max_v % v != 0 {
        return Err(Error::Unsupported(
            "a JPEG with fractional sampling factors".to_owned(),
        ));
    }
    Ok(Component {
        id,
        h,
        v,
        quant_slot: usize::from(slot),
        quant: None,
        width: (width * h).div_ceil(max_h),
        height: (height * v).div_ceil(max_v),
        blocks_wide: (width * h).div_ceil(max_h * 8),
        blocks_high: (height * v).div_ceil(max_v * 8),
        padded_wide: width.div_ceil(max_h * 8) * h,
        padded_high: height.div_ceil(max_v * 8) * v,
    })
}
