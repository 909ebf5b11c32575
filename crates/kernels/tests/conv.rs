//! Convolutions against the plain formula in 64 bits, over random shapes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use burn_zoo_kernels::{
    Activation, Algorithm, Buffer, Conv2dSpec, ConvWeights, Dims, Epilogue, Isa, PackedConv,
    Padding, View, ViewMut,
};
use common::*;

/// Sums of up to some thousand numbers in another order, in 32 bits.
const DIRECT: f64 = 1e-5;
/// The transforms add numbers of different sizes.
const WINOGRAD: f64 = 1e-4;

struct Case {
    spec: Conv2dSpec,
    dims: Dims,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    scale: f32,
    residual: Option<Vec<f32>>,
    activation: Activation,
}

impl Case {
    fn random(random: &mut Random, spec: Conv2dSpec, dims: Dims) -> Self {
        let to = spec.output_dims(dims);
        let with_bias = random.int(0..=1) == 1;
        let with_residual = random.int(0..=1) == 1;
        // As in networks: sums are about as large as what is summed.
        let fan_in = spec.weights() / spec.channels[1];
        let mut weight = random.numbers(spec.weights());
        let deviation = (fan_in as f32).sqrt().recip();
        weight.iter_mut().for_each(|it| *it *= deviation);
        Self {
            spec,
            dims,
            input: random.numbers(dims.plain_len()),
            weight,
            bias: with_bias.then(|| random.numbers(spec.channels[1])),
            scale: random.pick(&[1.0, 0.17]),
            residual: with_residual.then(|| random.numbers(to.plain_len())),
            activation: random.pick(&[Activation::Linear, Activation::Relu, Activation::Sigmoid]),
        }
    }

    fn expected(&self) -> Vec<f64> {
        let zeros = vec![0.0; self.spec.channels[1]];
        let bias = self.bias.as_ref().unwrap_or(&zeros);
        let mut sums = convolve(&self.spec, self.dims, &self.input, &self.weight, bias);
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum *= f64::from(self.scale);
            if let Some(residual) = &self.residual {
                *sum += f64::from(residual[i]);
            }
            *sum = match self.activation {
                Activation::Linear => *sum,
                Activation::Relu => sum.max(0.0),
                Activation::Sigmoid => 1.0 / (1.0 + (-*sum).exp()),
            };
        }
        sums
    }

    fn pack(&self, isa: Isa, algorithm: Algorithm) -> PackedConv {
        let weights = ConvWeights {
            weight: &self.weight,
            bias: self.bias.as_deref(),
            scale: self.scale,
        };
        PackedConv::new(isa, self.spec, weights, algorithm)
    }

    fn run(&self, conv: &PackedConv, outputs: &mut [ViewMut<'_>], threads: usize) {
        let to = self.spec.output_dims(self.dims);
        let residual = self.residual.as_ref().map(|it| blocked(it, to));
        let epilogue = Epilogue {
            residual: residual.as_ref().map(|it| View::new(it, to)),
            activation: self.activation,
        };
        let mut scratch = Buffer::zeros(conv.scratch_len(self.dims, threads));
        scratch.fill(f32::NAN);
        on_threads(threads, || match conv.algorithm() {
            Algorithm::Planar => {
                conv.run_planar(&self.input, self.dims, outputs, epilogue, &mut scratch);
            }
            _ => {
                let input = blocked(&self.input, self.dims);
                conv.run(
                    View::new(&input, self.dims),
                    outputs,
                    epilogue,
                    &mut scratch,
                );
            }
        });
    }

    /// Each algorithm that can, on each instruction set.
    fn check(&self, threads: usize, what: &str) {
        let expected = self.expected();
        let to = self.spec.output_dims(self.dims);
        for isa in sets() {
            for algorithm in Algorithm::ALL {
                if !algorithm.supports(&self.spec) {
                    continue;
                }
                let what = format!(
                    "{what}, {algorithm} on {isa}, {threads} threads: {:?} of {:?}",
                    self.spec, self.dims
                );
                let mut output = Buffer::zeros(to.blocked_len());
                output.fill(f32::NAN);
                let conv = self.pack(isa, algorithm);
                self.run(&conv, &mut [ViewMut::new(&mut output, to)], threads);
                let tolerance = match algorithm {
                    Algorithm::Winograd => WINOGRAD,
                    _ => DIRECT,
                };
                let view = View::new(&output, to);
                assert_close(&plain(view), &expected, tolerance, &what);
                assert_padding_is_zero(view, &what);
            }
        }
    }
}

