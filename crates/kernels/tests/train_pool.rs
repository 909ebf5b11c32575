//! Pooling of training and its gradients against the plain formula in 64 bits, over random shapes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use burn_zoo_kernels::{Dims, Isa, PadCount, Padding, PoolSpec, Rounding, TrainPool};
use common::*;

fn random(random: &mut Random) -> (PoolSpec, Dims) {
    let kernel = random.pick(&[[2, 2], [3, 3], [3, 3], [5, 5], [1, 3], [3, 2]]);
    let spec = PoolSpec {
        kernel,
        stride: random.pick(&[[1, 1], [2, 2], [3, 3], [2, 1]]),
        padding: Padding::symmetric(kernel.map(|it| random.int(0..=it / 2))),
        rounding: random.pick(&[Rounding::Floor, Rounding::Ceil]),
    };
    let dims = Dims::new([
        random.int(1..=3),
        random.int(1..=9),
        random.int(5..=40),
        random.int(5..=40),
    ]);
    (spec, dims)
}

/// The gradient by the definition: what the sum of all outputs times `gradient` changes by with each
/// input, from the outputs of `pooled` for inputs that differ in one pixel would be a hundred thousand
/// runs; each window adds its gradient to its pixels instead.
fn expected_gradient(
    spec: &PoolSpec,
    dims: Dims,
    gradient: &[f32],
    share: impl Fn(usize, &[usize], usize) -> Vec<f64>,
) -> Vec<f64> {
    let [height, width] = spec.output_size([dims.height, dims.width]);
    let padded = [
        dims.height + 2 * spec.padding.top,
        dims.width + 2 * spec.padding.left,
    ];
    let mut result = vec![0.0; dims.plain_len()];
    for (at, gradient) in gradient.iter().enumerate() {
        let (plane, row, column) = (at / (height * width), at / width % height, at % width);
        let (mut pixels, mut area) = (Vec::new(), 0);
        for i in 0..spec.kernel[0] {
            for j in 0..spec.kernel[1] {
                let (y, x) = (row * spec.stride[0] + i, column * spec.stride[1] + j);
                if y >= padded[0] || x >= padded[1] {
                    continue;
                }
                area += 1;
                let (y, x) = (
                    y.wrapping_sub(spec.padding.top),
                    x.wrapping_sub(spec.padding.left),
                );
                if y < dims.height && x < dims.width {
                    pixels.push((plane * dims.height + y) * dims.width + x);
                }
            }
        }
        for (pixel, share) in pixels.iter().zip(share(at, &pixels, area)) {
            result[*pixel] += share * f64::from(*gradient);
        }
    }
    result
}

#[test]
fn maxima_and_their_gradient() {
    for seed in 0..cases(120) {
        let random_numbers = &mut Random::new(seed);
        let (spec, dims) = random(random_numbers);
        let input = random_numbers.numbers(dims.plain_len());
        let (to, expected) = pooled(&spec, Pool::Max, dims, &input);
        let gradient = random_numbers.numbers(to.plain_len());
        let expected_gradient = expected_gradient(&spec, dims, &gradient, |_, pixels, _| {
            let greatest = pixels
                .iter()
                .map(|it| input[*it])
                .fold(f32::NEG_INFINITY, f32::max);
            let first = pixels.iter().position(|it| input[*it] == greatest);
            (0..pixels.len())
                .map(|it| f64::from(u8::from(Some(it) == first)))
                .collect()
        });
        for isa in sets() {
            let pool = TrainPool::new(isa, spec, dims).unwrap();
            let found = on_threads(random_numbers.int(1..=4), || pool.maxima(&input));
            let what = format!("{isa}, {spec:?}, {dims:?}");
            assert_close(&found.output, &expected, 0.0, &what);
            let found = pool.maxima_gradient(&found.taps, &gradient);
            assert_close(&found, &expected_gradient, 1e-6, &what);
        }
    }
}

#[test]
fn averages_and_their_gradient() {
    for seed in 0..cases(120) {
        let random_numbers = &mut Random::new(seed);
        let (spec, dims) = random(random_numbers);
        let count = random_numbers.pick(&[PadCount::Include, PadCount::Exclude]);
        let input = random_numbers.numbers(dims.plain_len());
        let (to, expected) = pooled(&spec, Pool::Average(count), dims, &input);
        let gradient = random_numbers.numbers(to.plain_len());
        let expected_gradient = expected_gradient(&spec, dims, &gradient, |_, pixels, area| {
            let count = match count {
                PadCount::Include => area,
                PadCount::Exclude => pixels.len(),
            };
            vec![1.0 / count as f64; pixels.len()]
        });
        for isa in sets() {
            let pool = TrainPool::new(isa, spec, dims).unwrap();
            let found = on_threads(random_numbers.int(1..=4), || pool.averages(count, &input));
            let what = format!("{isa}, {count:?}, {spec:?}, {dims:?}");
            assert_close(&found, &expected, 1e-6, &what);
            let found = pool.averages_gradient(count, &gradient);
            assert_close(&found, &expected_gradient, 1e-6, &what);
        }
    }
}

/// Equal numbers, infinities and NaN: the first of the greatest gets the gradient, and NaN is greatest.
#[test]
fn ties_and_numbers_that_are_none() {
    let spec = PoolSpec {
        kernel: [2, 2],
        stride: [2, 2],
        padding: Padding::default(),
        rounding: Rounding::Floor,
    };
    let dims = Dims::new([1, 1, 2, 6]);
    let low = f32::NEG_INFINITY;
    let input = [
        1.0,
        1.0,
        low,
        low,
        f32::NAN,
        3.0,
        1.0,
        1.0,
        low,
        low,
        9.0,
        2.0,
    ];
    for isa in sets() {
        let pool = TrainPool::new(isa, spec, dims).unwrap();
        let maxima = pool.maxima(&input);
        assert_eq!(maxima.output[..2], [1.0, low], "{isa}");
        assert!(maxima.output[2].is_nan(), "{isa}");
        assert_eq!(maxima.taps, [0, 0, 0], "{isa}");
        let gradient = pool.maxima_gradient(&maxima.taps, &[1.0, 2.0, 3.0]);
        let mut expected = [0.0; 12];
        (expected[0], expected[2], expected[4]) = (1.0, 2.0, 3.0);
        assert_eq!(gradient, expected, "{isa}");
    }
}

#[test]
fn what_the_kernels_do_not_take_is_refused() {
    let spec = PoolSpec {
        kernel: [3, 3],
        stride: [2, 2],
        padding: Padding::default(),
        rounding: Rounding::Floor,
    };
    let new = |spec, dims| TrainPool::new(Isa::Portable, spec, Dims::new(dims));
    assert!(new(spec, [1, 1, 8, 8]).is_some());
    assert!(new(spec, [1, 1, 2, 8]).is_none());
    assert!(
        new(
            PoolSpec {
                stride: [4, 4],
                ..spec
            },
            [1, 1, 8, 8]
        )
        .is_none()
    );
    assert!(
        new(
            PoolSpec {
                kernel: [16, 16],
                ..spec
            },
            [1, 1, 32, 32]
        )
        .is_none()
    );
    let far = PoolSpec {
        padding: Padding::symmetric([3, 3]),
        ..spec
    };
    assert!(new(far, [1, 1, 8, 8]).is_none());
}
