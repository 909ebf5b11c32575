//! Upsamples a component to one sample per pixel, like libjpeg's fancy upsampling.

use crate::frame::{Component, Frame};
use crate::planes::Plane;

/// How to upsample a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// One sample per pixel.
    Whole,
    /// Half the columns; uses a triangle filter.
    Columns,
    /// Half the rows; uses a triangle filter.
    Rows,
    /// Half of both; uses a triangle filter.
    Both,
    /// Every sample is repeated, in both directions.
    Repeat { across: usize, down: usize },
}

impl Method {
    pub(crate) fn of(component: &Component, frame: &Frame) -> Self {
        let across = frame.max_h / component.h;
        let down = frame.max_v / component.v;
        match (across, down) {
            (1, 1) => Self::Whole,
            (1, 2) => Self::Rows,
            (2, 1) if component.width > 2 => Self::Columns,
            (2, 2) if component.width > 2 => Self::Both,
            _ => Self::Repeat { across, down },
        }
    }
}

/// Space for one row.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    row: Vec<u8>,
    sums: Vec<u16>,
}

impl Scratch {
    pub(crate) fn new(width: usize) -> Self {
        // Up to four samples more than the image has, because whole samples are repeated.
        Self {
            row: vec![0; width + 4],
            sums: vec![0; width / 2 + 1],
        }
    }
}

/// The samples of pixel row `y`: at least as many as the image has columns.
pub(crate) fn row<'a>(
    method: Method,
    component: &Component,
    plane: &'a Plane,
    y: usize,
    scratch: &'a mut Scratch,
) -> &'a [u8] {
    match method {
        Method::Whole => return plane.row(y),
        Method::Columns => {
            let samples = &plane.row(y)[..component.width];
            double_columns(samples, &mut scratch.row);
        }
        Method::Rows => {
            let (near, far) = neighbors(component, plane, y);
            let bias = if y.is_multiple_of(2) { 1 } else { 2 };
            for ((out, &a), &b) in scratch.row.iter_mut().zip(near).zip(far) {
                *out = ((u16::from(a) * 3 + u16::from(b) + bias) >> 2) as u8;
            }
        }
        Method::Both => {
            let (near, far) = neighbors(component, plane, y);
            let sums = &mut scratch.sums[..component.width];
            for ((sum, &a), &b) in sums.iter_mut().zip(near).zip(far) {
                *sum = u16::from(a) * 3 + u16::from(b);
            }
            double_sums(sums, &mut scratch.row);
        }
        Method::Repeat { across, down } => {
            let samples = plane.row(y / down);
            for (out, &sample) in scratch.row.chunks_mut(across).zip(samples) {
                out.fill(sample);
            }
        }
    }
    &scratch.row
}

/// The sample row nearest to pixel row `y` and the next nearest one; rows repeat at the image's edges.
fn neighbors<'a>(component: &Component, plane: &'a Plane, y: usize) -> (&'a [u8], &'a [u8]) {
    let near = y / 2;
    let far = if y.is_multiple_of(2) {
        near.saturating_sub(1)
    } else {
        (near + 1).min(component.height - 1)
    };
    let width = component.width;
    (&plane.row(near)[..width], &plane.row(far)[..width])
}

/// Three quarters of the nearer sample and one quarter of the farther. Halves are rounded down on the
/// left and up on the right, so that they cancel out.
fn double_columns(samples: &[u8], out: &mut [u8]) {
    let last = samples.len() - 1;
    let three = |x: usize| u16::from(samples[x]) * 3;
    out[0] = samples[0];
    out[1] = ((three(0) + u16::from(samples[1]) + 2) >> 2) as u8;
    for (pair, triple) in out[2..].chunks_exact_mut(2).zip(samples.windows(3)) {
        let middle = u16::from(triple[1]) * 3;
        pair[0] = ((middle + u16::from(triple[0]) + 1) >> 2) as u8;
        pair[1] = ((middle + u16::from(triple[2]) + 2) >> 2) as u8;
    }
    out[2 * last] = ((three(last) + u16::from(samples[last - 1]) + 1) >> 2) as u8;
    out[2 * last + 1] = samples[last];
}

/// The same for sums of two rows, which are scaled by four.
fn double_sums(sums: &[u16], out: &mut [u8]) {
    let last = sums.len() - 1;
    out[0] = ((sums[0] * 4 + 8) >> 4) as u8;
    out[1] = ((sums[0] * 3 + sums[1] + 7) >> 4) as u8;
    for (pair, triple) in out[2..].chunks_exact_mut(2).zip(sums.windows(3)) {
        pair[0] = ((triple[1] * 3 + triple[0] + 8) >> 4) as u8;
        pair[1] = ((triple[1] * 3 + triple[2] + 7) >> 4) as u8;
    }
    out[2 * last] = ((sums[last] * 3 + sums[last - 1] + 8) >> 4) as u8;
    out[2 * last + 1] = ((sums[last] * 4 + 7) >> 4) as u8;
}
