//! Convolutions of training and their gradients against the plain formula in 64 bits, over random shapes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use burn_zoo_kernels::{Conv2dSpec, Dims, Isa, Padding, TrainConv, bias_gradient};
use common::*;

/// Sums of up to some thousand numbers in another order, in 32 bits.
const DIRECT: f64 = 1e-5;
/// The transforms add numbers of different sizes.
const WINOGRAD: f64 = 1e-4;

/// Output, gradient of the input, gradient of the weight.
type Results<T> = [Vec<T>; 3];

struct Case {
    spec: Conv2dSpec,
    dims: Dims,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    gradient: Vec<f32>,
}

impl Case {
    fn random(random: &mut Random, spec: Conv2dSpec, dims: Dims) -> Self {
        let deviation = ((spec.weights() / spec.channels[1]) as f32).sqrt().recip();
        let weight = random.numbers(spec.weights());
        Self {
            spec,
            dims,
            input: random.numbers(dims.plain_len()),
            weight: weight.iter().map(|it| it * deviation).collect(),
            bias: random.numbers(spec.channels[1]),
            gradient: random.numbers(spec.output_dims(dims).plain_len()),
        }
    }

    /// Each product of the plain formula adds to the gradients of both its factors.
    fn expected(&self) -> Results<f64> {
        let Self { spec, dims, .. } = self;
        let to = spec.output_dims(*dims);
        let output = convolve(spec, *dims, &self.input, &self.weight, &self.bias);
        let mut input_gradient = vec![0.0; self.input.len()];
        let mut weight_gradient = vec![0.0; self.weight.len()];
        let [inputs, outputs] = spec.channels;
        let [height, width] = spec.kernel;
        for (at, gradient) in self.gradient.iter().enumerate() {
            let (row, column) = (at / to.width % to.height, at % to.width);
            let (image, out) = (at / to.pixels() / outputs, at / to.pixels() % outputs);
            for i in 0..height {
                for j in 0..width {
                    let y = (row * spec.stride[0] + i).checked_sub(spec.padding.top);
                    let x = (column * spec.stride[1] + j).checked_sub(spec.padding.left);
                    let (Some(y), Some(x)) = (y, x) else { continue };
                    if y >= dims.height || x >= dims.width {
                        continue;
                    }
                    for c in 0..inputs {
                        let from = ((image * inputs + c) * dims.height + y) * dims.width + x;
                        let weight = ((out * inputs + c) * height + i) * width + j;
                        let gradient = f64::from(*gradient);
                        input_gradient[from] += gradient * f64::from(self.weight[weight]);
                        weight_gradient[weight] += gradient * f64::from(self.input[from]);
                    }
                }
            }
        }
        [output, input_gradient, weight_gradient]
    }

    fn found(&self, isa: Isa, exact: bool) -> Results<f32> {
        let conv = TrainConv::new(isa, self.spec, self.dims, exact).unwrap();
        [
            conv.forward(&self.input, &self.weight, Some(&self.bias)),
            conv.input_gradient(&self.gradient, &self.weight),
            conv.weight_gradient(&self.input, &self.gradient),
        ]
    }

    fn check(&self, threads: usize) {
        let expected = self.expected();
        for isa in sets() {
            for (exact, tolerance) in [(true, DIRECT), (false, WINOGRAD)] {
                let found = on_threads(threads, || self.found(isa, exact));
                let names = ["output", "input gradient", "weight gradient"];
                for ((name, found), expected) in names.into_iter().zip(&found).zip(&expected) {
                    let what = format!(
                        "{name}, {isa}, exact {exact}, {:?}, {:?}",
                        self.spec, self.dims
                    );
                    assert_close(found, expected, tolerance, &what);
                }
            }
        }
    }
}