/// An image in which the kernel fits.
fn image(random: &mut Random, spec: &Conv2dSpec, most: usize) -> Dims {
    Dims {
        batch: random.pick(&[1, 1, 2, 3]),
        channels: spec.channels[0],
        height: random.int(1..=most).max(spec.kernel[0]),
        width: random.int(1..=most).max(spec.kernel[1]),
    }
}

#[test]
fn random_shapes_agree_with_the_formula() {
    for seed in 0..cases(150) {
        let mut random = Random::new(seed);
        let kernels = [
            [1, 1],
            [3, 3],
            [3, 3],
            [1, 7],
            [7, 1],
            [3, 1],
            [1, 3],
            [5, 5],
            [2, 2],
            [7, 7],
            [11, 11],
        ];
        let kernel = random.pick(&kernels);
        let channels = [random.int(1..=70), random.int(1..=70)];
        let stride = [random.int(1..=3), random.int(1..=3)];
        let padding = random.padding(kernel[0].max(kernel[1]) / 2 + 1);
        let spec = spec(channels, kernel, stride, padding);
        let dims = image(&mut random, &spec, 20);
        let threads = random.int(1..=8);
        Case::random(&mut random, spec, dims).check(threads, &format!("seed {seed}"));
    }
}

#[test]
fn three_by_three_of_any_size_agrees_with_the_formula() {
    for seed in 0..cases(80) {
        let mut random = Random::new(1000 + seed);
        let channels = [random.int(1..=70), random.int(1..=70)];
        let padding = random.padding(2);
        let spec = spec(channels, [3, 3], [1, 1], padding);
        let dims = image(&mut random, &spec, 40);
        let threads = random.int(1..=4);
        Case::random(&mut random, spec, dims).check(threads, &format!("seed {seed}"));
    }
}

#[test]
fn first_layers_agree_with_the_formula() {
    for seed in 0..cases(40) {
        let mut random = Random::new(2000 + seed);
        let kernel = random.pick(&[[3, 3], [5, 5], [7, 7], [11, 11]]);
        let channels = [random.pick(&[1, 2, 3, 4, 15]), random.int(1..=70)];
        let padding = random.padding(kernel[0] / 2);
        let stride = [random.int(1..=4); 2];
        let spec = spec(channels, kernel, stride, padding);
        let dims = image(&mut random, &spec, 40);
        let threads = random.int(1..=4);
        Case::random(&mut random, spec, dims).check(threads, &format!("seed {seed}"));
    }
}

#[test]
fn groups_agree_with_the_formula() {
    for seed in 0..cases(60) {
        let mut random = Random::new(3000 + seed);
        let groups = random.pick(&[2, 3, 4, 5, 7, 16, 32]);
        let most = 70 / groups;
        let per_group = if random.int(0..=2) == 0 {
            [1, 1]
        } else {
            [random.int(1..=most), random.int(1..=most)]
        };
        let kernel = random.pick(&[[1, 1], [3, 3], [1, 7], [5, 5]]);
        let spec = Conv2dSpec {
            channels: per_group.map(|it| it * groups),
            kernel,
            stride: [random.int(1..=2), random.int(1..=2)],
            padding: random.padding(2),
            groups,
        };
        let dims = image(&mut random, &spec, 15);
        let threads = random.int(1..=4);
        Case::random(&mut random, spec, dims).check(threads, &format!("seed {seed}"));
    }
}

#[test]
fn all_batches_and_numbers_of_threads_agree_with_the_formula() {
    let mut random = Random::new(4000);
    for batch in [1, 2, 3, 7, 33] {
        for threads in (1..=8).take(cases(8) as usize) {
            for size in [[7, 7], [2, 3], [13, 9]] {
                let kernel = random.pick(&[[1, 1], [3, 3]]);
                let padding = Padding::symmetric(kernel.map(|it| it / 2));
                let spec = spec([19, 35], kernel, [1, 1], padding);
                let dims = Dims::new([batch, 19, size[0], size[1]]);
                Case::random(&mut random, spec, dims).check(threads, "batch");
            }
        }
    }
}

