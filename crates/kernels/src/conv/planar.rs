//! First layers: few input channels, read from `[batch, channels, height, width]`.
//!
//! Each task copies the rows that it needs, padded, to `[row, column, channel]`, where all channels
//! of all columns that a kernel's row covers are adjacent: one run of the tile's sum.
#![allow(unsafe_code, reason = "calls the tile")]

use super::Conv2dSpec;
use super::panel::{Packing, Panels, width};
use super::source::{Fill, Gather, Source};
use super::target::Targets;
use crate::simd::{Kernel, Lanes};
use crate::tasks::{Split, TilePlace, Tiles, each_task, share};
use crate::tile::{MAX_PIXELS, Tile};
use crate::{Dims, Isa, Padding};
use rayon::prelude::*;

/// Rows of output pixels of one task.
const MAX_ROWS: usize = 8;

/// Packs in rows `[tap][in]`.
pub(super) fn pack(
    isa: Isa,
    spec: &Conv2dSpec,
    source: Source<'_>,
    bias: Option<&[f32]>,
) -> Panels {
    let [inputs, outputs] = spec.channels;
    let packing = Packing {
        outputs,
        width: width(isa),
        inputs: |_| 0..1,
        rows: source.taps.len() * inputs,
    };
    let gather = Gather::new(source, spec.channels, |lane, tap| tap * inputs + lane);
    let mut panels = Panels::stale(&packing, bias);
    let parts = panels.parts().into_par_iter();
    parts.for_each(|(panel, packed)| {
        isa.run(Fill {
            gather: &gather,
            block: 0,
            first_out: panel.first_out,
            width: panel.width,
            packed,
        });
    });
    panels
}

/// `[rows, numbers in a row]` of the copy.
fn copy_size(spec: &Conv2dSpec, input: Dims, rows: usize) -> [usize; 2] {
    let Padding { left, right, .. } = spec.padding;
    [
        (rows - 1) * spec.stride[0] + spec.kernel[0],
        (input.width + left + right) * spec.channels[0],
    ]
}

fn table_len(spec: &Conv2dSpec) -> usize {
    spec.kernel[0] * MAX_PIXELS
}

pub(super) fn scratch_len(spec: &Conv2dSpec, input: Dims) -> usize {
    let [rows, row] = copy_size(spec, input, MAX_ROWS);
    table_len(spec) + rows * row
}

pub(super) fn run(
    isa: Isa,
    spec: &Conv2dSpec,
    panels: &Panels,
    input: &[f32],
    dims: Dims,
    targets: &Targets<'_>,
    scratch: &mut [f32],
) {
    let to = targets.dims();
    let threads = rayon::current_num_threads();
    // Shares of one chunk would each copy its rows again.
    let split = Split::new(to.height, MAX_ROWS, 1, threads);
    each_task(
        split.chunks * to.batch,
        scratch,
        scratch_len(spec, dims),
        |task, scratch| {
            let (image, chunk) = (task / split.chunks, task % split.chunks);
            let rows = share(chunk, split.chunks, to.height);
            let (table, copy) = scratch.split_at_mut(table_len(spec));
            let image_len = dims.channels * dims.pixels();
            let input = &input[image * image_len..][..image_len];
            let [height, row] = copy_size(spec, dims, rows.len());
            copy_rows(spec, input, dims, rows.start, &mut copy[..height * row]);
            isa.run(Task {
                spec,
                weights: panels,
                input: &copy[..height * row],
                row,
                targets,
                at: [image, rows.start * to.width],
                tiles: Tiles::new(rows.len() * to.width, isa.tile()[0]),
                table,
            });
        },
    );
}

/// Copies the rows of input for the output rows from `first` on, with the padding.
fn copy_rows(spec: &Conv2dSpec, input: &[f32], dims: Dims, first: usize, copy: &mut [f32]) {
    let channels = dims.channels;
    let Padding {
        top, left, right, ..
    } = spec.padding;
    let row_len = (left + dims.width + right) * channels;
    for (i, copy) in copy.chunks_exact_mut(row_len).enumerate() {
        let row = (first * spec.stride[0] + i).wrapping_sub(top);
        if row >= dims.height {
            copy.fill(0.0);
            continue;
        }
        let (before, rest) = copy.split_at_mut(left * channels);
        let (inside, after) = rest.split_at_mut(dims.width * channels);
        before.fill(0.0);
        after.fill(0.0);
        for channel in 0..channels {
            let from = &input[channel * dims.pixels() + row * dims.width..][..dims.width];
            for (to, from) in inside.chunks_exact_mut(channels).zip(from) {
                to[channel] = *from;
            }
        }
    }
}

struct Task<'a> {
    spec: &'a Conv2dSpec,
    weights: &'a Panels,
    input: &'a [f32],
    /// Numbers in a row of it.
    row: usize,
    targets: &'a Targets<'a>,
    /// The image and the first pixel in it.
    at: [usize; 2],
    tiles: Tiles,
    table: &'a mut [f32],
}

impl Kernel for Task<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let [height, width] = self.spec.kernel;
        let channels = self.spec.channels[0];
        let columns = self.targets.dims().width;
        let [image, start] = self.at;
        for i in 0..self.tiles.of_image() {
            let TilePlace { first, pixels, .. } = self.tiles.place(i);
            let (mut row, mut column) = (first / columns, first % columns);
            for pixel in 0..pixels {
                let [down, right] = self.spec.stride;
                let corner = row * down * self.row + column * right * channels;
                for tap in 0..height {
                    let offset = corner + tap * self.row;
                    debug_assert!(offset + width * channels <= self.input.len());
                    // It fits: the copy is far smaller than 2^32.
                    self.table[tap * pixels + pixel] = f32::from_bits(offset as u32);
                }
                column += 1;
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
            }
            for panel in &self.weights.panels {
                let run = width * channels;
                let weight = self.weights.rows(panel, 0, height * run);
                let mut tile = Tile {
                    pixels,
                    width: panel.width,
                    blocks: 1,
                    taps: height,
                    run,
                    input: self.input.as_ptr(),
                    offsets: self.table.as_ptr().cast(),
                    // No offset is outside: the padding was copied too.
                    zeros: self.input.as_ptr(),
                    weight: weight.as_ptr(),
                    bias: self.weights.bias(panel).as_ptr(),
                    relu: self.targets.relu,
                    ..Tile::EMPTY
                };
                self.targets
                    .point(&mut tile, [image, start + first], panel.first_out);
                // SAFETY: the greatest offset is that of the last pixel and tap, whose run ends at
                // most at the copy's end, by the sizes of `copy_size`; weights and bias were
                // sliced; outputs and residuals come from checked planes, and no other task has these
                // rows.
                unsafe { L::sum(&tile) };
            }
        }
    }
}
