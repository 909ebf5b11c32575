//! Convolution with its gradients.

use super::phase::Phase;
use super::pointwise::{self, Matrix};
use super::scratch::Scratch;
use super::temp::{pack_padded, unpack_strided};
use super::{weight, winograd};
use crate::{
    Algorithm, Conv2dSpec, ConvWeights, Dims, Epilogue, Isa, PackedConv, Padding, View, ViewMut,
    unpack,
};
use rayon::prelude::*;

/// Channels below which a convolution reads its input as it lies.
const FEW_CHANNELS: usize = 16;

/// A convolution of inputs of one size, with its gradients.
#[derive(Clone, Debug)]
pub struct TrainConv {
    isa: Isa,
    spec: Conv2dSpec,
    input: Dims,
    output: Dims,
    exact: bool,
    /// Of rows and columns.
    phases: [Vec<Phase>; 2],
}

impl TrainConv {
    /// For inputs of `input`'s dims; `exact`: never by Winograd, whose errors are ten times those of the
    /// plain sums.
    ///
    /// `None` where the kernels do not take the case: groups, an input smaller than the kernel, or
    /// padding wider than the kernel reaches.
    pub fn new(isa: Isa, spec: Conv2dSpec, input: Dims, exact: bool) -> Option<Self> {
        let Padding {
            top,
            left,
            bottom,
            right,
        } = spec.padding;
        let fits = spec.kernel[0] <= input.height + top + bottom
            && spec.kernel[1] <= input.width + left + right;
        let empty = input.plain_len() == 0 || spec.channels[1] == 0;
        if spec.groups != 1 || !fits || empty {
            return None;
        }
        let output = spec.output_dims(input);
        let [kh, kw] = spec.kernel;
        let [sh, sw] = spec.stride;
        let phases = [
            Phase::all(input.height, output.height, kh, sh, top)?,
            Phase::all(input.width, output.width, kw, sw, left)?,
        ];
        Some(Self {
            isa,
            spec,
            input,
            output,
            exact,
            phases,
        })
    }

    /// Dims of the output.
    pub fn output(&self) -> Dims {
        self.output
    }

    /// `[batch, out, height', width']` from `input` `[batch, in, height, width]`, `weight` `[out, in,
    /// height, width]` and `bias` `[out]`.
    ///
    /// # Panics
    ///
    /// If a slice has another length.
    pub fn forward(&self, input: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        assert_eq!(input.len(), self.input.plain_len(), "numbers of the input");
        if self.is_pointwise() {
            let matrix = Matrix {
                data: weight,
                channels: self.spec.channels,
                steps: [1, self.spec.channels[0]],
                bias,
            };
            return pointwise::multiply(self.isa, matrix, self.input, input);
        }
        let weights = ConvWeights {
            weight,
            bias,
            scale: 1.0,
        };
        let mut output = vec![0.0; self.output.plain_len()];
        if self.spec.channels[0] < FEW_CHANNELS {
            let conv = PackedConv::new(self.isa, self.spec, weights, Algorithm::Planar);
            let mut blocked = Scratch::new(self.output.blocked_len());
            let mut scratch = scratch(&conv, self.input);
            let mut outputs = [ViewMut::new(&mut blocked, self.output)];
            conv.run_planar(
                input,
                self.input,
                &mut outputs,
                Epilogue::default(),
                &mut scratch,
            );
            unpack(View::new(&blocked, self.output), &mut output);
            return output;
        }
        let conv = PackedConv::new(
            self.isa,
            self.spec,
            weights,
            self.algorithm(&self.spec, self.input),
        );
        let mut packed = Scratch::new(self.input.blocked_len());
        pack_padded(input, self.input, Padding::default(), &mut packed);
        let blocked = convolve(&conv, &packed, self.input, self.output);
        unpack(View::new(&blocked, self.output), &mut output);
        output
    }

