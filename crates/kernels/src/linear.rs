//! Fully connected layers.
#![allow(unsafe_code, reason = "calls the tile")]

use crate::blocked::product;
use crate::conv::panel::{Packing, Panel, Panels, width};
use crate::simd::{Kernel, Lanes};
use crate::tasks::{Split, Tiles, each_task, share};
use crate::tile::{MAX_BLOCKS, MAX_PIXELS, Shared, Tile};
use crate::{Activation, Isa, LANES, Unary};
use rayon::prelude::*;

/// Rows of one task.
const MAX_ROWS: usize = 32;
/// `[batch, in] -> [batch, out]`, row by row without padding; the weights packed for one instruction
/// set.
#[derive(Clone, Debug)]
pub struct PackedLinear {
    isa: Isa,
    features: [usize; 2],
    weights: Panels,
}

impl PackedLinear {
    /// From a weight `[in, out]` row by row (Burn's layout), and perhaps a bias `[out]`;
    /// `features` are `[in, out]`.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit `features`, or the machine lacks the instruction set.
    pub fn new(isa: Isa, features: [usize; 2], weight: &[f32], bias: Option<&[f32]>) -> Self {
        let [inputs, outputs] = features;
        assert!(isa.is_available(), "this machine has no {isa}");
        assert_eq!(
            weight.len(),
            product(&features),
            "weights of {features:?} features"
        );
        if let Some(bias) = bias {
            assert_eq!(bias.len(), outputs, "biases of {features:?} features");
        }
        let packing = Packing {
            outputs,
            width: width(isa),
            inputs: |_| 0..1,
            rows: inputs,
        };
        let mut weights = Panels::stale(&packing, bias);
        weights.parts().into_par_iter().for_each(|(panel, packed)| {
            let rows = packed.chunks_exact_mut(panel.width * LANES);
            for (row, weight) in rows.zip(weight.chunks_exact(outputs)) {
                let weight = &weight[panel.outputs(outputs)];
                let (row, padding) = row.split_at_mut(weight.len());
                row.copy_from_slice(weight);
                padding.fill(0.0);
            }
        });
        Self {
            isa,
            features,
            weights,
        }
    }

    /// `[in, out]`.
    pub fn features(&self) -> [usize; 2] {
        self.features
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        self.weights.bytes()
    }

    /// The layer, then `activation`. A `[batch, channels, 1, 1]` of a multiple of 16 channels is such
    /// an input as it lies.
    ///
    /// # Panics
    ///
    /// If input and output have not the rows of one batch.
    pub fn run(&self, input: &[f32], output: &mut [f32], activation: Activation) {
        let [inputs, outputs] = self.features;
        if outputs == 0 {
            return;
        }
        let rows = output.len() / outputs;
        assert!(
            input.len() == product(&[rows, inputs]) && output.len() == rows * outputs,
            "{} and {} numbers for {:?} features",
            input.len(),
            output.len(),
            self.features,
        );
        assert!(
            u32::try_from(input.len()).is_ok(),
            "an input has fewer than 2^32 numbers"
        );
        let panels = &self.weights.panels;
        let threads = rayon::current_num_threads();
        let Split { chunks, shares } = Split::new(rows, MAX_ROWS, panels.len(), threads);
        let target = Shared(output.as_mut_ptr());
        each_task(chunks * shares, &mut [], 0, |task, _| {
            let (chunk, part) = (task / shares, task % shares);
            self.isa.run(Task {
                layer: self,
                input,
                output: &target,
                rows: share(chunk, chunks, rows),
                panels: &panels[share(part, shares, panels.len())],
                relu: activation == Activation::Relu,
            });
        });
        if activation == Activation::Sigmoid {
            let all = crate::RowsMut::new(output);
            crate::elementwise::in_place(self.isa, Unary::Sigmoid, all);
        }
    }
}

struct Task<'a> {
    layer: &'a PackedLinear,
    input: &'a [f32],
    output: &'a Shared<*mut f32>,
    rows: std::ops::Range<usize>,
    panels: &'a [Panel],
    relu: bool,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let [inputs, outputs] = self.layer.features;
        let weights = &self.layer.weights;
        let tiles = Tiles::new(self.rows.len(), L::PIXELS);
        let offsets: [u32; MAX_PIXELS] = std::array::from_fn(|i| (i * inputs) as u32);
        for panel in self.panels {
            let weight = weights.rows(panel, 0, inputs);
            let bias = weights.bias(panel);
            for i in 0..tiles.of_image() {
                let place = tiles.place(i);
                let first = self.rows.start + place.first;
                let input = &self.input[first * inputs..][..place.pixels * inputs];
                let mut sums = [[[0.0; LANES]; MAX_PIXELS]; MAX_BLOCKS];
                let mut tile = Tile {
                    pixels: place.pixels,
                    width: panel.width,
                    blocks: 1,
                    taps: 1,
                    run: inputs,
                    input: input.as_ptr(),
                    offsets: offsets.as_ptr(),
                    zeros: input.as_ptr(),
                    weight: weight.as_ptr(),
                    bias: bias.as_ptr(),
                    relu: self.relu,
                    ..Tile::EMPTY
                };
                for (out, sums) in tile.out.iter_mut().zip(&mut sums) {
                    *out = sums.as_mut_ptr().cast();
                }
                // SAFETY: input, weights and bias were sliced above to what is read; the sums are
                // this function's.
                unsafe { L::sum(&tile) };
                for (block, sums) in (panel.first_out..).zip(&sums[..panel.width]) {
                    let lanes = LANES.min(outputs - block * LANES);
                    for (row, sums) in (first..).zip(&sums[..place.pixels]) {
                        // SAFETY: the row is one of the output's, and the lanes end with its
                        // features; no other task has both these rows and this panel.
                        unsafe {
                            let to = self.output.0.add(row * outputs + block * LANES);
                            std::ptr::copy_nonoverlapping(sums.as_ptr(), to, lanes);
                        }
                    }
                }
            }
        }
    }
}
