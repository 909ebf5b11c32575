//! Converts component samples to the image, one row of units at a time.

use crate::color::{self, Space};
use crate::error::Error;
use crate::frame::Frame;
use crate::idct;
use crate::planes::Plane;
use crate::upsample::{self, Method, Scratch};

/// Converts blocks to pixels.
#[derive(Debug)]
pub(crate) struct Output<'f> {
    frame: &'f Frame,
    space: Space,
    planes: Vec<Plane>,
    methods: Vec<Method>,
    /// The quantization tables, as factors for the transform.
    quant: Vec<[i16; 64]>,
    scratch: Vec<Scratch>,
    pixels: Vec<u8>,
}

impl<'f> Output<'f> {
    pub(crate) fn new(frame: &'f Frame, space: Space) -> Result<Self, Error> {
        let mut pixels = Vec::new();
        pixels
            .try_reserve_exact(frame.width * frame.height * space.channels())
            .map_err(|_| Error::OutOfMemory)?;
        Ok(Self {
            frame,
            space,
            planes: Plane::of(frame)?,
            methods: frame
                .components
                .iter()
                .map(|c| Method::of(c, frame))
                .collect(),
            quant: frame
                .components
                .iter()
                .map(|c| c.quant.unwrap_or([0; 64]).map(|q| q as i16))
                .collect(),
            scratch: frame
                .components
                .iter()
                .map(|_| Scratch::new(frame.width))
                .collect(),
            pixels,
        })
    }

    /// Adds the block in column `x` and row `y` of a component, unless it is padding.
    #[inline(always)]
    pub(crate) fn block(
        &mut self,
        component: usize,
        [x, y]: [usize; 2],
        block: &[i16; 64],
        places: u8,
    ) {
        let shape = &self.frame.components[component];
        if x < shape.blocks_wide && y < shape.blocks_high {
            let plane = &mut self.planes[component];
            let stride = plane.stride;
            let quant = &self.quant[component];
            idct::transform(block, places, quant, plane.block(x, y), stride);
        }
    }

    /// Marks a row of units as complete, and converts the row before it to pixels.
    pub(crate) fn end_unit_row(&mut self, unit_row: usize) {
        if let Some(previous) = unit_row.checked_sub(1) {
            self.convert(previous);
        }
        if unit_row + 1 == self.frame.unit_rows {
            self.convert(unit_row);
        }
    }

    pub(crate) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    fn convert(&mut self, unit_row: usize) {
        let high = self.frame.max_v * 8;
        let first = unit_row * high;
        for y in first..(first + high).min(self.frame.height) {
            let mut rows: [&[u8]; 4] = [&[]; 4];
            let sources = self.methods.iter().zip(&self.frame.components);
            let planes = self.planes.iter().zip(&mut self.scratch);
            for ((row, (&method, component)), (plane, scratch)) in
                rows.iter_mut().zip(sources).zip(planes)
            {
                *row = upsample::row(method, component, plane, y, scratch);
            }
            let start = self.pixels.len();
            let length = self.frame.width * self.space.channels();
            self.pixels.resize(start + length, 0);
            let rows = &rows[..self.planes.len()];
            color::convert(self.space, rows, &mut self.pixels[start..]);
        }
    }
}
