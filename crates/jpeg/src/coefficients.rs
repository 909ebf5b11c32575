//! The coefficients of multi-scan files.

use crate::error::Error;
use crate::frame::Component;

/// Coefficients of one component, in natural order.
#[derive(Debug)]
pub(crate) struct Coefficients {
    blocks: Vec<[i16; 64]>,
    wide: usize,
}

impl Coefficients {
    pub(crate) fn new(component: &Component) -> Result<Self, Error> {
        let count = component.padded_wide * component.padded_high;
        let mut blocks = Vec::new();
        blocks
            .try_reserve_exact(count)
            .map_err(|_| Error::OutOfMemory)?;
        blocks.resize(count, [0; 64]);
        Ok(Self {
            blocks,
            wide: component.padded_wide,
        })
    }

    pub(crate) fn block(&self, x: usize, y: usize) -> &[i16; 64] {
        &self.blocks[y * self.wide + x]
    }

    #[inline(always)]
    pub(crate) fn block_mut(&mut self, x: usize, y: usize) -> &mut [i16; 64] {
        &mut self.blocks[y * self.wide + x]
    }
}
