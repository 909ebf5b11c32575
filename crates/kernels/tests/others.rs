//! All kernels but convolution against the plain formulas in 64 bits, over random shapes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use burn_zoo_kernels::{
    Activation, Binary, Buffer, Dims, Isa, PackedLinear, PadCount, PoolSpec, ResponseNorm,
    Rounding, Rows, RowsMut, Unary, View, ViewMut, adaptive_average_pool, affine, average_pool,
    binary, copy_channels, gate, global_average_pool, max_pool, response_norm, unary,
    unary_in_place,
};
use common::*;

/// Some operations in 32 bits.
const TOLERANCE: f64 = 2e-6;

fn dims(random: &mut Random, most: usize) -> Dims {
    Dims {
        batch: random.pick(&[1, 1, 2, 3]),
        channels: random.int(1..=70),
        height: random.int(1..=most),
        width: random.int(1..=most),
    }
}

/// A kernel's output in a window of a joint tensor, read back after checking what surrounds it.
fn in_window(random: &mut Random, dims: Dims, kernel: impl FnOnce(ViewMut<'_>)) -> Vec<f32> {
    let (first, after) = (random.int(0..=2), random.int(0..=2));
    let joint = first + dims.blocks() + after;
    let mut data = vec![7.5; dims.batch * joint * dims.plane()];
    kernel(ViewMut::window(&mut data, dims, joint, first));
    for (i, block) in data.chunks(dims.plane()).enumerate() {
        let inside = (first..first + dims.blocks()).contains(&(i % joint));
        assert!(
            inside || block.iter().all(|it| *it == 7.5),
            "block {i} written"
        );
    }
    let view = View::window(&data, dims, joint, first);
    assert_padding_is_zero(view, "window");
    plain(view)
}

#[test]
fn pooling_agrees_with_the_formula() {
    for seed in 0..cases(300) {
        let mut random = Random::new(seed);
        let dims = dims(&mut random, 20);
        let mut axis = |len: usize| {
            let kernel = random.int(1..=5);
            // Padding of at most half a window, as everywhere; the window fits.
            let before = random.int(0..=kernel / 2);
            let after = random
                .int(0..=kernel / 2)
                .max(kernel.saturating_sub(len + before));
            (kernel, random.int(1..=3), before, after)
        };
        let (rows, columns) = (axis(dims.height), axis(dims.width));
        let spec = PoolSpec {
            kernel: [rows.0, columns.0],
            stride: [rows.1, columns.1],
            padding: burn_zoo_kernels::Padding {
                top: rows.2,
                left: columns.2,
                bottom: rows.3,
                right: columns.3,
            },
            rounding: random.pick(&[Rounding::Floor, Rounding::Ceil]),
        };
        let mut input = random.numbers(dims.plain_len());
        if random.int(0..=3) == 0 {
            let at = random.int(0..=input.len() - 1);
            input[at] = f32::NAN;
        }
        let packed = blocked(&input, dims);
        let view = View::new(&packed, dims);
        for pool in [
            Pool::Max,
            Pool::Average(PadCount::Include),
            Pool::Average(PadCount::Exclude),
        ] {
            let (to, expected) = pooled(&spec, pool, dims, &input);
            // A window in the padding alone has no maximum.
            if to.plain_len() == 0 || expected.contains(&f64::NEG_INFINITY) {
                continue;
            }
            for isa in sets() {
                let what = format!("seed {seed}, {pool:?} on {isa}: {spec:?} of {dims:?}");
                assert_eq!(
                    spec.output_size([dims.height, dims.width]),
                    [to.height, to.width],
                    "{what}"
                );
                let threads = random.int(1..=4);
                // Padding lanes have no maximum either if the kernel skips all: checked in the window.
                let found = in_window(&mut random, to, |output| {
                    on_threads(threads, || match pool {
                        Pool::Max => max_pool(isa, view, output, &spec),
                        Pool::Average(count) => average_pool(isa, view, output, &spec, count),
                    });
                });
                for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let close = (f64::from(*found) - expected).abs() <= TOLERANCE
                        || found.is_nan() && expected.is_nan();
                    assert!(close, "{what}: number {i} is {found}, expected {expected}");
                }
            }
        }
    }
}

