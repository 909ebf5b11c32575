//! What a convolution computes, and by which algorithm.

use crate::{Dims, Padding};

/// A two-dimensional convolution (cross-correlation, as everywhere in deep learning).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dSpec {
    /// `[in, out]`.
    pub channels: [usize; 2],
    /// `[height, width]`.
    pub kernel: [usize; 2],
    /// `[rows, columns]`.
    pub stride: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
    /// Groups of channels that are convolved apart; they divide both channels.
    pub groups: usize,
}

impl Conv2dSpec {
    /// The dims of the output.
    ///
    /// # Panics
    ///
    /// If the input has other channels, the kernel does not fit in the padded input, or the spec is
    /// none (zero kernel, stride or groups; groups that do not divide the channels).
    pub fn output_dims(&self, input: Dims) -> Dims {
        let [inputs, outputs] = self.channels;
        assert!(
            self.groups > 0
                && inputs.is_multiple_of(self.groups)
                && outputs.is_multiple_of(self.groups),
            "{} groups of {inputs} and {outputs} channels",
            self.groups,
        );
        assert_eq!(input.channels, inputs, "channels of the input");
        let len = |axis: usize, padded: usize| {
            let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
            assert!(kernel > 0 && stride > 0, "kernel and stride are positive");
            assert!(padded >= kernel, "a kernel of {kernel} on {padded} pixels");
            (padded - kernel) / stride + 1
        };
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        Dims {
            batch: input.batch,
            channels: outputs,
            height: len(0, input.height + top + bottom),
            width: len(1, input.width + left + right),
        }
    }

    /// Numbers of the weight `[out, in / groups, height, width]`.
    pub fn weights(&self) -> usize {
        let [inputs, outputs] = self.channels;
        outputs * (inputs / self.groups.max(1)) * self.kernel[0] * self.kernel[1]
    }

    /// Multiplications of the plain formula, for each image.
    ///
    /// # Panics
    ///
    /// As [`output_dims`](Self::output_dims).
    pub fn multiplications(&self, input: Dims) -> usize {
        self.weights() * self.output_dims(input).pixels()
    }
}

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Sums in registers over all taps of the kernel; any spec.
    Direct,
    /// [`Direct`](Self::Direct) without a kernel's borders: 1x1 and no padding.
    Pointwise,
    /// F(4x4, 3x3), 36 multiplications for 144 (Lavin and Gray 2015, arXiv:1509.09308): 3x3, stride
    /// 1, no groups. Errors are some ten times those of the others.
    Winograd,
    /// As many groups as channels, in and out.
    Depthwise,
    /// First layers: the input is `[batch, channels, height, width]`, of few channels, no groups.
    Planar,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Direct,
        Self::Pointwise,
        Self::Winograd,
        Self::Depthwise,
        Self::Planar,
    ];

    /// Whether it can compute `spec`.
    pub fn supports(self, spec: &Conv2dSpec) -> bool {
        match self {
            Self::Direct => true,
            Self::Pointwise => {
                spec.kernel == [1, 1] && spec.padding == Padding::default() && spec.groups == 1
            }
            Self::Winograd => spec.kernel == [3, 3] && spec.stride == [1, 1] && spec.groups == 1,
            Self::Depthwise => spec.channels == [spec.groups; 2],
            Self::Planar => spec.groups == 1 && spec.channels[0] < 16,
        }
    }

    /// The fastest for a blocked input of these dims on that many threads. The rule was measured:
    /// see `examples/layers.rs`. It never says [`Planar`](Self::Planar), which is for an input that is
    /// not blocked yet.
    pub fn choose(spec: &Conv2dSpec, input: Dims, threads: usize) -> Self {
        let _ = (input, threads);
        [Self::Depthwise, Self::Pointwise]
            .into_iter()
            .find(|it| it.supports(spec))
            .unwrap_or(Self::Direct)
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Pointwise => "pointwise",
            Self::Winograd => "winograd",
            Self::Depthwise => "depthwise",
            Self::Planar => "planar",
        })
    }
}
