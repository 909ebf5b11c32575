//! Fully connected layers.

use crate::{Activation, Isa};
use rayon::prelude::*;

/// `[batch, in] -> [batch, out]`, row by row without padding; the weights packed for one instruction
/// set.
#[derive(Clone, Debug)]
pub struct PackedLinear {
    features: [usize; 2],
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl PackedLinear {
    /// From a weight `[in, out]` row by row (Burn's layout), and perhaps a bias `[out]`;
    /// `features` are `[in, out]`.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit `features`.
    pub fn new(isa: Isa, features: [usize; 2], weight: &[f32], bias: Option<&[f32]>) -> Self {
        let [inputs, outputs] = features;
        assert_eq!(weight.len(), inputs * outputs, "weights of {features:?}");
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        assert_eq!(bias.len(), outputs, "biases of {features:?}");
        let _ = isa;
        Self {
            features,
            weight: weight.to_vec(),
            bias,
        }
    }

    /// `[in, out]`.
    pub fn features(&self) -> [usize; 2] {
        self.features
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.weight) + size_of_val(&*self.bias)
    }

    /// The layer, then `activation`. A `[batch, channels, 1, 1]` of a multiple of 16 channels is such
    /// an input as it lies.
    ///
    /// # Panics
    ///
    /// If input and output have not the rows of one batch.
    pub fn run(&self, input: &[f32], output: &mut [f32], activation: Activation) {
        let [inputs, outputs] = self.features;
        assert_eq!(
            input.len() * outputs,
            output.len() * inputs,
            "rows of {:?}",
            self.features
        );
        output
            .par_chunks_mut(outputs)
            .zip(input.par_chunks(inputs))
            .for_each(|(output, input)| {
                output.copy_from_slice(&self.bias);
                for (x, weights) in input.iter().zip(self.weight.chunks_exact(outputs)) {
                    for (out, weight) in output.iter_mut().zip(weights) {
                        *out += x * weight;
                    }
                }
                for out in output {
                    *out = activation.apply(*out);
                }
            });
    }
}
