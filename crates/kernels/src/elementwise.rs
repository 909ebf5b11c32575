//! What works number by number.

use crate::{Dims, Isa, LANES, Rows, RowsMut, View, ViewMut};
use rayon::prelude::*;

/// Numbers that one task computes.
const PIECE: usize = 1 << 14;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unary {
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
}

impl Unary {
    pub(crate) fn apply(self, x: f32) -> f32 {
        match self {
            Self::Relu if x > 0.0 || x.is_nan() => x,
            Self::Relu => 0.0,
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
        }
    }
}

impl Binary {
    fn apply(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
        }
    }
}

/// Applies `function` to each number.
///
/// Of a blocked activation with padding lanes, `channels` must name the dims, since the sigmoid of a
/// padding lane is not zero: they are then set to zero. `None` where there are no such lanes.
///
/// # Panics
///
/// If the shapes differ.
pub fn unary(
    isa: Isa,
    function: Unary,
    input: Rows<'_>,
    mut output: RowsMut<'_>,
    blocked: Option<Dims>,
) {
    assert_eq!(input.shape(), output.shape(), "shapes of input and output");
    let _ = isa;
    output.pieces(PIECE).for_each(|(row, first, output)| {
        let input = &input.row(row)[first..];
        for (out, x) in output.iter_mut().zip(input) {
            *out = function.apply(*x);
        }
        clear_padding(blocked, first, output);
    });
}

/// Applies `function` to each number of a blocked activation, and keeps its padding lanes zero.
pub fn unary_in_place(isa: Isa, function: Unary, output: &mut ViewMut<'_>) {
    let dims = output.dims();
    let _ = isa;
    output.planes().for_each(|(_, block, plane)| {
        for out in &mut *plane {
            *out = function.apply(*out);
        }
        clear_padding(Some(dims), block * dims.plane(), plane);
    });
}

/// Applies `function` to each pair of numbers.
///
/// # Panics
///
/// If the shapes differ.
pub fn binary(isa: Isa, function: Binary, a: Rows<'_>, b: Rows<'_>, mut output: RowsMut<'_>) {
    assert_eq!(a.shape(), output.shape(), "shapes of input and output");
    assert_eq!(b.shape(), output.shape(), "shapes of input and output");
    let _ = isa;
    output.pieces(PIECE).for_each(|(row, first, output)| {
        let (a, b) = (&a.row(row)[first..], &b.row(row)[first..]);
        for ((out, a), b) in output.iter_mut().zip(a).zip(b) {
            *out = function.apply(*a, *b);
        }
    });
}

/// `a * gate + b * (1 - gate)`, a highway layer's output (Srivastava et al. 2015, arXiv:1505.00387,
/// equation 3).
///
/// # Panics
///
/// If the shapes differ.
pub fn gate(isa: Isa, a: Rows<'_>, gate: Rows<'_>, b: Rows<'_>, mut output: RowsMut<'_>) {
    for input in [a, gate, b] {
        assert_eq!(input.shape(), output.shape(), "shapes of input and output");
    }
    let _ = isa;
    output.pieces(PIECE).for_each(|(row, first, output)| {
        let [a, gate, b] = [a, gate, b].map(|it| &it.row(row)[first..]);
        for (((out, a), gate), b) in output.iter_mut().zip(a).zip(gate).zip(b) {
            *out = a * gate + b * (1.0 - gate);
        }
    });
}

/// `scale * x + shift` with one scale and shift per channel, then `relu` if told: a batch norm that
/// has no convolution before it.
///
/// # Panics
///
/// If the dims differ, or there is not one scale and one shift per channel.
pub fn affine(
    isa: Isa,
    input: View<'_>,
    mut output: ViewMut<'_>,
    scale: &[f32],
    shift: &[f32],
    then: Option<Unary>,
) {
    let dims = input.dims();
    assert_eq!(dims, output.dims(), "dims of input and output");
    assert_eq!(
        [scale.len(), shift.len()],
        [dims.channels; 2],
        "one per channel"
    );
    let _ = isa;
    output.planes().for_each(|(image, block, plane)| {
        let block_of = |values: &[f32]| {
            let mut lanes = [0.0; LANES];
            let values = &values[block * LANES..];
            let len = values.len().min(LANES);
            lanes[..len].copy_from_slice(&values[..len]);
            lanes
        };
        let (scale, shift) = (block_of(scale), block_of(shift));
        let input = input.plane(image, block);
        for (out, input) in plane.chunks_exact_mut(LANES).zip(input.chunks_exact(LANES)) {
            for lane in 0..LANES {
                let value = scale[lane] * input[lane] + shift[lane];
                out[lane] = then.map_or(value, |then| then.apply(value));
            }
        }
        clear_padding(then.map(|_| dims), block * dims.plane(), plane);
    });
}

/// Zeroes the padding lanes among `numbers`, which begin at number `first` of an image.
fn clear_padding(blocked: Option<Dims>, first: usize, numbers: &mut [f32]) {
    let Some(dims) = blocked else { return };
    let padded = dims.channels / LANES * dims.plane();
    if dims.channels.is_multiple_of(LANES) || first + numbers.len() <= padded {
        return;
    }
    for pixel in numbers[padded.saturating_sub(first)..].chunks_exact_mut(LANES) {
        pixel[dims.channels % LANES..].fill(0.0);
    }
}