    /// The gradient of the input, from that of the output and the weight.
    ///
    /// # Panics
    ///
    /// If a slice has another length.
    pub fn input_gradient(&self, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
        assert_eq!(weight.len(), self.spec.weights(), "numbers of the weight");
        if self.is_pointwise() {
            let [inputs, outputs] = self.spec.channels;
            let matrix = Matrix {
                data: weight,
                channels: [outputs, inputs],
                steps: [inputs, 1],
                bias: None,
            };
            return pointwise::multiply(self.isa, matrix, self.output, gradient);
        }
        let mut packed = Scratch::new(self.output.blocked_len());
        pack_padded(gradient, self.output, Padding::default(), &mut packed);
        let mut input = vec![0.0; self.input.plain_len()];
        let [inputs, outputs] = self.spec.channels;
        let taps = self.spec.kernel[0] * self.spec.kernel[1];
        for rows in &self.phases[0] {
            for columns in &self.phases[1] {
                if rows.taps.is_empty() || columns.taps.is_empty() {
                    continue;
                }
                let spec = Conv2dSpec {
                    channels: [outputs, inputs],
                    kernel: [rows.taps.len(), columns.taps.len()],
                    stride: [1, 1],
                    padding: Padding {
                        top: rows.padding[0],
                        left: columns.padding[0],
                        bottom: rows.padding[1],
                        right: columns.padding[1],
                    },
                    groups: 1,
                };
                let phase = Dims {
                    channels: inputs,
                    height: rows.len,
                    width: columns.len,
                    ..self.output
                };
                let mut permuted = vec![0.0; spec.weights()];
                let list: Vec<_> = rows
                    .taps
                    .iter()
                    .flat_map(|i| {
                        columns
                            .taps
                            .iter()
                            .map(move |j| i * self.spec.kernel[1] + j)
                    })
                    .collect();
                for i in 0..inputs {
                    for o in 0..outputs {
                        for (t, tap) in list.iter().enumerate() {
                            permuted[(i * outputs + o) * list.len() + t] =
                                weight[(o * inputs + i) * taps + tap];
                        }
                    }
                }
                let weights = ConvWeights {
                    weight: &permuted,
                    bias: None,
                    scale: 1.0,
                };
                let conv =
                    PackedConv::new(self.isa, spec, weights, self.algorithm(&spec, self.output));
                let blocked = convolve(&conv, &packed, self.output, phase);
                unpack_strided(
                    &blocked,
                    phase,
                    &mut input,
                    self.input,
                    self.spec.stride,
                    [rows.offset, columns.offset],
                );
            }
        }
        input
    }

    /// The gradient of the weight, `[out, in, height, width]`, from the input and the gradient of the
    /// output.
    ///
    /// # Panics
    ///
    /// If a slice has another length.
    pub fn weight_gradient(&self, input: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Self { isa, spec, .. } = self;
        let winograd = Algorithm::Winograd.supports(spec) && winograd::pays(spec, self.output);
        if winograd && !self.exact {
            let mut x = Scratch::new(self.input.blocked_len());
            pack_padded(input, self.input, Padding::default(), &mut x);
            let mut g = Scratch::new(self.output.blocked_len());
            pack_padded(gradient, self.output, Padding::default(), &mut g);
            let (x, g) = (View::new(&x, self.input), View::new(&g, self.output));
            return winograd::gradient(*isa, spec, x, g);
        }
        weight::gradient(*isa, spec, [self.input, self.output], input, gradient)
    }

    /// Whether it is a product of matrices.
    fn is_pointwise(&self) -> bool {
        self.spec.kernel == [1, 1] && self.input.with_channels(0) == self.output.with_channels(0)
    }

    /// The fastest that is allowed.
    fn algorithm(&self, spec: &Conv2dSpec, input: Dims) -> Algorithm {
        match Algorithm::choose(spec, input, rayon::current_num_threads()) {
            Algorithm::Winograd if self.exact => Algorithm::Direct,
            Algorithm::Depthwise => Algorithm::Direct,
            other => other,
        }
    }
}

/// Convolves a blocked input of `from` to a blocked output of `to`.
fn convolve(conv: &PackedConv, input: &[f32], from: Dims, to: Dims) -> Scratch {
    let mut output = Scratch::new(to.blocked_len());
    let mut outputs = [ViewMut::new(&mut output, to)];
    let mut scratch = scratch(conv, from);
    conv.run(
        View::new(input, from),
        &mut outputs,
        Epilogue::default(),
        &mut scratch,
    );
    output
}

/// What `conv` needs on the current threads.
fn scratch(conv: &PackedConv, input: Dims) -> Scratch {
    Scratch::new(conv.scratch_len(input, rayon::current_num_threads()))
}

/// The gradient of a bias, `[channels]`: the sum over batch and pixels of the output's gradient
/// `[batch, channels, height, width]`.
///
/// # Panics
///
/// If `gradient` has another length.
pub fn bias_gradient(dims: Dims, gradient: &[f32]) -> Vec<f32> {
    assert_eq!(gradient.len(), dims.plain_len(), "numbers of {dims:?}");
    let pixels = dims.pixels();
    let channel = |channel: usize| {
        let planes = (0..dims.batch).map(|image| {
            let start = (image * dims.channels + channel) * pixels;
            sum(&gradient[start..start + pixels])
        });
        planes.sum::<f64>() as f32
    };
    (0..dims.channels).into_par_iter().map(channel).collect()
}

/// Adds up rounded sums of few numbers, so that few digits are lost.
fn sum(numbers: &[f32]) -> f64 {
    let pieces = numbers.chunks(64).map(|piece| {
        let (sixteens, rest) = piece.as_chunks::<16>();
        let mut lanes = [0.0f32; 16];
        for sixteen in sixteens {
            lanes
                .iter_mut()
                .zip(sixteen)
                .for_each(|(sum, it)| *sum += it);
        }
        f64::from(lanes.iter().chain(rest).sum::<f32>())
    });
    pieces.sum()
}
