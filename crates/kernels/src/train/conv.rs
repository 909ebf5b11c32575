//! Convolution with its gradients.

use super::elementwise::zeros;
use super::grid::{spread, subsample};
use super::phase::Phase;
use super::pointwise::{self, Matrix};
use super::scratch::{Scratch, blocked};
use super::{weight, winograd};
use crate::conv::Source;
use crate::conv::winograd::tiles;
use crate::layout::{unpack, unpack_strided};
use crate::{
    Algorithm, Conv2dSpec, ConvWeights, Dims, Epilogue, Isa, PackedConv, Padding, View, ViewMut,
};

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
    /// `None` where the kernels do not take the case: groups, an input smaller than the kernel, padding
    /// wider than the kernel reaches, or more numbers than [`Dims::fits`].
    pub fn new(isa: Isa, spec: Conv2dSpec, input: Dims, exact: bool) -> Option<Self> {
        let [height, width] = spec.padding.around([input.height, input.width]);
        let covered = spec.kernel[0] <= height && spec.kernel[1] <= width;
        if spec.groups != 1 || !covered || !input.fits() {
            return None;
        }
        if input.plain_len() == 0 || spec.channels[1] == 0 {
            return None;
        }
        let output = spec.output_dims(input);
        if !output.fits() {
            return None;
        }
        let [kh, kw] = spec.kernel;
        let [sh, sw] = spec.stride;
        let phases = [
            Phase::all(input.height, output.height, kh, sh, spec.padding.top)?,
            Phase::all(input.width, output.width, kw, sw, spec.padding.left)?,
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
        self.check_input(input);
        self.check_weight(weight);
        let Self { isa, spec, .. } = *self;
        if self.is_pointwise() {
            let matrix = Matrix {
                data: weight,
                channels: spec.channels,
                steps: [1, spec.channels[0]],
                bias,
            };
            return pointwise::multiply(isa, matrix, self.seen(), &self.subsampled(input));
        }
        let planar = spec.channels[0] < FEW_CHANNELS;
        let algorithm = if planar {
            Algorithm::Planar
        } else {
            self.algorithm(&spec, self.input)
        };
        let weights = ConvWeights {
            weight,
            bias,
            scale: 1.0,
        };
        let conv = PackedConv::new(isa, spec, weights, algorithm);
        let copy: Scratch;
        let input = if planar {
            input
        } else {
            copy = blocked(isa, input, self.input);
            &copy
        };
        let result = convolve(&conv, input, [self.input, self.output]);
        conv.keep();
        let mut output = zeros(self.output.plain_len());
        unpack(isa, View::new(&result, self.output), &mut output);
        output
    }

    /// The gradient of the input, from that of the output and the weight.
    ///
    /// # Panics
    ///
    /// If a slice has another length.
    pub fn input_gradient(&self, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
        self.check_output(gradient);
        self.check_weight(weight);
        let Self { isa, spec, .. } = *self;
        let [inputs, outputs] = spec.channels;
        if self.is_pointwise() {
            let matrix = Matrix {
                data: weight,
                channels: [outputs, inputs],
                steps: [inputs, 1],
                bias: None,
            };
            let seen = pointwise::multiply(isa, matrix, self.output, gradient);
            return if self.seen() == self.input {
                seen
            } else {
                spread(&seen, self.seen(), self.input, spec.stride)
            };
        }
        let gradient = blocked(isa, gradient, self.output);
        let mut input = zeros(self.input.plain_len());
        for rows in &self.phases[0] {
            for columns in &self.phases[1] {
                if rows.taps.is_empty() || columns.taps.is_empty() {
                    continue;
                }
                let conv = self.phase_convolution(rows, columns, weight);
                let phase = Dims {
                    channels: inputs,
                    height: rows.len,
                    width: columns.len,
                    ..self.output
                };
                let result = convolve(&conv, &gradient, [self.output, phase]);
                conv.keep();
                let result = View::new(&result, phase);
                if phase == self.input {
                    unpack(isa, result, &mut input);
                } else {
                    let offset = [rows.offset, columns.offset];
                    unpack_strided(isa, result, &mut input, self.input, spec.stride, offset);
                }
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
        self.check_input(input);
        self.check_output(gradient);
        let Self { isa, spec, .. } = self;
        if self.is_pointwise() {
            let input = self.subsampled(input);
            let dims = [self.seen(), self.output];
            return weight::pointwise_gradient(*isa, dims, &input, gradient);
        }
        let winograd = Algorithm::Winograd.supports(spec) && winograd::pays(spec, self.output);
        if winograd && !self.exact {
            let input = blocked(*isa, input, self.input);
            let gradient = blocked(*isa, gradient, self.output);
            let input = View::new(&input, self.input);
            return winograd::gradient(*isa, spec, input, View::new(&gradient, self.output));
        }
        weight::gradient(*isa, spec, [self.input, self.output], input, gradient)
    }

    fn check_input(&self, input: &[f32]) {
        assert_eq!(input.len(), self.input.plain_len(), "numbers of the input");
    }

    fn check_output(&self, output: &[f32]) {
        assert_eq!(
            output.len(),
            self.output.plain_len(),
            "numbers of the output"
        );
    }

    fn check_weight(&self, weight: &[f32]) {
        assert_eq!(weight.len(), self.spec.weights(), "numbers of the weight");
    }

    /// Whether it is a product of matrices, of the pixels that it sees.
    fn is_pointwise(&self) -> bool {
        Algorithm::Pointwise.supports(&self.spec)
    }

    /// The dims of the pixels that a 1x1 convolution sees.
    fn seen(&self) -> Dims {
        self.output.with_channels(self.input.channels)
    }

    /// The pixels that a 1x1 convolution sees.
    fn subsampled<'a>(&self, input: &'a [f32]) -> Pixels<'a> {
        if self.seen() == self.input {
            Pixels::AsTheyLie(input)
        } else {
            let stride = self.spec.stride;
            Pixels::Copied(subsample(input, self.input, self.seen(), stride))
        }
    }

    /// The convolution of the output's gradient that gives the input's in one phase.
    fn phase_convolution(&self, rows: &Phase, columns: &Phase, weight: &[f32]) -> PackedConv {
        let [inputs, outputs] = self.spec.channels;
        let [height, width] = self.spec.kernel;
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
        let taps = rows.taps.iter();
        let taps: Vec<_> = taps
            .flat_map(|row| columns.taps.iter().map(move |column| row * width + column))
            .collect();
        let source = Source {
            data: weight,
            // An output of this convolution is an input of the other.
            strides: [height * width, inputs * height * width],
            taps: &taps,
        };
        let algorithm = self.algorithm(&spec, self.output);
        PackedConv::from_source(self.isa, spec, source, None, algorithm)
    }

    /// The fastest that is allowed, with its weights packed anew.
    fn algorithm(&self, spec: &Conv2dSpec, input: Dims) -> Algorithm {
        match Algorithm::choose(spec, input, rayon::current_num_threads()) {
            Algorithm::Winograd if self.exact || !packing_pays(spec, input) => Algorithm::Direct,
            Algorithm::Depthwise => Algorithm::Direct,
            other => other,
        }
    }
}