#[test]
fn wide_layers_are_summed_in_several_steps() {
    let mut random = Random::new(5000);
    for (channels, kernel) in [
        ([600, 40], [1, 1]),
        ([150, 40], [3, 3]),
        ([40, 150], [5, 5]),
    ] {
        let padding = Padding::symmetric(kernel.map(|it| it / 2));
        let spec = spec(channels, kernel, [1, 1], padding);
        let dims = Dims::new([2, channels[0], 9, 10]);
        Case::random(&mut random, spec, dims).check(2, "wide");
    }
}

#[test]
fn outputs_are_windows_and_nothing_else_is_written() {
    for seed in 0..cases(40) {
        let mut random = Random::new(6000 + seed);
        // Each but the last in whole blocks, into joint tensors with other blocks around.
        let parts: Vec<_> = (0..random.int(0..=3))
            .map(|_| 16 * random.int(1..=5))
            .collect();
        let last = random.int(1..=40);
        let outputs = parts.iter().sum::<usize>() + last;
        let kernel = random.pick(&[[1, 1], [3, 3]]);
        let spec = spec(
            [random.int(1..=40), outputs],
            kernel,
            [1, 1],
            random.padding(1),
        );
        let dims = image(&mut random, &spec, 12);
        let case = Case::random(&mut random, spec, dims);
        let to = spec.output_dims(dims);
        let expected = case.expected();
        let windows: Vec<_> = parts
            .iter()
            .chain([&last])
            .map(|channels| {
                let dims = to.with_channels(*channels);
                let first = random.int(0..=2);
                (dims, first, first + dims.blocks() + random.int(0..=2))
            })
            .collect();
        for isa in sets() {
            for algorithm in Algorithm::ALL {
                if !algorithm.supports(&spec) {
                    continue;
                }
                let what = format!("seed {seed}, {algorithm} on {isa}: {spec:?} of {dims:?}");
                let mut joints: Vec<_> = windows
                    .iter()
                    .map(|(dims, _, joint)| vec![7.5f32; dims.batch * joint * dims.plane()])
                    .collect();
                let mut views: Vec<_> = joints
                    .iter_mut()
                    .zip(&windows)
                    .map(|(data, (dims, first, joint))| {
                        ViewMut::window(data, *dims, *joint, *first)
                    })
                    .collect();
                case.run(&case.pack(isa, algorithm), &mut views, random.int(1..=4));
                let mut channel = 0;
                for (data, (dims, first, joint)) in joints.iter().zip(&windows) {
                    let view = View::window(data, *dims, *joint, *first);
                    let part: Vec<_> = (0..dims.batch)
                        .flat_map(|image| {
                            let start = (image * outputs + channel) * dims.pixels();
                            &expected[start..][..dims.channels * dims.pixels()]
                        })
                        .copied()
                        .collect();
                    assert_close(&plain(view), &part, WINOGRAD, &what);
                    assert_padding_is_zero(view, &what);
                    let blocks = data.chunks(dims.plane()).enumerate();
                    for (i, block) in blocks {
                        if !(*first..first + dims.blocks()).contains(&(i % joint)) {
                            assert!(
                                block.iter().all(|it| *it == 7.5),
                                "{what}: block {i} written"
                            );
                        }
                    }
                    channel += dims.channels;
                }
            }
        }
    }
}