#[test]
fn means_of_cells_and_of_all_agree_with_the_formula() {
    for seed in 0..cases(100) {
        let mut random = Random::new(seed);
        let dims = dims(&mut random, 20);
        let to = Dims {
            height: random.int(1..=8),
            width: random.int(1..=8),
            ..dims
        };
        let input = random.numbers(dims.plain_len());
        let packed = blocked(&input, dims);
        let mean = |plane: &[f32], rows: [usize; 2], columns: [usize; 2]| {
            let cell: Vec<_> = (rows[0]..rows[1])
                .flat_map(|row| {
                    &plane[row * dims.width + columns[0]..row * dims.width + columns[1]]
                })
                .map(|it| f64::from(*it))
                .collect();
            cell.iter().sum::<f64>() / cell.len() as f64
        };
        // PyTorch: from floor(i * len / cells) to ceil((i + 1) * len / cells).
        let range = |i: usize, cells: usize, len: usize| {
            let share = len as f64 / cells as f64;
            [
                (i as f64 * share + 1e-9).floor() as usize,
                ((i + 1) as f64 * share - 1e-9).ceil() as usize,
            ]
        };
        let mut cells = Vec::new();
        let mut all = Vec::new();
        for plane in input.chunks(dims.pixels()) {
            for row in 0..to.height {
                for column in 0..to.width {
                    let rows = range(row, to.height, dims.height);
                    cells.push(mean(plane, rows, range(column, to.width, dims.width)));
                }
            }
            all.push(mean(plane, [0, dims.height], [0, dims.width]));
        }
        for isa in sets() {
            let what = format!("seed {seed} on {isa}: {dims:?} to {to:?}");
            let view = View::new(&packed, dims);
            let found = in_window(&mut random, to, |output| {
                adaptive_average_pool(isa, view, output)
            });
            assert_close(&found, &cells, TOLERANCE, &what);
            let mut found = vec![f32::NAN; dims.batch * dims.channels];
            global_average_pool(isa, view, &mut found);
            assert_close(&found, &all, TOLERANCE, &what);
        }
    }
}

#[test]
fn linear_layers_agree_with_the_formula() {
    for seed in 0..cases(150) {
        let mut random = Random::new(seed);
        let features = [random.int(1..=150), random.int(1..=150)];
        let [inputs, outputs] = features;
        let batch = random.pick(&[1, 2, 3, 5, 7, 33, 100]);
        let weight = random.numbers(inputs * outputs);
        let bias = (random.int(0..=1) == 1).then(|| random.numbers(outputs));
        let input = random.numbers(batch * inputs);
        let activation = random.pick(&[Activation::Linear, Activation::Relu, Activation::Sigmoid]);
        let mut expected = Vec::new();
        for row in input.chunks(inputs) {
            for out in 0..outputs {
                let mut sum = bias.as_ref().map_or(0.0, |bias| f64::from(bias[out]));
                for (i, x) in row.iter().enumerate() {
                    sum += f64::from(*x) * f64::from(weight[i * outputs + out]);
                }
                expected.push(match activation {
                    Activation::Linear => sum,
                    Activation::Relu => sum.max(0.0),
                    Activation::Sigmoid => 1.0 / (1.0 + (-sum).exp()),
                });
            }
        }
        for isa in sets() {
            let what = format!("seed {seed} on {isa}: {features:?}, batch {batch}, {activation:?}");
            let linear = PackedLinear::new(isa, features, &weight, bias.as_deref());
            let mut output = vec![f32::NAN; batch * outputs];
            on_threads(random.int(1..=8), || {
                linear.run(&input, &mut output, activation)
            });
            assert_close(&output, &expected, 1e-5, &what);
        }
    }
}

#[test]
fn response_norm_agrees_with_the_formula() {
    for seed in 0..cases(60) {
        let mut random = Random::new(seed);
        let dims = dims(&mut random, 9);
        let norm = ResponseNorm {
            size: random.pick(&[1, 2, 3, 5, 5, 9, 40]),
            alpha: random.pick(&[1e-4, 1.0]),
            beta: random.pick(&[0.75, 0.5]),
            k: random.pick(&[1.0, 2.0]),
        };
        let input = random.numbers(dims.plain_len());
        let packed = blocked(&input, dims);
        let at = |image: usize, channel: usize, pixel: usize| {
            f64::from(input[(image * dims.channels + channel) * dims.pixels() + pixel])
        };
        let mut expected = Vec::new();
        for image in 0..dims.batch {
            for channel in 0..dims.channels {
                for pixel in 0..dims.pixels() {
                    let first = channel.saturating_sub((norm.size - 1) / 2);
                    let last = (channel + norm.size / 2).min(dims.channels - 1);
                    let sum: f64 = (first..=last).map(|it| at(image, it, pixel).powi(2)).sum();
                    let scale = f64::from(norm.k) + f64::from(norm.alpha) * sum / norm.size as f64;
                    expected.push(at(image, channel, pixel) / scale.powf(f64::from(norm.beta)));
                }
            }
        }
        for isa in sets() {
            let what = format!("seed {seed} on {isa}: {norm:?} of {dims:?}");
            let view = View::new(&packed, dims);
            let found = in_window(&mut random, dims, |output| {
                response_norm(isa, view, output, &norm)
            });
            assert_close(&found, &expected, TOLERANCE, &what);
        }
    }
}

