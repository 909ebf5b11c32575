//! Images with zeros around them, and every other pixel of them.

use super::elementwise::zeros;
use super::scratch::Scratch;
use crate::{Conv2dSpec, Dims, Padding};
use rayon::prelude::*;

/// The dims of the input with as many rows and columns as taps reach. The last pixels of the input may
/// meet no tap; the last zeros that meet none are left out.
pub(super) fn padded(spec: &Conv2dSpec, from: Dims, to: Dims) -> Dims {
    let reach = |to: usize, axis: usize| (to - 1) * spec.stride[axis] + spec.kernel[axis];
    Dims {
        height: reach(to.height, 0).max(spec.padding.top + from.height),
        width: reach(to.width, 1).max(spec.padding.left + from.width),
        ..from
    }
}

/// `[batch, channels, height, width]` with a border of zeros.
pub(super) fn pad(input: &[f32], from: Dims, padding: Padding, to: Dims) -> Scratch {
    let mut padded = Scratch::new(to.plain_len());
    planes(&mut padded, to, input, from).for_each(|(to_plane, plane)| {
        let (above, rest) = to_plane.split_at_mut(padding.top * to.width);
        let (rows, below) = rest.split_at_mut(from.height * to.width);
        above.fill(0.0);
        below.fill(0.0);
        let rows = rows.chunks_exact_mut(to.width);
        for (to, row) in rows.zip(plane.chunks_exact(from.width)) {
            let (left, rest) = to.split_at_mut(padding.left);
            let (middle, right) = rest.split_at_mut(from.width);
            left.fill(0.0);
            middle.copy_from_slice(row);
            right.fill(0.0);
        }
    });
    padded
}

/// The pixels that a 1x1 convolution of that stride sees.
pub(super) fn subsample(input: &[f32], from: Dims, to: Dims, stride: [usize; 2]) -> Scratch {
    let mut seen = Scratch::new(to.plain_len());
    planes(&mut seen, to, input, from).for_each(|(to_plane, plane)| {
        let rows = plane.chunks_exact(from.width).step_by(stride[0]);
        for (to, row) in to_plane.chunks_exact_mut(to.width).zip(rows) {
            let pixels = row.iter().step_by(stride[1]);
            to.iter_mut().zip(pixels).for_each(|(to, it)| *to = *it);
        }
    });
    seen
}

/// The reverse of [`subsample`], zeros elsewhere.
pub(super) fn spread(seen: &[f32], from: Dims, to: Dims, stride: [usize; 2]) -> Vec<f32> {
    let mut output = zeros(to.plain_len());
    planes(&mut output, to, seen, from).for_each(|(to_plane, plane)| {
        let rows = to_plane.chunks_exact_mut(to.width).step_by(stride[0]);
        for (to, row) in rows.zip(plane.chunks_exact(from.width)) {
            let pixels = to.iter_mut().step_by(stride[1]);
            pixels.zip(row).for_each(|(to, it)| *to = *it);
        }
    });
    output
}

/// The planes of two images, in parallel.
fn planes<'a>(
    to: &'a mut [f32],
    to_dims: Dims,
    from: &'a [f32],
    from_dims: Dims,
) -> impl ParallelIterator<Item = (&'a mut [f32], &'a [f32])> {
    to.par_chunks_exact_mut(to_dims.pixels())
        .zip(from.par_chunks_exact(from_dims.pixels()))
        .with_min_len(8)
}