#[test]
fn inputs_are_windows() {
    let mut random = Random::new(7000);
    let spec = spec([20, 24], [3, 3], [1, 1], Padding::symmetric([1, 1]));
    let dims = Dims::new([3, 20, 9, 11]);
    let case = Case::random(&mut random, spec, dims);
    let (expected, to) = (case.expected(), spec.output_dims(dims));
    // Blocks 1 and 2 of 4, the others hold what would be seen.
    let mut joint = vec![f32::NAN; dims.batch * 4 * dims.plane()];
    burn_zoo_kernels::pack(
        Isa::detect(),
        &case.input,
        ViewMut::window(&mut joint, dims, 4, 1),
    );
    let residual = case.residual.as_ref().map(|it| blocked(it, to));
    let epilogue = Epilogue {
        residual: residual.as_ref().map(|it| View::new(it, to)),
        activation: case.activation,
    };
    for isa in sets() {
        for algorithm in [Algorithm::Direct, Algorithm::Winograd] {
            let conv = case.pack(isa, algorithm);
            let mut output = vec![f32::NAN; to.blocked_len()];
            let mut scratch = vec![0.0; conv.scratch_len(dims, 2)];
            let input = View::window(&joint, dims, 4, 1);
            conv.run(
                input,
                &mut [ViewMut::new(&mut output, to)],
                epilogue,
                &mut scratch,
            );
            assert_close(
                &plain(View::new(&output, to)),
                &expected,
                WINOGRAD,
                "window",
            );
        }
    }
}

#[test]
fn what_is_not_finite_stays_so() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut random = Random::new(8000);
        let spec = spec([20, 24], [3, 3], [1, 1], Padding::symmetric([1, 1]));
        let dims = Dims::new([1, 20, 9, 11]);
        let mut case = Case::random(&mut random, spec, dims);
        (case.residual, case.activation) = (None, Activation::Linear);
        case.input[dims.pixels() * 17 + 40] = bad;
        let (expected, to) = (case.expected(), spec.output_dims(dims));
        for isa in sets() {
            for (algorithm, activation) in [
                (Algorithm::Direct, Activation::Linear),
                (Algorithm::Winograd, Activation::Linear),
                (Algorithm::Direct, Activation::Relu),
            ] {
                case.activation = activation;
                let mut output = vec![0.0; to.blocked_len()];
                let conv = case.pack(isa, algorithm);
                case.run(&conv, &mut [ViewMut::new(&mut output, to)], 1);
                for (found, expected) in plain(View::new(&output, to)).iter().zip(&expected) {
                    // The maximum of minus infinity and zero is finite.
                    let finite = expected.is_finite()
                        || activation == Activation::Relu && *expected == f64::NEG_INFINITY;
                    assert!(
                        finite || !found.is_finite(),
                        "{algorithm} on {isa}: {found}"
                    );
                }
            }
        }
    }
}

#[test]
fn less_scratch_memory_means_fewer_threads() {
    let mut random = Random::new(9000);
    let spec = spec([20, 24], [3, 3], [1, 1], Padding::symmetric([1, 1]));
    let dims = Dims::new([2, 20, 19, 21]);
    let case = Case::random(&mut random, spec, dims);
    let to = spec.output_dims(dims);
    let mut results = [1, 2, 5].map(|parts| {
        let conv = case.pack(Isa::detect(), Algorithm::Winograd);
        let mut output = vec![0.0; to.blocked_len()];
        let mut scratch = vec![0.0; conv.scratch_len(dims, parts)];
        let input = blocked(&case.input, dims);
        let epilogue = Epilogue::default();
        on_threads(4, || {
            let outputs = &mut [ViewMut::new(&mut output, to)];
            conv.run(View::new(&input, dims), outputs, epilogue, &mut scratch);
        });
        output
    });
    results[0].iter_mut().for_each(|it| *it += 0.0);
    assert_eq!(results[0], results[1]);
    assert_eq!(results[1], results[2]);
}

#[test]
#[should_panic(expected = "scratch memory")]
fn too_little_scratch_memory_is_refused() {
    let mut random = Random::new(9100);
    let spec = spec([20, 24], [3, 3], [1, 1], Padding::symmetric([1, 1]));
    let dims = Dims::new([1, 20, 9, 9]);
    let case = Case::random(&mut random, spec, dims);
    let to = spec.output_dims(dims);
    let conv = case.pack(Isa::detect(), Algorithm::Winograd);
    let mut output = vec![0.0; to.blocked_len()];
    let input = blocked(&case.input, dims);
    let outputs = &mut [ViewMut::new(&mut output, to)];
    conv.run(
        View::new(&input, dims),
        outputs,
        Epilogue::default(),
        &mut [],
    );
}