/// Kernels, strides, paddings and channels of every kind, those that a convolution refuses left out.
#[test]
fn random_convolutions() {
    for seed in 0..cases(150) {
        let mut random = Random::new(seed);
        let kernel = random.pick(&[
            [1, 1],
            [3, 3],
            [5, 5],
            [7, 7],
            [1, 7],
            [7, 1],
            [1, 3],
            [3, 1],
            [2, 2],
        ]);
        let stride = random.pick(&[[1, 1], [1, 1], [2, 2], [2, 1], [3, 2]]);
        let channels = [random.int(1..=70), random.int(1..=70)];
        let spec = spec(
            channels,
            kernel,
            stride,
            random.padding(kernel[0].min(kernel[1]) - 1),
        );
        let dims = Dims::new([
            random.int(1..=3),
            channels[0],
            random.int(7..=19),
            random.int(7..=19),
        ]);
        if TrainConv::new(Isa::Portable, spec, dims, true).is_some() {
            Case::random(&mut random, spec, dims).check(random.int(1..=4));
        }
    }
}

/// 3x3 at stride 1, which Winograd takes, with sizes that are and are not multiples of its tile.
#[test]
fn random_3x3_convolutions() {
    for seed in 0..cases(40) {
        let mut random = Random::new(1000 + seed);
        let channels = [random.int(16..=80), random.int(1..=80)];
        let spec = spec(channels, [3, 3], [1, 1], random.padding(2));
        let dims = Dims::new([
            random.int(1..=5),
            channels[0],
            random.int(3..=21),
            random.int(3..=21),
        ]);
        Case::random(&mut random, spec, dims).check(random.int(1..=4));
    }
}

/// The layers that networks have: 1x1 with and without stride, 1x7 and 7x1, first layers.
#[test]
fn layers_of_networks() {
    let same = |kernel: [usize; 2]| Padding::symmetric(kernel.map(|it| it / 2));
    for (channels, kernel, stride, size) in [
        ([64, 256], [1, 1], 1, 14),
        ([64, 48], [1, 1], 1, 7),
        ([256, 64], [1, 1], 2, 15),
        ([3, 64], [7, 7], 2, 32),
        ([3, 16], [3, 3], 1, 32),
        ([64, 128], [3, 3], 2, 14),
        ([48, 64], [1, 7], 1, 17),
        ([48, 64], [7, 1], 1, 17),
        ([320, 384], [1, 3], 1, 8),
    ] {
        let spec = spec(channels, kernel, [stride; 2], same(kernel));
        let dims = Dims::new([2, channels[0], size, size]);
        let mut random = Random::new(size as u64);
        Case::random(&mut random, spec, dims).check(2);
    }
}

#[test]
fn what_the_kernels_do_not_take_is_refused() {
    let dims = Dims::new([1, 16, 8, 8]);
    let plain = spec([16, 16], [3, 3], [1, 1], Padding::default());
    let new = |spec| TrainConv::new(Isa::Portable, spec, dims, false);
    assert!(new(plain).is_some());
    assert!(new(Conv2dSpec { groups: 2, ..plain }).is_none());
    assert!(
        new(Conv2dSpec {
            padding: Padding::symmetric([3, 3]),
            ..plain
        })
        .is_none()
    );
    assert!(
        new(Conv2dSpec {
            kernel: [9, 9],
            ..plain
        })
        .is_none()
    );
    // Three channels, each with the lanes of 16.
    let large = Dims::new([64, 3, 2048, 2048]);
    let first = spec([3, 4], [3, 3], [2, 2], Padding::default());
    assert!(TrainConv::new(Isa::Portable, first, large, false).is_none());
}

#[test]
fn the_gradient_of_a_bias_is_a_sum() {
    let mut random = Random::new(1);
    for (batch, channels, size) in [(1, 1, 1), (3, 5, 7), (2, 33, 20)] {
        let dims = Dims::new([batch, channels, size, size]);
        let gradient = random.numbers(dims.plain_len());
        let mut expected = vec![0.0; channels];
        for (i, it) in gradient.iter().enumerate() {
            expected[i / dims.pixels() % channels] += f64::from(*it);
        }
        for isa in sets() {
            let found = bias_gradient(isa, dims, &gradient);
            assert_close(&found, &expected, 1e-6, "bias");
        }
    }
}