fn function(unary: Unary, x: f64) -> f64 {
    match unary {
        Unary::Relu => x.max(0.0),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        _ => x.tanh(),
    }
}

#[test]
fn elementwise_functions_agree_with_the_formulas() {
    for seed in 0..cases(60) {
        let mut random = Random::new(seed);
        let dims = dims(&mut random, 30);
        let [a, b, c] = [0, 1, 2].map(|_| random.numbers(dims.plain_len()));
        let packed = [&a, &b, &c].map(|it| blocked(it, dims));
        let [x, y, z] = packed.each_ref().map(|it| View::new(it, dims).rows());
        let wide = |of: fn(f64, f64, f64) -> f64| -> Vec<f64> {
            let triples = a.iter().zip(&b).zip(&c);
            triples
                .map(|((a, b), c)| of(f64::from(*a), f64::from(*b), f64::from(*c)))
                .collect()
        };
        for isa in sets() {
            let threads = random.int(1..=4);
            let what = format!("seed {seed} on {isa}: {dims:?}");
            for which in [Unary::Relu, Unary::Sigmoid, Unary::Tanh] {
                let expected: Vec<_> = a.iter().map(|x| function(which, f64::from(*x))).collect();
                let found = in_window(&mut random, dims, |mut output| {
                    on_threads(threads, || unary(isa, which, x, output.rows(), Some(dims)));
                });
                assert_close(&found, &expected, TOLERANCE, &what);
                let found = in_window(&mut random, dims, |mut output| {
                    burn_zoo_kernels::pack(isa, &a, output.reborrow());
                    unary_in_place(isa, which, &mut output);
                });
                assert_close(&found, &expected, TOLERANCE, &what);
            }
            for (which, of) in [
                (Binary::Add, (|a, b, _| a + b) as fn(f64, f64, f64) -> f64),
                (Binary::Sub, |a, b, _| a - b),
                (Binary::Mul, |a, b, _| a * b),
            ] {
                let found = in_window(&mut random, dims, |mut output| {
                    binary(isa, which, x, y, output.rows());
                });
                assert_close(&found, &wide(of), TOLERANCE, &what);
            }
            let found = in_window(&mut random, dims, |mut output| {
                gate(isa, x, y, z, output.rows())
            });
            let expected = wide(|a, gate, b| a * gate + b * (1.0 - gate));
            assert_close(&found, &expected, TOLERANCE, &what);
        }
    }
}

#[test]
fn affine_scales_each_channel() {
    for seed in 0..cases(40) {
        let mut random = Random::new(seed);
        let dims = dims(&mut random, 12);
        let input = random.numbers(dims.plain_len());
        let (scale, shift) = (random.numbers(dims.channels), random.numbers(dims.channels));
        let packed = blocked(&input, dims);
        for isa in sets() {
            for then in [None, Some(Unary::Relu), Some(Unary::Sigmoid)] {
                let expected: Vec<_> = input
                    .iter()
                    .enumerate()
                    .map(|(i, x)| {
                        let channel = i / dims.pixels() % dims.channels;
                        let y =
                            f64::from(*x) * f64::from(scale[channel]) + f64::from(shift[channel]);
                        then.map_or(y, |then| function(then, y))
                    })
                    .collect();
                let found = in_window(&mut random, dims, |output| {
                    affine(isa, View::new(&packed, dims), output, &scale, &shift, then);
                });
                assert_close(
                    &found,
                    &expected,
                    TOLERANCE,
                    &format!("seed {seed} on {isa}"),
                );
            }
        }
    }
}

#[test]
fn functions_of_plain_rows_take_any_length() {
    for len in [1, 7, 16, 100, 40_000] {
        let mut random = Random::new(len as u64);
        let x = random.numbers(3 * len);
        for isa in sets() {
            let mut output = vec![7.5; 3 * len + 2];
            let rows = RowsMut::strided(&mut output, 2, len, len + 1, 1);
            unary(
                isa,
                Unary::Tanh,
                Rows::strided(&x, 2, len, 2 * len, 0),
                rows,
                None,
            );
            let expected: Vec<_> = x[..len]
                .iter()
                .chain(&x[2 * len..])
                .map(|x| f64::from(*x).tanh())
                .collect();
            let found: Vec<_> = output[1..=len]
                .iter()
                .chain(&output[len + 2..2 * len + 2])
                .copied()
                .collect();
            assert_close(&found, &expected, TOLERANCE, &format!("{len} on {isa}"));
            assert!(
                [output[0], output[len + 1]]
                    .iter()
                    .chain(&output[2 * len + 2..])
                    .all(|it| *it == 7.5)
            );
        }
    }
}

