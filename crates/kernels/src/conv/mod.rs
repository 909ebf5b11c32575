//! Convolution.

mod depthwise;
mod direct;
pub(crate) mod panel;
mod planar;
pub(crate) mod source;
mod spec;
mod target;
pub(crate) mod winograd;

pub use spec::{Algorithm, Conv2dSpec};

use crate::elementwise::unary_in_place;
use crate::{Dims, Isa, Unary, View, ViewMut};
use panel::Panels;
pub(crate) use source::Source;
use target::Targets;

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
    weights: Packed,
}

#[derive(Clone, Debug)]
enum Packed {
    Panels(Panels),
    Depthwise(depthwise::Weights),
}

impl PackedConv {
    /// Packs the weights.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit the spec, the algorithm does not support it
    /// ([`Algorithm::supports`]), or the machine lacks the instruction set.
    pub fn new(isa: Isa, spec: Conv2dSpec, weights: ConvWeights<'_>, algorithm: Algorithm) -> Self {
        let ConvWeights {
            weight,
            bias,
            scale,
        } = weights;
        assert_eq!(weight.len(), spec.weights(), "weights of {spec:?}");
        let scaled: [Vec<f32>; 2];
        let (weight, bias) = if scale == 1.0 {
            (weight, bias)
        } else {
            scaled = [weight, bias.unwrap_or_default()]
                .map(|numbers| numbers.iter().map(|it| it * scale).collect());
            (&*scaled[0], bias.and(Some(&*scaled[1])))
        };
        let taps = spec.kernel[0] * spec.kernel[1];
        let source = Source {
            data: weight,
            strides: [spec.channels[0] / spec.groups.max(1) * taps, taps],
            taps: &(0..taps).collect::<Vec<_>>(),
        };
        Self::from_source(isa, spec, source, bias, algorithm)
    }

    /// Packs weights that may lie in another order.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub(crate) fn from_source(
        isa: Isa,
        spec: Conv2dSpec,
        source: Source<'_>,
        bias: Option<&[f32]>,
        algorithm: Algorithm,
    ) -> Self {
        assert!(isa.is_available(), "this machine has no {isa}");
        assert!(algorithm.supports(&spec), "{algorithm} of {spec:?}");
        source.check(&spec);
        if let Some(bias) = bias {
            assert_eq!(bias.len(), spec.channels[1], "biases of {spec:?}");
        }
        let weights = match algorithm {
            Algorithm::Direct | Algorithm::Pointwise => {
                Packed::Panels(direct::pack(isa, &spec, source, bias))
            }
            Algorithm::Winograd => Packed::Panels(winograd::pack(isa, &spec, source, bias)),
            Algorithm::Planar => Packed::Panels(planar::pack(isa, &spec, source, bias)),
            Algorithm::Depthwise => {
                Packed::Depthwise(depthwise::Weights::pack(&spec, source, bias))
            }
        };
        Self {
            isa,
            spec,
            algorithm,
            weights,
        }
    }

    /// Keeps the memory for the weights that are packed next, see `Buffer::keep`.
    pub(crate) fn keep(self) {
        if let Packed::Panels(panels) = self.weights {
            panels.weight.keep();
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
        match &self.weights {
            Packed::Panels(panels) => panels.bytes(),
            Packed::Depthwise(weights) => weights.bytes(),
        }
    }

    /// Numbers of scratch memory with which [`run`](Self::run) keeps `threads` threads busy. It needs
    /// a `threads`-th of it at least, and uses fewer threads if it gets less than all.
    pub fn scratch_len(&self, input: Dims, threads: usize) -> usize {
        let part = match self.algorithm {
            Algorithm::Direct | Algorithm::Pointwise => direct::scratch_len(&self.spec),
            Algorithm::Winograd => winograd::scratch_len(self.isa, &self.spec),
            Algorithm::Planar => planar::scratch_len(&self.spec, input),
            Algorithm::Depthwise => 0,
        };
        threads.max(1) * part
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
        let to = self.spec.output_dims(input.dims());
        let relu = epilogue.activation == Activation::Relu;
        let targets = Targets::new(to, outputs, &epilogue, relu);
        match &self.weights {
            Packed::Panels(panels) => {
                let run = match self.algorithm {
                    Algorithm::Winograd => winograd::run,
                    _ => direct::run,
                };
                run(self.isa, &self.spec, panels, input, &targets, scratch);
            }
            Packed::Depthwise(weights) => {
                let conv = depthwise::Depthwise {
                    spec: &self.spec,
                    weights,
                    input,
                    residual: epilogue.residual,
                    relu,
                };
                let mut first = 0;
                for output in &mut *outputs {
                    conv.run(self.isa, output, first);
                    first += output.dims().blocks();
                }
            }
        }
        self.finish(outputs, epilogue.activation);
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
        let to = self.spec.output_dims(dims);
        let relu = epilogue.activation == Activation::Relu;
        let targets = Targets::new(to, outputs, &epilogue, relu);
        if let Packed::Panels(panels) = &self.weights {
            planar::run(self.isa, &self.spec, panels, input, dims, &targets, scratch);
        }
        self.finish(outputs, epilogue.activation);
    }

    /// The functions that no tile applies.
    fn finish(&self, outputs: &mut [ViewMut<'_>], activation: Activation) {
        if activation == Activation::Sigmoid {
            for output in outputs {
                unary_in_place(self.isa, Unary::Sigmoid, output);
            }
        }
    }
}