/// The input of a 1x1 convolution.
enum Pixels<'a> {
    AsTheyLie(&'a [f32]),
    Copied(Scratch),
}

impl std::ops::Deref for Pixels<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::AsTheyLie(pixels) => pixels,
            Self::Copied(pixels) => pixels,
        }
    }
}

/// Convolves to a blocked output; the input is blocked unless the algorithm is the planar one.
fn convolve(conv: &PackedConv, input: &[f32], [from, to]: [Dims; 2]) -> Scratch {
    let mut output = Scratch::new(to.blocked_len());
    let mut outputs = [ViewMut::new(&mut output, to)];
    let mut scratch = Scratch::new(conv.scratch_len(from, rayon::current_num_threads()));
    let epilogue = Epilogue::default();
    if conv.algorithm() == Algorithm::Planar {
        conv.run_planar(input, from, &mut outputs, epilogue, &mut scratch);
    } else {
        conv.run(View::new(input, from), &mut outputs, epilogue, &mut scratch);
    }
    output
}

/// Whether Winograd is worth packing four times as many weights as the plain sums have, which takes as
/// long as some 80 multiply-adds at full speed for each of the 36 numbers.
fn packing_pays(spec: &Conv2dSpec, input: Dims) -> bool {
    let to = spec.output_dims(input);
    9 * to.batch * to.pixels() > 36 * (tiles(to) + 80)
}