#[test]
fn nan_passes_the_functions() {
    for isa in sets() {
        for which in [Unary::Relu, Unary::Sigmoid, Unary::Tanh] {
            let mut output = [0.0; 40];
            unary(
                isa,
                which,
                Rows::new(&[f32::NAN; 40]),
                RowsMut::new(&mut output),
                None,
            );
            assert!(
                output.iter().all(|it| it.is_nan()),
                "{which:?} on {isa}: {output:?}"
            );
        }
    }
}

#[test]
fn packing_and_unpacking_are_inverse() {
    for seed in 0..cases(60) {
        let mut random = Random::new(seed);
        let dims = dims(&mut random, 20);
        let input = random.numbers(dims.plain_len());
        for isa in sets() {
            let what = format!("seed {seed} on {isa}: {dims:?}");
            let mut packed = vec![f32::NAN; dims.blocked_len()];
            let mut back = vec![f32::NAN; input.len()];
            on_threads(random.int(1..=4), || {
                burn_zoo_kernels::pack(isa, &input, ViewMut::new(&mut packed, dims));
                burn_zoo_kernels::unpack(isa, View::new(&packed, dims), &mut back);
            });
            for (i, x) in input.iter().enumerate() {
                let (pixel, rest) = (i % dims.pixels(), i / dims.pixels());
                let (image, channel) = (rest / dims.channels, rest % dims.channels);
                let at = ((image * dims.blocks() + channel / 16) * dims.pixels() + pixel) * 16
                    + channel % 16;
                assert_eq!(packed[at], *x, "{what}");
            }
            assert_padding_is_zero(View::new(&packed, dims), &what);
            assert_eq!(back, input, "{what}");
        }
    }
}

#[test]
fn channels_are_copied_to_any_offset() {
    for seed in 0..cases(60) {
        let mut random = Random::new(seed);
        let joint = dims(&mut random, 10);
        let part = joint.with_channels(random.int(1..=joint.channels));
        let first = random.int(0..=joint.channels - part.channels);
        let (whole, input) = (
            random.numbers(joint.plain_len()),
            random.numbers(part.plain_len()),
        );
        let packed = blocked(&input, part);
        let found = in_window(&mut random, joint, |mut output| {
            burn_zoo_kernels::pack(Isa::detect(), &whole, output.reborrow());
            copy_channels(View::new(&packed, part), output, first);
        });
        let mut expected = whole;
        for image in 0..joint.batch {
            let len = part.channels * part.pixels();
            let at = (image * joint.channels + first) * joint.pixels();
            expected[at..at + len].copy_from_slice(&input[image * len..][..len]);
        }
        assert_eq!(
            found, expected,
            "seed {seed}: {part:?} into {joint:?} from {first} on"
        );
    }
}

#[test]
fn buffers_begin_at_a_cache_line() {
    for len in [1, 16, 1000] {
        let buffer = Buffer::zeros(len);
        for buffer in [buffer.clone(), buffer] {
            assert_eq!((buffer.len(), buffer.as_ptr() as usize % 64), (len, 0));
        }
    }
}

#[test]
#[should_panic(expected = "of a tensor of 2")]
fn a_window_beyond_the_joint_tensor_is_refused() {
    View::window(&[0.0; 2 * 16 * 4], Dims::new([1, 17, 2, 2]), 2, 1);
}

/// As much as wraps around to nothing at all.
#[test]
#[should_panic(expected = "too many to be counted")]
fn a_view_of_more_than_can_be_counted_is_refused() {
    View::new(&[], Dims::new([usize::MAX / 16 + 1, 16, 1, 1]));
}

#[test]
#[should_panic(expected = "too many to be counted")]
fn a_linear_layer_of_more_than_can_be_counted_is_refused() {
    PackedLinear::new(sets()[0], [usize::MAX / 4 + 1, 4], &[], None);
}

#[test]
#[should_panic(expected = "numbers for")]
fn a_view_of_another_size_is_refused() {
    View::new(&[0.0; 63], Dims::new([1, 3, 2, 2]));
}
