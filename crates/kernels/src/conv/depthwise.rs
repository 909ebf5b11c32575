//! Depthwise convolution: each channel by itself, so the 16 of a block side by side.

use super::Conv2dSpec;
use super::source::Source;
use crate::simd::{Kernel, Lanes, block};
use crate::{Buffer, Isa, LANES, Padding, View, ViewMut};
use rayon::prelude::*;

/// Weights `[block][taps][16]`, and biases `[block][16]`.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    weight: Buffer,
    bias: Buffer,
}

impl Weights {
    pub(super) fn pack(spec: &Conv2dSpec, source: Source<'_>, bias: Option<&[f32]>) -> Self {
        let blocks = spec.groups.div_ceil(LANES);
        let taps = spec.kernel[0] * spec.kernel[1];
        let mut weight = Buffer::zeros(blocks * taps * LANES);
        for channel in 0..spec.groups {
            let (block, lane) = (channel / LANES, channel % LANES);
            for tap in 0..taps {
                weight[(block * taps + tap) * LANES + lane] = source.at(channel, 0, tap);
            }
        }
        let mut biases = Buffer::zeros(blocks * LANES);
        if let Some(bias) = bias {
            biases[..spec.groups].copy_from_slice(bias);
        }
        Self {
            weight,
            bias: biases,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.weight) + size_of_val(&*self.bias)
    }
}

/// A convolution but for its outputs.
pub(super) struct Depthwise<'a> {
    pub(super) spec: &'a Conv2dSpec,
    pub(super) weights: &'a Weights,
    pub(super) input: View<'a>,
    pub(super) residual: Option<View<'a>>,
    pub(super) relu: bool,
}

impl Depthwise<'_> {
    /// Stores one output, whose first block is `first` of the whole result.
    pub(super) fn run(&self, isa: Isa, output: &mut ViewMut<'_>, first: usize) {
        let width = output.dims().width;
        let taps = self.spec.kernel[0] * self.spec.kernel[1];
        let dims = self.input.dims();
        output.planes().for_each(|(image, i, plane)| {
            let i = first + i;
            isa.run(Plane {
                spec: self.spec,
                size: [dims.height, dims.width],
                weight: &self.weights.weight[i * taps * LANES..][..taps * LANES],
                bias: block(&self.weights.bias, i * LANES),
                input: self.input.plane(image, i),
                output: plane,
                width,
                residual: self.residual.map(|it| it.plane(image, i)),
                relu: self.relu,
            });
        });
    }
}

struct Plane<'a> {
    spec: &'a Conv2dSpec,
    size: [usize; 2],
    weight: &'a [f32],
    bias: &'a [f32; LANES],
    input: &'a [f32],
    output: &'a mut [f32],
    width: usize,
    residual: Option<&'a [f32]>,
    relu: bool,
}

impl Kernel for Plane<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let [height, width] = self.size;
        let Padding { top, left, .. } = self.spec.padding;
        let (pixels, _) = self.output.as_chunks_mut::<LANES>();
        for (pixel, out) in pixels.iter_mut().enumerate() {
            // What is left or above of the image wraps around, beyond any size.
            let row = (pixel / self.width * self.spec.stride[0]).wrapping_sub(top);
            let column = (pixel % self.width * self.spec.stride[1]).wrapping_sub(left);
            let mut sum = L::load(self.bias);
            for i in 0..self.spec.kernel[0] {
                let row = row.wrapping_add(i);
                if row >= height {
                    continue;
                }
                for j in 0..self.spec.kernel[1] {
                    let column = column.wrapping_add(j);
                    if column < width {
                        let x = L::load(block(self.input, (row * width + column) * LANES));
                        let weight = (i * self.spec.kernel[1] + j) * LANES;
                        sum = x.mul_add(L::load(block(self.weight, weight)), sum);
                    }
                }
            }
            if let Some(residual) = self.residual {
                sum = sum.add(L::load(block(residual, pixel * LANES)));
            }
            if self.relu {
                sum = sum.relu();
            }
            sum.store(out);
        }
    }
}
