//! Convolution.

mod spec;

pub use spec::{Algorithm, Conv2dSpec};

use crate::{Dims, Isa, LANES, Unary, View, ViewMut};
use rayon::prelude::*;

/// The weights of a convolution before packing.
#[derive(Clone, Copy, Debug)]
pub struct ConvWeights<'a> {
    /// `[out, in / groups, height, width]` row by row.
    pub weight: &'a [f32],
    /// `[out]`, or zeros.
    pub bias: Option<&'a [f32]>,
    /// Weight and bias are multiplied by it (Inception-ResNet scales its residual branches).
    pub scale: f32,
}

/// The function that a kernel applies to what it stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// None.
    #[default]
    Linear,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
}

impl Activation {
    pub(crate) fn apply(self, x: f32) -> f32 {
        match self {
            Self::Linear => x,
            Self::Relu => Unary::Relu.apply(x),
            Self::Sigmoid => Unary::Sigmoid.apply(x),
        }
    }
}

/// What happens to a sum before it is stored: `activation(scale * (sum + bias) + residual)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// Added; its dims are those of the output.
    pub residual: Option<View<'a>>,
    /// Applied last.
    pub activation: Activation,
}

/// A convolution whose weights are packed for one algorithm and one instruction set.
#[derive(Clone, Debug)]
pub struct PackedConv {
    isa: Isa,
    spec: Conv2dSpec,
    algorithm: Algorithm,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl PackedConv {
    /// Packs the weights.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit the spec, the algorithm does not support it
    /// ([`Algorithm::supports`]), or the machine lacks the instruction set.
    pub fn new(isa: Isa, spec: Conv2dSpec, weights: ConvWeights<'_>, algorithm: Algorithm) -> Self {
        assert!(isa.is_available(), "this machine has no {isa}");
        assert!(algorithm.supports(&spec), "{algorithm} of {spec:?}");
        let ConvWeights {
            weight,
            bias,
            scale,
        } = weights;
        let outputs = spec.channels[1];
        assert_eq!(weight.len(), spec.weights(), "weights of {spec:?}");
        let weight = weight.iter().map(|it| it * scale).collect();
        let bias = match bias {
            Some(bias) => bias.iter().map(|it| it * scale).collect(),
            None => vec![0.0; outputs],
        };
        assert_eq!(bias.len(), outputs, "biases of {spec:?}");
        Self {
            isa,
            spec,
            algorithm,
            weight,
            bias,
        }
    }

    /// What it computes.
    pub fn spec(&self) -> &Conv2dSpec {
        &self.spec
    }

    /// How it computes that.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The instruction set that it was packed for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.weight) + size_of_val(&*self.bias)
    }

    /// Numbers of scratch memory with which [`run`](Self::run) keeps `threads` threads busy. It needs
    /// a `threads`-th of it at least, and uses fewer threads if it gets less than all.
    pub fn scratch_len(&self, input: Dims, threads: usize) -> usize {
        let _ = (input, threads);
        0
    }

    /// Convolves a blocked input, for every algorithm but [`Algorithm::Planar`].
    ///
    /// The channels of the result may be split over several outputs, in order; all but the last then
    /// have a multiple of 16 channels (1x1 convolutions of one input, computed together). Scratch
    /// memory may hold anything.
    ///
    /// # Panics
    ///
    /// If dims do not fit the spec, or `scratch` is shorter than [`scratch_len`](Self::scratch_len)
    /// for one thread.
    pub fn run(
        &self,
        input: View<'_>,
        outputs: &mut [ViewMut<'_>],
        epilogue: Epilogue<'_>,
        scratch: &mut [f32],
    ) {
        assert!(
            self.algorithm != Algorithm::Planar,
            "a planar input: see run_planar"
        );
        let dims = input.dims();
        let _ = scratch;
        self.plain(dims, outputs, epilogue, |image, channel, pixel| {
            input.plane(image, channel / LANES)[pixel * LANES + channel % LANES]
        });
    }

    /// Convolves `[batch, channels, height, width]` as it lies, for [`Algorithm::Planar`].
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run), or if `input` has not [`Dims::plain_len`] numbers.
    pub fn run_planar(
        &self,
        input: &[f32],
        dims: Dims,
        outputs: &mut [ViewMut<'_>],
        epilogue: Epilogue<'_>,
        scratch: &mut [f32],
    ) {
        assert!(
            self.algorithm == Algorithm::Planar,
            "a blocked input: see run"
        );
        assert_eq!(input.len(), dims.plain_len(), "numbers of {dims:?}");
        let _ = scratch;
        self.plain(dims, outputs, epilogue, |image, channel, pixel| {
            input[(image * dims.channels + channel) * dims.pixels() + pixel]
        });
    }

    fn plain(
        &self,
        dims: Dims,
        outputs: &mut [ViewMut<'_>],
        epilogue: Epilogue<'_>,
        at: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) {
        let spec = &self.spec;
        let to = spec.output_dims(dims);
        check_outputs(to, outputs, &epilogue);
        let [inputs, channels] = spec.channels;
        let (group_in, group_out) = (inputs / spec.groups, channels / spec.groups);
        let mut first = 0;
        for output in outputs {
            let own = output.dims().channels;
            output.planes().for_each(|(image, block, plane)| {
                let block = block + first / LANES;
                for (pixel, out) in plane.chunks_exact_mut(LANES).enumerate() {
                    out.fill(0.0);
                    let (row, column) = (pixel / to.width, pixel % to.width);
                    for (lane, out) in out.iter_mut().enumerate() {
                        let channel = block * LANES + lane;
                        if channel >= first + own {
                            continue;
                        }
                        let mut sum = self.bias[channel];
                        let from = channel / group_out * group_in;
                        for c in 0..group_in {
                            for i in 0..spec.kernel[0] {
                                for j in 0..spec.kernel[1] {
                                    let y =
                                        (row * spec.stride[0] + i).wrapping_sub(spec.padding.top);
                                    let x = (column * spec.stride[1] + j)
                                        .wrapping_sub(spec.padding.left);
                                    if y < dims.height && x < dims.width {
                                        let weight = self.weight[((channel * group_in + c)
                                            * spec.kernel[0]
                                            + i)
                                            * spec.kernel[1]
                                            + j];
                                        sum += weight * at(image, from + c, y * dims.width + x);
                                    }
                                }
                            }
                        }
                        if let Some(residual) = epilogue.residual {
                            sum += residual.plane(image, block)[pixel * LANES + lane];
                        }
                        *out = epilogue.activation.apply(sum);
                    }
                }
            });
            first += own;
        }
    }
}

fn check_outputs(to: Dims, outputs: &[ViewMut<'_>], epilogue: &Epilogue<'_>) {
    let mut channels = 0;
    for output in outputs {
        assert!(
            channels % LANES == 0,
            "all outputs but the last have a multiple of {LANES} channels"
        );
        let dims = output.dims();
        assert_eq!(
            dims.with_channels(0),
            to.with_channels(0),
            "batch and grid of an output"
        );
        channels += dims.channels;
    }
    assert_eq!(channels, to.channels, "channels of all outputs");
    if let Some(residual) = epilogue.residual {
        assert_eq!(residual.dims(), to, "dims of the residual");
    }
}
