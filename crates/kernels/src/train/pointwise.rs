//! 1x1 convolutions of stride 1 without padding: products of matrices, on images as they lie. The 16
//! numbers side by side are pixels here.
#![allow(unsafe_code, reason = "calls the tile")]

use super::elementwise::zeros;
use super::scratch::Scratch;
use crate::outer::{Outer, Run};
use crate::tasks::{each_task, share};
use crate::tile::{MAX_PIXELS, Shared};
use crate::{Dims, Isa, LANES};

/// Pixels of a panel, of one image or of neighbours.
const PANEL: usize = 64;
/// Input channels of a panel that stay in the first-level cache while all outputs meet them.
const CHUNK: usize = 128;

/// A matrix to multiply the channels of each pixel with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    /// Channels `[in, out]`.
    pub(super) channels: [usize; 2],
    /// Numbers from one input channel, and one output channel, to the next.
    pub(super) steps: [usize; 2],
    /// Added to each output channel.
    pub(super) bias: Option<&'a [f32]>,
}

/// `[batch, out, height, width]` from `[batch, in, height, width]`.
pub(super) fn multiply(isa: Isa, matrix: Matrix<'_>, dims: Dims, input: &[f32]) -> Vec<f32> {
    let [inputs, outputs] = matrix.channels;
    assert!(dims.channels == inputs && input.len() == dims.plain_len());
    assert_eq!(matrix.data.len(), inputs * outputs, "numbers of the matrix");
    let mut result = zeros(dims.with_channels(outputs).plain_len());
    let total = dims.batch * dims.pixels();
    let panels = total.div_ceil(PANEL);
    let threads = rayon::current_num_threads();
    // Where there are few panels, their outputs are shared out too.
    let shares = if threads == 1 {
        1
    } else {
        (4 * threads)
            .div_ceil(panels)
            .min(outputs.div_ceil(MAX_PIXELS))
    };
    let out = Shared(result.as_mut_ptr());
    let part = (inputs + outputs.div_ceil(shares)) * PANEL;
    let mut scratch = Scratch::new(threads * part);
    each_task(panels * shares, &mut scratch, part, |task, scratch| {
        let panel = task / shares;
        let task = Panel {
            isa,
            matrix,
            pixels: dims.pixels(),
            first: panel * PANEL,
            len: PANEL.min(total - panel * PANEL),
            outputs: share(task % shares, shares, outputs),
        };
        let (panel, sums) = scratch.split_at_mut(inputs * PANEL);
        task.gather(input, panel);
        // SAFETY: the result has all outputs of all pixels; no other task has these.
        unsafe { task.run(panel, sums, { out }.0) };
    });
    result
}

/// Some pixels and output channels.
struct Panel<'a> {
    isa: Isa,
    matrix: Matrix<'a>,
    /// Of an image.
    pixels: usize,
    /// Counted through all images.
    first: usize,
    len: usize,
    outputs: std::ops::Range<usize>,
}

impl Panel<'_> {
    /// Calls `piece(image, first pixel, place in the panel, pixels)` for each image that has some.
    fn pieces(&self, mut piece: impl FnMut(usize, usize, usize, usize)) {
        let mut done = 0;
        while done < self.len {
            let at = self.first + done;
            let (image, first) = (at / self.pixels, at % self.pixels);
            let len = (self.pixels - first).min(self.len - done);
            piece(image, first, done, len);
            done += len;
        }
    }

    /// Writes `[in][pixel]`.
    fn gather(&self, input: &[f32], panel: &mut [f32]) {
        if self.len < PANEL {
            panel.fill(0.0);
        }
        self.pieces(|image, first, place, len| {
            let image = &input[image * self.matrix.channels[0] * self.pixels..];
            let planes = image.chunks_exact(self.pixels);
            for (to, plane) in panel.chunks_exact_mut(PANEL).zip(planes) {
                to[place..place + len].copy_from_slice(&plane[first..first + len]);
            }
        });
    }

    /// Writes the outputs of the pixels into `result`, or by way of `sums`.
    ///
    /// # Safety
    ///
    /// `result` has all outputs of all pixels, and these are no other thread's.
    unsafe fn run(&self, panel: &[f32], sums: &mut [f32], result: *mut f32) {
        let (image, first) = (self.first / self.pixels, self.first % self.pixels);
        let [_, all] = self.matrix.channels;
        let at = |image: usize, output: usize, pixel: usize| {
            result.wrapping_add((image * all + output) * self.pixels + pixel)
        };
        if self.len == PANEL && first + PANEL <= self.pixels {
            // SAFETY: passed on to the caller.
            unsafe { self.sum(panel, at(image, self.outputs.start, first), self.pixels) };
            return;
        }
        assert!(sums.len() >= self.outputs.len() * PANEL);
        // SAFETY: asserted just now.
        unsafe { self.sum(panel, sums.as_mut_ptr(), PANEL) };
        self.pieces(|image, first, place, len| {
            for (output, sums) in self.outputs.clone().zip(sums.chunks_exact(PANEL)) {
                // SAFETY: passed on to the caller.
                let to = unsafe { std::slice::from_raw_parts_mut(at(image, output, first), len) };
                to.copy_from_slice(&sums[place..place + len]);
            }
        });
    }

    /// Writes the sums, [`PANEL`] for each output, each `row` after the one before.
    ///
    /// # Safety
    ///
    /// `out` is writable there.
    unsafe fn sum(&self, panel: &[f32], out: *mut f32, row: usize) {
        let Self { matrix, .. } = self;
        let [inputs, _] = matrix.channels;
        let [rows, width] = self.isa.tile();
        assert!(panel.len() >= inputs * PANEL);
        if let Some(bias) = matrix.bias {
            for (i, bias) in bias[self.outputs.clone()].iter().enumerate() {
                // SAFETY: passed on to the caller.
                unsafe { std::slice::from_raw_parts_mut(out.add(i * row), PANEL) }.fill(*bias);
            }
        }
        for chunk in (0..inputs).step_by(CHUNK) {
            for first in self.outputs.clone().step_by(rows) {
                let rows = rows.min(self.outputs.end - first);
                let mut left = [matrix.data.as_ptr(); MAX_PIXELS];
                for (output, left) in (first..first + rows).zip(&mut left) {
                    *left =
                        matrix.data[chunk * matrix.steps[0] + output * matrix.steps[1]..].as_ptr();
                }
                for block in (0..PANEL / LANES).step_by(width) {
                    let outer = Outer {
                        rows,
                        width,
                        runs: &[Run::default()],
                        len: CHUNK.min(inputs - chunk),
                        left,
                        left_step: matrix.steps[0],
                        right: panel[chunk * PANEL + block * LANES..].as_ptr(),
                        right_step: PANEL,
                        right_block: LANES,
                        out: out.wrapping_add((first - self.outputs.start) * row + block * LANES),
                        out_row: row,
                        out_block: LANES,
                        add: chunk > 0 || matrix.bias.is_some(),
                    };
                    // SAFETY: the matrix has all inputs of these outputs, the panel all inputs; the
                    // rest is the caller's.
                    unsafe { outer.run(self.isa) };
                }
            }
        }
    }
}

/// Every register tile divides a panel.
const _: () = assert!(PANEL.is_multiple_of(crate::tile::MAX_BLOCKS * LANES));
