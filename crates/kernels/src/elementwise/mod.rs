//! What works number by number.

mod math;

pub(crate) use math::sigmoid;

use crate::simd::{Kernel, Lanes};
use crate::{Dims, Isa, LANES, Rows, RowsMut, View, ViewMut};
use rayon::prelude::*;

/// Numbers that one task computes.
pub(crate) const PIECE: usize = 1 << 14;

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

/// `max(x, 0)`; NaN stays NaN.
#[inline(always)]
pub(crate) fn rectified(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// `a * gate + b * (1 - gate)`.
#[inline(always)]
pub(crate) fn gated(a: f32, gate: f32, b: f32) -> f32 {
    a * gate + b * (1.0 - gate)
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
    /// Applies it to all of `numbers`, in a loop of its own for each function, which the compiler
    /// turns into vectors.
    #[inline(always)]
    pub(crate) fn apply(self, numbers: &mut [f32]) {
        match self {
            Self::Relu => numbers.iter_mut().for_each(|x| *x = rectified(*x)),
            Self::Sigmoid => numbers.iter_mut().for_each(|x| *x = math::sigmoid(*x)),
            Self::Tanh => numbers.iter_mut().for_each(|x| *x = math::tanh(*x)),
        }
    }
}

impl Binary {
    /// Stores it for each pair, as [`Unary::apply`].
    #[inline(always)]
    fn apply(self, a: &[f32], b: &[f32], out: &mut [f32]) {
        let pairs = out.iter_mut().zip(a).zip(b);
        match self {
            Self::Add => pairs.for_each(|((out, a), b)| *out = a + b),
            Self::Sub => pairs.for_each(|((out, a), b)| *out = a - b),
            Self::Mul => pairs.for_each(|((out, a), b)| *out = a * b),
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
    output.pieces(PIECE).for_each(|(row, first, output)| {
        output.copy_from_slice(&input.row(row)[first..][..output.len()]);
        isa.run(InPlace(function, output));
        clear_padding(blocked, first, output);
    });
}

/// Applies `function` to each number where it lies.
pub(crate) fn in_place(isa: Isa, function: Unary, mut numbers: RowsMut<'_>) {
    let pieces = numbers.pieces(PIECE);
    pieces.for_each(|(_, _, numbers)| isa.run(InPlace(function, numbers)));
}

/// Applies `function` to each number of a blocked activation, and keeps its padding lanes zero.
pub fn unary_in_place(isa: Isa, function: Unary, output: &mut ViewMut<'_>) {
    let dims = output.dims();
    output.planes().for_each(|(_, block, plane)| {
        isa.run(InPlace(function, plane));
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
    output.pieces(PIECE).for_each(|(row, first, output)| {
        let [a, b] = [a, b].map(|it| &it.row(row)[first..]);
        isa.run(Pairs(function, a, b, output));
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
    output.pieces(PIECE).for_each(|(row, first, output)| {
        let [a, gate, b] = [a, gate, b].map(|it| &it.row(row)[first..]);
        isa.run(Gated(a, gate, b, output));
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
    output.planes().for_each(|(image, block, plane)| {
        let block_of = |values: &[f32]| {
            let mut lanes = [0.0; LANES];
            let values = &values[block * LANES..];
            let len = values.len().min(LANES);
            lanes[..len].copy_from_slice(&values[..len]);
            lanes
        };
        isa.run(Affine {
            scale: block_of(scale),
            shift: block_of(shift),
            input: input.plane(image, block),
            output: plane,
        });
        if let Some(then) = then {
            isa.run(InPlace(then, plane));
            clear_padding(Some(dims), block * dims.plane(), plane);
        }
    });
}

struct InPlace<'a>(Unary, &'a mut [f32]);

impl Kernel for InPlace<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        self.0.apply(self.1);
    }
}

struct Pairs<'a>(Binary, &'a [f32], &'a [f32], &'a mut [f32]);

impl Kernel for Pairs<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        self.0.apply(self.1, self.2, self.3);
    }
}

struct Gated<'a>(&'a [f32], &'a [f32], &'a [f32], &'a mut [f32]);

impl Kernel for Gated<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self(a, gate, b, output) = self;
        for (((out, a), gate), b) in output.iter_mut().zip(a).zip(gate).zip(b) {
            *out = gated(*a, *gate, *b);
        }
    }
}

struct Affine<'a> {
    scale: [f32; LANES],
    shift: [f32; LANES],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Affine<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (scale, shift) = (L::load(&self.scale), L::load(&self.shift));
        let (input, _) = self.input.as_chunks();
        let (output, _) = self.output.as_chunks_mut();
        for (out, x) in output.iter_mut().zip(input) {
            L::load(x).mul_add(scale, shift).store(out);
        }
    }
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
