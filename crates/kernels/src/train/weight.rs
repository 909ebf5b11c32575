//! The gradient of a convolution's weight: for each output and input channel and tap, the sum over all
//! output pixels of their gradient times the input pixel that the tap met.
//!
//! A tile of sums has 16 output channels or more side by side, for which the gradient is blocked, and as
//! rows any few of the pairs of input channel and tap, in the order of the weight; it runs over the
//! pixels. The input stays as it lies, but for a border of zeros where the convolution pads.
#![allow(unsafe_code, reason = "calls the tile")]

use super::scratch::Scratch;
use super::temp::pack_padded;
use crate::outer::{Outer, Run};
use crate::tasks::{each_task, share};
use crate::tile::{MAX_PIXELS, Shared};
use crate::{Conv2dSpec, Dims, Isa, LANES, Padding};
use rayon::prelude::*;

/// Pixels of the gradient that stay in the first-level cache while all rows meet them.
const CHUNK: usize = 96;

/// `[out, in, height, width]`; `dims` are those of the input and the output.
pub(super) fn gradient(
    isa: Isa,
    spec: &Conv2dSpec,
    [from, to]: [Dims; 2],
    input: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let padded = padded(spec, from, to);
    let copy: Scratch;
    let x = if padded == from {
        input
    } else {
        copy = pad(input, from, spec.padding, padded);
        &copy
    };
    let mut g = Scratch::new(to.blocked_len());
    pack_padded(gradient, to, Padding::default(), &mut g);

    let taps = spec.kernel[0] * spec.kernel[1];
    let rows = from.channels * taps;
    let [tile_rows, tile_width] = isa.tile();
    let panels = to.blocks().div_ceil(tile_width);
    let groups = rows.div_ceil(tile_rows);
    let threads = rayon::current_num_threads();
    let shares = if threads == 1 {
        1
    } else {
        (4 * threads).div_ceil(panels).min(groups)
    };
    let mut result = vec![0.0; to.channels * rows];
    let out = Shared(result.as_mut_ptr());
    let most = groups.div_ceil(shares) * tile_rows;
    let mut sums = Scratch::new(threads * tile_width * most * LANES);
    each_task(
        panels * shares,
        &mut sums,
        tile_width * most * LANES,
        |task, sums| {
            let (panel, part) = (task / shares, task % shares);
            let first_block = panel * tile_width;
            let part = share(part, shares, groups);
            let part = part.start * tile_rows..(part.end * tile_rows).min(rows);
            let task = Task {
                isa,
                spec,
                padded,
                to,
                x,
                g: &g,
                first_block,
                blocks: tile_width.min(to.blocks() - first_block),
                rows: part.clone(),
            };
            task.run(sums);
            for block in 0..task.blocks {
                for lane in 0..LANES.min(to.channels - (first_block + block) * LANES) {
                    let channel = (first_block + block) * LANES + lane;
                    let sums = sums[block * part.len() * LANES..].chunks(LANES);
                    for (row, sums) in part.clone().zip(sums) {
                        // SAFETY: `row` is below `rows`, and no other task has this channel and row.
                        unsafe { *({ out }.0).add(channel * rows + row) = sums[lane] };
                    }
                }
            }
        },
    );
    result
}

/// The dims of the input with its zeros. The last pixels of the input may meet no tap; the last zeros that
/// meet none are left out.
fn padded(spec: &Conv2dSpec, from: Dims, to: Dims) -> Dims {
    let reach = |to: usize, axis: usize| (to - 1) * spec.stride[axis] + spec.kernel[axis];
    Dims {
        height: reach(to.height, 0).max(spec.padding.top + from.height),
        width: reach(to.width, 1).max(spec.padding.left + from.width),
        ..from
    }
}

/// `[batch, channels, height, width]` with a border of zeros.
fn pad(input: &[f32], from: Dims, padding: Padding, to: Dims) -> Scratch {
    let mut padded = Scratch::new(to.plain_len());
    let planes = padded.par_chunks_exact_mut(to.pixels());
    planes
        .zip(input.par_chunks_exact(from.pixels()))
        .for_each(|(to_plane, plane)| {
            let (above, rest) = to_plane.split_at_mut(padding.top * to.width);
            let (rows, below) = rest.split_at_mut(from.height * to.width);
            above.fill(0.0);
            below.fill(0.0);
            for (to, row) in rows
                .chunks_exact_mut(to.width)
                .zip(plane.chunks_exact(from.width))
            {
                let (left, rest) = to.split_at_mut(padding.left);
                let (middle, right) = rest.split_at_mut(from.width);
                left.fill(0.0);
                middle.copy_from_slice(row);
                right.fill(0.0);
            }
        });
    padded
}

struct Task<'a> {
    isa: Isa,
    spec: &'a Conv2dSpec,
    padded: Dims,
    to: Dims,
    x: &'a [f32],
    g: &'a [f32],
    first_block: usize,
    blocks: usize,
    rows: std::ops::Range<usize>,
}

impl Task<'_> {
    /// Writes `[block][row][16]`.
    fn run(&self, sums: &mut [f32]) {
        let Self {
            spec, padded, to, ..
        } = *self;
        let [_, width] = spec.kernel;
        let taps = spec.kernel[0] * width;
        assert!(sums.len() >= self.blocks * self.rows.len() * LANES);
        let step = self.isa.tile()[0];
        // Rows of output pixels, of all images.
        let total = to.batch * to.height;
        let per_chunk = (CHUNK / to.width).max(1);
        let mut runs = Vec::with_capacity(per_chunk);
        for chunk in (0..total).step_by(per_chunk) {
            runs.clear();
            runs.extend((chunk..(chunk + per_chunk).min(total)).map(|it| {
                let (image, row) = (it / to.height, it % to.height);
                Run {
                    left: image * padded.channels * padded.pixels()
                        + row * spec.stride[0] * padded.width,
                    right: image * to.blocks() * to.plane() + row * to.width * LANES,
                }
            }));
            for first in self.rows.clone().step_by(step) {
                let mut left = [self.x.as_ptr(); MAX_PIXELS];
                let rows = step.min(self.rows.end - first);
                for (row, left) in (first..first + rows).zip(&mut left) {
                    let (channel, tap) = (row / taps, row % taps);
                    let pixel = tap / width * padded.width + tap % width;
                    *left = self.x[channel * padded.pixels() + pixel..].as_ptr();
                }
                let outer = Outer {
                    rows,
                    width: self.blocks,
                    runs: &runs,
                    len: to.width,
                    left,
                    left_step: spec.stride[1],
                    right: self.g[self.first_block * to.plane()..].as_ptr(),
                    right_step: LANES,
                    right_block: to.plane(),
                    out: sums[(first - self.rows.start) * LANES..].as_mut_ptr(),
                    out_row: LANES,
                    out_block: self.rows.len() * LANES,
                    add: chunk > 0,
                };
                // SAFETY: the padded input reaches as far as any tap of any output pixel; the gradient
                // has all pixels of `to`; the sums are this task's own, asserted above to be enough.
                unsafe { outer.run(self.isa) };
            }
        }
    }
}
