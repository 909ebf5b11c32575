//! Weights as they lie before packing, and how they are gathered, 16 output channels at a time.

use super::Conv2dSpec;
use crate::LANES;
use crate::simd::{Kernel, Lanes, load_up_to};

/// Where the weights of a convolution lie: the one from an input channel of its group to an output
/// channel at a tap is `data[output * strides[0] + input * strides[1] + taps[tap]]`.
///
/// Of `[out, in / groups, height, width]` the strides are `[in / groups * height * width, height *
/// width]`, and the taps count up. The gradient with respect to the input convolves with the same
/// weights: the roles of the strides change, and taps are reversed or left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) data: &'a [f32],
    /// From one output channel, and from one input channel, to the next.
    pub(crate) strides: [usize; 2],
    /// For each tap of the kernel, row by row.
    pub(crate) taps: &'a [usize],
}

impl Source<'_> {
    /// # Panics
    ///
    /// If there are other taps than `spec` has, or a weight lies outside the data.
    pub(super) fn check(&self, spec: &Conv2dSpec) {
        let [height, width] = spec.kernel;
        assert_eq!(self.taps.len(), height * width, "taps of {spec:?}");
        if spec.weights() > 0 {
            let [inputs, outputs] = [spec.channels[0] / spec.groups, spec.channels[1]];
            let last = (outputs - 1) * self.strides[0] + (inputs - 1) * self.strides[1];
            let tap = self.taps.iter().max().unwrap_or(&0);
            assert!(last + tap < self.data.len(), "weights of {spec:?}");
        }
    }

    /// One weight.
    pub(super) fn at(&self, output: usize, input: usize, tap: usize) -> f32 {
        let [out_stride, in_stride] = self.strides;
        self.data[output * out_stride + input * in_stride + self.taps[tap]]
    }
}

/// How the weights between one block of input channels and one of output channels become rows of 16
/// output channels each: adjacent numbers of 16 output channels are transposed, and those that are no
/// weights left out.
pub(super) struct Gather<'a> {
    source: Source<'a>,
    /// `[in, out]`.
    channels: [usize; 2],
    /// Of a whole block of input channels.
    whole: Vec<Window>,
    /// Of the input channels after the last whole block.
    rest: Vec<Window>,
}

/// Sixteen adjacent numbers of each output channel.
struct Window {
    /// Where they begin, from the block's first weight on.
    start: usize,
    /// The row of each, or [`NO_ROW`].
    rows: [u32; LANES],
}

const NO_ROW: u32 = u32::MAX;

impl<'a> Gather<'a> {
    /// For `channels` `[in, out]` without groups; `row` tells the row of a lane of the input block and
    /// a tap.
    pub(super) fn new(
        source: Source<'a>,
        channels: [usize; 2],
        row: impl Fn(usize, usize) -> usize,
    ) -> Self {
        let windows = |lanes: usize| {
            let mut places = Vec::new();
            for lane in 0..lanes {
                for (tap, place) in source.taps.iter().enumerate() {
                    places.push((lane * source.strides[1] + place, row(lane, tap)));
                }
            }
            places.sort_unstable();
            let mut windows: Vec<Window> = Vec::new();
            for (place, row) in places {
                // It fits: a block has 16 times as many rows as the kernel has taps.
                let row = row as u32;
                match windows.last_mut() {
                    Some(window) if place < window.start + LANES => {
                        window.rows[place - window.start] = row;
                    }
                    _ => {
                        let mut rows = [NO_ROW; LANES];
                        rows[0] = row;
                        windows.push(Window { start: place, rows });
                    }
                }
            }
            windows
        };
        Self {
            source,
            channels,
            whole: windows(LANES),
            rest: windows(channels[0] % LANES),
        }
    }

    /// Input channels in a block.
    #[inline(always)]
    pub(super) fn lanes(&self, block: usize) -> usize {
        LANES.min(self.channels[0] - block * LANES)
    }

    /// Writes the rows of the blocks `[in, out]`, each 16 numbers, and `stride` from one to the next;
    /// zeros for what is no output channel, nothing for what is no input channel.
    #[inline(always)]
    pub(super) fn block<L: Lanes>(&self, [from, to]: [usize; 2], out: &mut [f32], stride: usize) {
        let [out_stride, in_stride] = self.source.strides;
        let lanes = LANES.min(self.channels[1] - to * LANES);
        let first = to * LANES * out_stride + from * LANES * in_stride;
        let windows = if self.lanes(from) == LANES {
            &self.whole
        } else {
            &self.rest
        };
        for window in windows {
            let start = first + window.start;
            if out_stride == 1 {
                for (i, row) in window.rows.iter().enumerate() {
                    if *row != NO_ROW {
                        // The numbers after the last output channel are other weights.
                        let end = self.source.data.len().min(start + i + lanes);
                        let weights = load_up_to::<L>(&self.source.data[start + i..end]);
                        weights.store(row_of(out, *row, stride));
                    }
                }
                continue;
            }
            let mut columns = [L::splat(0.0); LANES];
            for (lane, column) in columns.iter_mut().enumerate() {
                if lane < lanes {
                    *column = load_up_to(&self.source.data[start + lane * out_stride..]);
                }
            }
            L::transpose(&mut columns);
            for (weights, row) in columns.iter().zip(&window.rows) {
                if *row != NO_ROW {
                    weights.store(row_of(out, *row, stride));
                }
            }
        }
    }
}

