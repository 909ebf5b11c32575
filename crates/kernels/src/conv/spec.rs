//! What a convolution computes, and by which algorithm.

use super::winograd;
use crate::blocked::product;
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
        let [height, width] = self.padding.around([input.height, input.width]);
        Dims {
            batch: input.batch,
            channels: outputs,
            height: len(0, height),
            width: len(1, width),
        }
    }

    /// Numbers of the weight `[out, in / groups, height, width]`.
    pub fn weights(&self) -> usize {
        let [inputs, outputs] = self.channels;
        let [height, width] = self.kernel;
        product(&[outputs, inputs / self.groups.max(1), height, width])
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

    /// The fastest for a blocked input of these dims on that many threads. It never says
    /// [`Planar`](Self::Planar), which is for an input that is not blocked yet.
    ///
    /// Between [`Direct`](Self::Direct) and [`Winograd`](Self::Winograd) decides an estimate of their
    /// times, in multiply-adds at full speed, whose constants were fitted to what `examples/layers.rs`
    /// measured on one thread of an AMD EPYC (Zen 3, AVX2) and one and two of an Intel Xeon (Sapphire
    /// Rapids, AVX-512): sums run at 85 and 75 % of the peak, fetching a weight from memory takes as
    /// long as 15 and 25 multiply-adds (Winograd has four times as many weights), and transforming a
    /// tile 774 for each channel in and out. Threads share the memory, so that weights cost more of
    /// them. In short: Winograd from 14x14 pixels on with one thread, from 28x28 on with several, or
    /// for as many pixels in several images.
    pub fn choose(spec: &Conv2dSpec, input: Dims, threads: usize) -> Self {
        let simple = [Self::Depthwise, Self::Pointwise]
            .into_iter()
            .find(|it| it.supports(spec));
        if let Some(simple) = simple {
            return simple;
        }
        if !Self::Winograd.supports(spec) {
            return Self::Direct;
        }
        let to = spec.output_dims(input);
        let tiles = winograd::tiles(to) as f64;
        let pixels = (to.batch * to.pixels()) as f64;
        let [inputs, outputs] = spec.channels.map(|it| it as f64);
        let threads = threads as f64;
        let direct = 9.0 * inputs * outputs * (pixels / 0.85 + 15.0 * threads);
        let winograd = 36.0 * inputs * outputs * (tiles / 0.75 + 25.0 * threads)
            + 774.0 * tiles * (inputs + outputs);
        if winograd < direct {
            Self::Winograd
        } else {
            Self::Direct
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `choose` for as many channels in and out, on one thread.
    fn chosen(
        channels: usize,
        kernel: [usize; 2],
        stride: usize,
        batch: usize,
        size: usize,
    ) -> Algorithm {
        chosen_for(1, channels, kernel, stride, batch, size)
    }

    fn chosen_for(
        threads: usize,
        channels: usize,
        kernel: [usize; 2],
        stride: usize,
        batch: usize,
        size: usize,
    ) -> Algorithm {
        let spec = Conv2dSpec {
            channels: [channels; 2],
            kernel,
            stride: [stride; 2],
            padding: Padding::symmetric(kernel.map(|it| it / 2)),
            groups: 1,
        };
        Algorithm::choose(&spec, Dims::new([batch, channels, size, size]), threads)
    }

    /// What was the fastest of each shape when measured.
    #[test]
    fn what_was_fastest_is_chosen() {
        for (channels, size) in [(64, 56), (128, 28), (256, 14), (96, 35), (64, 35)] {
            assert_eq!(
                chosen(channels, [3, 3], 1, 1, size),
                Algorithm::Winograd,
                "{size}"
            );
        }
        for (channels, size) in [(512, 7), (160, 7), (448, 8)] {
            assert_eq!(
                chosen(channels, [3, 3], 1, 1, size),
                Algorithm::Direct,
                "{size}"
            );
        }
        assert_eq!(chosen(512, [3, 3], 1, 8, 7), Algorithm::Winograd);
        let on_two = |channels, size| chosen_for(2, channels, [3, 3], 1, 1, size);
        assert_eq!(on_two(128, 28), Algorithm::Winograd);
        assert_eq!(on_two(256, 14), Algorithm::Direct);
    }

    #[test]
    fn other_kernels_and_strides_are_direct() {
        assert_eq!(chosen(64, [1, 1], 1, 1, 56), Algorithm::Pointwise);
        assert_eq!(chosen(64, [1, 7], 1, 1, 17), Algorithm::Direct);
        assert_eq!(chosen(64, [3, 3], 2, 1, 56), Algorithm::Direct);
    }

    #[test]
    fn what_is_chosen_is_supported() {
        for groups in [1, 2, 32] {
            for kernel in [[1, 1], [3, 3], [5, 5]] {
                for padding in [0, 1] {
                    let spec = Conv2dSpec {
                        channels: [32, 64],
                        kernel,
                        stride: [1, 1],
                        padding: Padding::symmetric([padding; 2]),
                        groups,
                    };
                    let chosen = Algorithm::choose(&spec, Dims::new([1, 32, 14, 14]), 2);
                    assert!(chosen.supports(&spec), "{chosen} of {spec:?}");
                }
            }
        }
    }
}
