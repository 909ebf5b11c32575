//! What a training step computes number by number, with its gradients.
#![allow(unsafe_code, reason = "memory is written before it is read")]

use crate::Isa;
use crate::elementwise::{PIECE, gated, rectified, sigmoid};
use crate::simd::{Kernel, Lanes};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// `max(x, 0)` of each number; NaN stays NaN.
pub fn relu(isa: Isa, x: &[f32]) -> Vec<f32> {
    map(isa, [x], |[x]| rectified(x))
}

/// `max(a + b, 0)` of each pair.
///
/// # Panics
///
/// If the lengths differ.
pub fn add_relu(isa: Isa, a: &[f32], b: &[f32]) -> Vec<f32> {
    map(isa, [a, b], |[a, b]| rectified(a + b))
}

/// The gradient of what was rectified, from that of the rectifier's `output`.
///
/// # Panics
///
/// If the lengths differ.
pub fn relu_gradient(isa: Isa, output: &[f32], gradient: &[f32]) -> Vec<f32> {
    map(isa, [output, gradient], |[output, gradient]| {
        if output <= 0.0 { 0.0 } else { gradient }
    })
}

/// A highway layer's output (Srivastava et al. 2015, arXiv:1505.00387, equation 3).
#[derive(Clone, Debug)]
pub struct Highway {
    /// `transformed * gate + carried * (1 - gate)`.
    pub output: Vec<f32>,
    /// `1 / (1 + exp(-logit))`.
    pub gate: Vec<f32>,
}

/// Gradients of a highway layer's arguments.
#[derive(Clone, Debug)]
pub struct HighwayGradients {
    /// Of what the layer computes.
    pub transformed: Vec<f32>,
    /// Of what the gate is the sigmoid of.
    pub logits: Vec<f32>,
    /// Of what the layer lets through.
    pub carried: Vec<f32>,
}

impl Highway {
    /// Mixes what was `transformed` and what is `carried`.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn forward(isa: Isa, transformed: &[f32], logits: &[f32], carried: &[f32]) -> Self {
        let gate = map(isa, [logits], |[logit]| sigmoid(logit));
        let output = map(isa, [transformed, &gate, carried], |[a, gate, b]| {
            gated(a, gate, b)
        });
        Self { output, gate }
    }

    /// Gradients from that of the output; `gate` as [`forward`](Self::forward) gave it.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn backward(
        isa: Isa,
        transformed: &[f32],
        gate: &[f32],
        carried: &[f32],
        gradient: &[f32],
    ) -> HighwayGradients {
        HighwayGradients {
            transformed: map(isa, [gradient, gate], |[gradient, gate]| gradient * gate),
            logits: map(
                isa,
                [gradient, transformed, gate, carried],
                |[gradient, a, gate, b]| gradient * (a - b) * (gate * (1.0 - gate)),
            ),
            carried: map(isa, [gradient, gate], |[gradient, gate]| {
                gradient * (1.0 - gate)
            }),
        }
    }
}

/// `len` zeros. The allocator would write them on one thread, where it gives memory that was used before.
pub(super) fn zeros(len: usize) -> Vec<f32> {
    let mut zeros = Vec::with_capacity(len);
    let pieces = zeros.spare_capacity_mut()[..len].par_chunks_mut(PIECE);
    pieces.for_each(|piece| piece.fill(MaybeUninit::new(0.0)));
    // SAFETY: the pieces are `len` numbers, and each is written.
    unsafe { zeros.set_len(len) };
    zeros
}

/// `function` of the numbers at each place.
fn map<const N: usize>(
    isa: Isa,
    inputs: [&[f32]; N],
    function: impl Fn([f32; N]) -> f32 + Copy + Send + Sync,
) -> Vec<f32> {
    let len = inputs[0].len();
    for input in inputs {
        assert_eq!(input.len(), len, "as many numbers in each");
    }
    // Not zeros first: that would be one more pass over memory.
    let mut output = Vec::with_capacity(len);
    let pieces = output.spare_capacity_mut()[..len].par_chunks_mut(PIECE);
    pieces.enumerate().for_each(|(index, output)| {
        let inputs = inputs.map(|it| &it[index * PIECE..][..output.len()]);
        isa.run(Map {
            inputs,
            output,
            function,
        });
    });
    // SAFETY: `Map` has written each number of each piece, and the pieces are `len` numbers.
    unsafe { output.set_len(len) };
    output
}

struct Map<'a, F, const N: usize> {
    inputs: [&'a [f32]; N],
    output: &'a mut [MaybeUninit<f32>],
    function: F,
}

impl<F: Fn([f32; N]) -> f32, const N: usize> Kernel for Map<'_, F, N> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let inputs = self.inputs.map(|it| &it[..self.output.len()]);
        for (i, output) in self.output.iter_mut().enumerate() {
            output.write((self.function)(inputs.map(|it| it[i])));
        }
    }
}
