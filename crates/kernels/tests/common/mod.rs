//! Seeded numbers, and the formulas in 64 bits that the kernels are compared with.
#![allow(dead_code, reason = "each test file uses a part")]

use burn_zoo_kernels::{
    Buffer, Conv2dSpec, Dims, Isa, LANES, PadCount, Padding, PoolSpec, Rounding, View, ViewMut,
    pack, unpack,
};

/// A sequence of numbers that a seed fixes (SplitMix64; Steele et al. 2014, figure 19).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `range`.
    pub(crate) fn int(&mut self, range: std::ops::RangeInclusive<usize>) -> usize {
        range.start() + self.next() as usize % (range.end() - range.start() + 1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.int(0..=of.len() - 1)]
    }

    /// From -1 to 1.
    pub(crate) fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub(crate) fn numbers(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.number()).collect()
    }

    pub(crate) fn padding(&mut self, most: usize) -> Padding {
        Padding {
            top: self.int(0..=most),
            left: self.int(0..=most),
            bottom: self.int(0..=most),
            right: self.int(0..=most),
        }
    }
}

/// The instruction sets of this machine; valgrind may hide some.
pub(crate) fn sets() -> Vec<Isa> {
    let sets = Isa::ALL.into_iter().filter(|isa| isa.is_available());
    let sets: Vec<_> = sets.collect();
    assert!(sets.contains(&Isa::Portable));
    sets
}

/// Runs on `threads` threads.
pub(crate) fn on_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(f)
}

/// How many cases of a test: fewer under valgrind, which is a hundred times slower.
pub(crate) fn cases(usual: usize) -> u64 {
    let cases = std::env::var("KERNELS_CASES").ok();
    cases.map_or(usual as u64, |it| it.parse().unwrap())
}

/// `[batch, channels, height, width]` as a blocked activation.
pub(crate) fn blocked(plain: &[f32], dims: Dims) -> Buffer {
    let mut data = Buffer::zeros(dims.blocked_len());
    data.fill(f32::NAN);
    pack(Isa::detect(), plain, ViewMut::new(&mut data, dims));
    data
}

pub(crate) fn plain(view: View<'_>) -> Vec<f32> {
    let mut data = vec![f32::NAN; view.dims().plain_len()];
    unpack(Isa::detect(), view, &mut data);
    data
}

/// Asserts that the lanes after the last channel are zeros.
pub(crate) fn assert_padding_is_zero(view: View<'_>, what: &str) {
    let dims = view.dims();
    if dims.channels.is_multiple_of(LANES) {
        return;
    }
    for image in 0..dims.batch {
        for pixel in view.plane(image, dims.blocks() - 1).chunks(LANES) {
            assert!(
                pixel[dims.channels % LANES..].iter().all(|it| *it == 0.0),
                "{what}: padding lanes {pixel:?}"
            );
        }
    }
}

/// Asserts that each number differs by at most `tolerance` times the greatest.
pub(crate) fn assert_close(found: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let greatest = expected.iter().fold(0.0f64, |max, it| max.max(it.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(*found) - expected).abs();
        assert!(
            difference <= tolerance * greatest.max(1e-3),
            "{what}: number {i} is {found}, expected {expected}, greatest {greatest}"
        );
    }
}

/// Without groups.
pub(crate) fn spec(
    channels: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
) -> Conv2dSpec {
    Conv2dSpec {
        channels,
        kernel,
        stride,
        padding,
        groups: 1,
    }
}

/// The plain formula, to `[batch, channels, height, width]`.
pub(crate) fn convolve(
    spec: &Conv2dSpec,
    dims: Dims,
    input: &[f32],
    weight: &[f32],
    bias: &[f32],
) -> Vec<f64> {
    let to = spec.output_dims(dims);
    let [inputs, outputs] = spec.channels.map(|it| it / spec.groups);
    let [height, width] = spec.kernel;
    let mut result = Vec::with_capacity(to.plain_len());
    for image in 0..to.batch {
        for out in 0..to.channels {
            for row in 0..to.height {
                for column in 0..to.width {
                    let mut sum = f64::from(bias[out]);
                    for c in 0..inputs {
                        let channel = out / outputs * inputs + c;
                        for i in 0..height {
                            for j in 0..width {
                                let y = (row * spec.stride[0] + i).checked_sub(spec.padding.top);
                                let x =
                                    (column * spec.stride[1] + j).checked_sub(spec.padding.left);
                                let (Some(y), Some(x)) = (y, x) else { continue };
                                if y >= dims.height || x >= dims.width {
                                    continue;
                                }
                                let at = ((image * dims.channels + channel) * dims.height + y)
                                    * dims.width
                                    + x;
                                let weight = weight[((out * inputs + c) * height + i) * width + j];
                                sum += f64::from(input[at]) * f64::from(weight);
                            }
                        }
                    }
                    result.push(sum);
                }
            }
        }
    }
    result
}

/// Which pooling the formula is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pool {
    Max,
    Average(PadCount),
}

/// The plain formula of pooling, window by window, as PyTorch documents it.
pub(crate) fn pooled(spec: &PoolSpec, pool: Pool, dims: Dims, input: &[f32]) -> (Dims, Vec<f64>) {
    let size = |len: usize, axis: usize, before: usize, after: usize| {
        let (kernel, stride) = (spec.kernel[axis], spec.stride[axis]);
        // Starts of windows, one after another, as long as they fit.
        (0..)
            .map(|i| i * stride)
            .take_while(|start| match spec.rounding {
                Rounding::Floor => start + kernel <= len + before + after,
                // The one before may not have reached the end.
                Rounding::Ceil => {
                    *start < len + before
                        && (*start == 0 || start + kernel < len + before + after + stride)
                }
            })
            .count()
    };
    let Padding {
        top,
        left,
        bottom,
        right,
    } = spec.padding;
    let to = Dims {
        height: size(dims.height, 0, top, bottom),
        width: size(dims.width, 1, left, right),
        ..dims
    };
    let mut result = Vec::new();
    for plane in input.chunks(dims.pixels()) {
        for row in 0..to.height {
            for column in 0..to.width {
                let (mut inside, mut padded) = (Vec::new(), 0);
                for i in 0..spec.kernel[0] {
                    for j in 0..spec.kernel[1] {
                        let (y, x) = (row * spec.stride[0] + i, column * spec.stride[1] + j);
                        if y < dims.height + top + bottom && x < dims.width + left + right {
                            padded += 1;
                        }
                        let image = (top..top + dims.height).contains(&y)
                            && (left..left + dims.width).contains(&x);
                        if image {
                            inside.push(f64::from(plane[(y - top) * dims.width + x - left]));
                        }
                    }
                }
                result.push(match pool {
                    Pool::Max if inside.iter().any(|it| it.is_nan()) => f64::NAN,
                    Pool::Max => inside.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                    Pool::Average(count) => {
                        let count = match count {
                            PadCount::Include => padded,
                            PadCount::Exclude => inside.len(),
                        };
                        inside.iter().sum::<f64>() / count.max(1) as f64
                    }
                });
            }
        }
    }
    (to, result)
}