#[inline(always)]
fn row_of(out: &mut [f32], row: u32, stride: usize) -> &mut [f32; LANES] {
    out[row as usize * stride..]
        .first_chunk_mut()
        .expect("rows lie inside the packed weights")
}

/// Gathers the rows of one block of input channels, for the blocks of output channels from `first_out`
/// on side by side.
pub(super) struct Fill<'a> {
    pub(super) gather: &'a Gather<'a>,
    pub(super) block: usize,
    pub(super) first_out: usize,
    pub(super) width: usize,
    pub(super) packed: &'a mut [f32],
}

impl Kernel for Fill<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        if self.gather.lanes(self.block) < LANES {
            self.packed.fill(0.0);
        }
        for i in 0..self.width {
            self.gather.block::<L>(
                [self.block, self.first_out + i],
                &mut self.packed[i * LANES..],
                self.width * LANES,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::Packed;
    use crate::{Algorithm, Buffer, ConvWeights, Isa, PackedConv, Padding};

    fn packed(conv: &PackedConv) -> &[f32] {
        match &conv.weights {
            Packed::Panels(panels) => &panels.weight,
            Packed::Depthwise(_) => panic!("not depthwise"),
        }
    }

    /// Whether a source packs as the same weights do that were put in order beforehand, by each
    /// algorithm on each instruction set.
    fn check(channels: [usize; 2], kernel: [usize; 2], source: Source<'_>) {
        let [inputs, outputs] = channels;
        let spec = Conv2dSpec {
            channels,
            kernel,
            stride: [1, 1],
            padding: Padding::default(),
            groups: 1,
        };
        let mut weight = Vec::new();
        for output in 0..outputs {
            for input in 0..inputs {
                for tap in source.taps {
                    let [down, right] = source.strides;
                    weight.push(source.data[output * down + input * right + tap]);
                }
            }
        }
        let plain = ConvWeights {
            weight: &weight,
            bias: None,
            scale: 1.0,
        };
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            for algorithm in [Algorithm::Direct, Algorithm::Winograd, Algorithm::Planar] {
                if algorithm.supports(&spec) {
                    let expected = PackedConv::new(isa, spec, plain, algorithm);
                    let mut stale = Buffer::stale(packed(&expected).len());
                    stale.fill(f32::NAN);
                    stale.keep();
                    let found = PackedConv::from_source(isa, spec, source, None, algorithm);
                    let what = format!("{algorithm} on {isa}: {spec:?} of {source:?}");
                    assert!(packed(&found) == packed(&expected), "{what}");
                    // Direct weights are those of the source, and zeros.
                    if algorithm == Algorithm::Direct {
                        let sum =
                            |numbers: &[f32]| numbers.iter().map(|it| *it as u64).sum::<u64>();
                        assert_eq!(sum(packed(&found)), sum(&weight), "{what}");
                    }
                }
            }
        }
    }

    #[test]
    fn weights_in_any_order_pack_as_if_put_in_order() {
        for channels in [[20, 35], [3, 70], [64, 16], [1, 1], [33, 48]] {
            let [inputs, outputs] = channels;
            for (kernel, taps, of) in [
                ([1, 1], vec![0], 1),
                ([1, 1], vec![4], 9),
                ([3, 3], vec![0, 1, 2, 3, 4, 5, 6, 7, 8], 9),
                ([3, 3], vec![8, 7, 6, 5, 4, 3, 2, 1, 0], 9),
                ([2, 2], vec![8, 6, 2, 0], 9),
                ([1, 2], vec![5, 3], 9),
                ([2, 2], vec![24, 20, 4, 0], 25),
            ] {
                let data: Vec<_> = (1..=inputs * outputs * of).map(|it| it as f32).collect();
                for strides in [[inputs * of, of], [of, outputs * of]] {
                    let source = Source {
                        data: &data,
                        strides,
                        taps: &taps,
                    };
                    check(channels, kernel, source);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "weights of")]
    fn a_source_that_is_too_short_is_refused() {
        let spec = Conv2dSpec {
            channels: [2, 3],
            kernel: [1, 1],
            stride: [1, 1],
            padding: Padding::default(),
            groups: 1,
        };
        let source = Source {
            data: &[0.0; 5],
            strides: [2, 1],
            taps: &[0],
        };
        source.check(&spec);
    }
}
