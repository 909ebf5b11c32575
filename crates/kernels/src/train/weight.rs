//! The gradient of a convolution's weight: for each output and input channel and tap, the sum over all
//! output pixels of their gradient times the input pixel that the tap met.
//!
//! A tile of sums has 16 channels or more side by side, of a side that is blocked, and as rows any few of
//! the channels and taps of the other side, in the order of the weight; it runs over the pixels. The side
//! of the rows stays as it lies, but for a border of zeros where the convolution pads.
#![allow(unsafe_code, reason = "calls the tile")]

use super::grid::{pad, padded};
use super::scratch::{Scratch, blocked};
use crate::outer::{Outer, Run};
use crate::tasks::{each_task, share};
use crate::tile::{MAX_PIXELS, Shared};
use crate::{Conv2dSpec, Dims, Isa, LANES};
use std::ops::Range;

/// Pixels of the blocked side that stay in the first-level cache while all rows meet them.
const CHUNK: usize = 96;
/// Most pixels of a run, where runs may be cut anywhere.
const RUN: usize = 128;

/// `[out, in, height, width]`; `dims` are those of the input and the output.
pub(super) fn gradient(
    isa: Isa,
    spec: &Conv2dSpec,
    [from, to]: [Dims; 2],
    input: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let bordered = padded(spec, from, to);
    let copy: Scratch;
    let rows = if bordered == from {
        input
    } else {
        copy = pad(input, from, spec.padding, bordered);
        &copy
    };
    let sums = Sums {
        isa,
        kernel: spec.kernel,
        stride: spec.stride,
        rows: (rows, bordered),
        columns: (&blocked(isa, gradient, to), to),
        order: Order::ColumnsFirst,
    };
    sums.run()
}

/// The same of a 1x1 convolution of stride 1 without padding, for which any of both sides may be blocked:
/// the one with fewer channels.
pub(super) fn pointwise_gradient(
    isa: Isa,
    [from, to]: [Dims; 2],
    input: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    // The grid does not matter, so its rows are made as long as serves.
    let pixels = from.pixels();
    let width = (1..=RUN.min(pixels)).rev().find(|it| pixels % it == 0);
    let width = width.expect("1 divides any number");
    let [from, to] = [from, to].map(|dims| Dims {
        height: pixels / width,
        width,
        ..dims
    });
    let side = |plain, dims| (blocked(isa, plain, dims), dims);
    let (rows, (columns, dims), order) = if from.channels <= to.channels {
        ((gradient, to), side(input, from), Order::RowsFirst)
    } else {
        ((input, from), side(gradient, to), Order::ColumnsFirst)
    };
    let sums = Sums {
        isa,
        kernel: [1, 1],
        stride: [1, 1],
        rows,
        columns: (&columns, dims),
        order,
    };
    sums.run()
}

/// Whose channels are the outer ones of the result.
#[derive(Clone, Copy, Debug)]
enum Order {
    RowsFirst,
    ColumnsFirst,
}

/// All sums of products of the two sides.
struct Sums<'a> {
    isa: Isa,
    kernel: [usize; 2],
    stride: [usize; 2],
    /// As it lies, each of its channels met by each tap.
    rows: (&'a [f32], Dims),
    /// Blocked, one pixel for each place of the kernel.
    columns: (&'a [f32], Dims),
    order: Order,
}

impl Sums<'_> {
    fn run(&self) -> Vec<f32> {
        let (_, columns) = self.columns;
        let rows = self.rows.1.channels * self.taps();
        let [tile_rows, tile_width] = self.isa.tile();
        let panels = columns.blocks().div_ceil(tile_width);
        let groups = rows.div_ceil(tile_rows);
        let threads = rayon::current_num_threads();
        let shares = if threads == 1 {
            1
        } else {
            (4 * threads).div_ceil(panels).min(groups)
        };
        let mut result = vec![0.0; columns.channels * rows];
        let out = Shared(result.as_mut_ptr());
        let part = tile_width * groups.div_ceil(shares) * tile_rows * LANES;
        let mut scratch = Scratch::new(threads * part);
        each_task(panels * shares, &mut scratch, part, |task, sums| {
            let first = task / shares * tile_width;
            let groups = share(task % shares, shares, groups);
            let task = Task {
                sums: self,
                blocks: first..(first + tile_width).min(columns.blocks()),
                rows: groups.start * tile_rows..(groups.end * tile_rows).min(rows),
            };
            task.add_up(sums);
            // SAFETY: no other task has these blocks and rows of the result.
            unsafe { task.store(sums, { out }.0, rows) };
        });
        result
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}

/// Some blocks of columns and some rows.
struct Task<'a> {
    sums: &'a Sums<'a>,
    blocks: Range<usize>,
    rows: Range<usize>,
}

