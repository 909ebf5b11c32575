//! The component samples of the rows that are still needed.

use crate::error::Error;
use crate::frame::{Component, Frame};

/// Rows of interleaved units that a plane holds: one to write to, one to read, and one before it
/// for the rows above.
const HELD: usize = 3;

/// Samples of one component: a ring of rows.
#[derive(Debug)]
pub(crate) struct Plane {
    samples: Vec<u8>,
    /// Samples per row, including padding.
    pub(crate) stride: usize,
    rows: usize,
}

impl Plane {
    pub(crate) fn new(component: &Component) -> Result<Self, Error> {
        let stride = component.padded_wide * 8;
        let rows = component.v * 8 * HELD;
        let mut samples = Vec::new();
        samples
            .try_reserve_exact(stride * rows)
            .map_err(|_| Error::OutOfMemory)?;
        samples.resize(stride * rows, 0);
        Ok(Self {
            samples,
            stride,
            rows,
        })
    }

    pub(crate) fn of(frame: &Frame) -> Result<Vec<Self>, Error> {
        frame.components.iter().map(Self::new).collect()
    }

    /// The samples of row `y` of the image.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        let start = y % self.rows * self.stride;
        &self.samples[start..start + self.stride]
    }

    /// Where the block in column `x` of block row `y` begins.
    pub(crate) fn block(&mut self, x: usize, y: usize) -> &mut [u8] {
        let start = y * 8 % self.rows * self.stride + x * 8;
        let end = start + 7 * self.stride + 8;
        &mut self.samples[start..end]
    }
}
