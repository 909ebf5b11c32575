//! The gradient of a convolution's input as convolutions of stride 1.
//!
//! Along one axis, input pixel `p` got tap `i` into output pixel `(p + before - i) / stride` where that
//! divides. The pixels of one *phase*, `p = stride * q + offset`, all got the same taps, which lie
//! `stride` apart: so their gradient is a convolution of stride 1, of the output's gradient, with those
//! taps in reverse.

/// The pixels `offset, offset + stride, ...` of one axis.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub(super) offset: usize,
    /// How many pixels.
    pub(super) len: usize,
    /// The taps that they got, the last first; may be none.
    pub(super) taps: Vec<usize>,
    /// Zeros before and after the gradient of the output.
    pub(super) padding: [usize; 2],
}

impl Phase {
    /// All phases of an axis of `input` pixels; `None` where one would need the output's gradient cut,
    /// not padded: padding wider than the kernel reaches, which no network has.
    pub(super) fn all(
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        before: usize,
    ) -> Option<Vec<Self>> {
        (0..stride.min(input))
            .map(|offset| {
                let len = (input - offset).div_ceil(stride);
                let taps: Vec<_> = (0..kernel)
                    .rev()
                    .filter(|tap| tap % stride == (offset + before) % stride)
                    .collect();
                let padding = match taps.first() {
                    None => [0, 0],
                    Some(last) => {
                        let first = last.checked_sub(offset + before)? / stride;
                        [first, (len + taps.len() - 1).checked_sub(output + first)?]
                    }
                };
                Some(Self {
                    offset,
                    len,
                    taps,
                    padding,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_3_wide_kernel_of_stride_2_has_phases_of_one_and_two_taps() {
        let phases =
            Phase::all(5, 3, 3, 2, 1).expect("padding 1 is no wider than the kernel reaches");
        assert_eq!([&phases[0].taps, &phases[1].taps], [&vec![1], &vec![2, 0]]);
        assert_eq!(phases.iter().map(|it| it.len).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(phases[1].padding, [0, 0]);
    }

    #[test]
    fn padding_beyond_the_kernel_is_refused() {
        assert!(Phase::all(5, 7, 1, 1, 1).is_none());
    }
}