impl Task<'_> {
    /// Writes `[block][row][16]`.
    fn add_up(&self, sums: &mut [f32]) {
        let Sums {
            isa,
            kernel,
            stride,
            rows: (left, from),
            columns: (right, to),
            ..
        } = *self.sums;
        let taps = self.sums.taps();
        assert!(sums.len() >= self.blocks.len() * self.rows.len() * LANES);
        let tile_rows = isa.tile()[0];
        // Rows of pixels, of all images.
        let total = to.batch * to.height;
        let per_chunk = (CHUNK / to.width).max(1);
        let mut runs = Vec::with_capacity(per_chunk);
        for chunk in (0..total).step_by(per_chunk) {
            runs.clear();
            runs.extend((chunk..(chunk + per_chunk).min(total)).map(|it| {
                let (image, row) = (it / to.height, it % to.height);
                Run {
                    left: image * from.channels * from.pixels() + row * stride[0] * from.width,
                    right: image * to.blocks() * to.plane() + row * to.width * LANES,
                }
            }));
            for first in self.rows.clone().step_by(tile_rows) {
                let mut pointers = [left.as_ptr(); MAX_PIXELS];
                let rows = tile_rows.min(self.rows.end - first);
                for (row, pointer) in (first..first + rows).zip(&mut pointers) {
                    let (channel, tap) = (row / taps, row % taps);
                    let pixel = tap / kernel[1] * from.width + tap % kernel[1];
                    *pointer = left[channel * from.pixels() + pixel..].as_ptr();
                }
                let outer = Outer {
                    rows,
                    width: self.blocks.len(),
                    runs: &runs,
                    len: to.width,
                    left: pointers,
                    left_step: stride[1],
                    right: right[self.blocks.start * to.plane()..].as_ptr(),
                    right_step: LANES,
                    right_block: to.plane(),
                    out: sums[(first - self.rows.start) * LANES..].as_mut_ptr(),
                    out_row: LANES,
                    out_block: self.rows.len() * LANES,
                    add: chunk > 0,
                };
                // SAFETY: the rows' side reaches as far as any tap of any pixel of the columns' side,
                // which has all pixels of `to`; the sums are this task's own, asserted to be enough.
                unsafe { outer.run(isa) };
            }
        }
    }

    /// Writes the sums into the result, which has `all` rows.
    ///
    /// # Safety
    ///
    /// No other thread uses this task's part of `out`.
    unsafe fn store(&self, sums: &[f32], out: *mut f32, all: usize) {
        let channels = self.sums.columns.1.channels;
        let blocks = sums.chunks(self.rows.len() * LANES);
        for (block, sums) in self.blocks.clone().zip(blocks) {
            let first = block * LANES;
            let lanes = LANES.min(channels - first);
            let (sums, _) = sums.as_chunks::<LANES>();
            match self.sums.order {
                Order::RowsFirst => {
                    for (row, sums) in self.rows.clone().zip(sums) {
                        // SAFETY: the result has all rows and channels; the rest is the caller's.
                        let out = unsafe {
                            std::slice::from_raw_parts_mut(out.add(row * channels + first), lanes)
                        };
                        out.copy_from_slice(&sums[..lanes]);
                    }
                }
                Order::ColumnsFirst => {
                    for lane in 0..lanes {
                        let start = (first + lane) * all + self.rows.start;
                        // SAFETY: as above.
                        let out = unsafe {
                            std::slice::from_raw_parts_mut(out.add(start), self.rows.len())
                        };
                        for (to, sums) in out.iter_mut().zip(sums) {
                            *to = sums[lane];
                        }
                    }
                }
            }
        }
    }
}
