//! Batch norm in training and its gradients against the formulas in 64 bits, over random shapes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use burn_zoo_kernels::{BatchNorm, Dims};
use common::*;

/// Some operations in 32 bits after sums in 64.
const TOLERANCE: f64 = 1e-6;
const EPSILON: f64 = 1e-5;

/// The formulas in 64 bits, in the order in which Ioffe and Szegedy (2015, arXiv:1502.03167, section
/// 3) give them: through the variance and the mean.
struct Expected {
    output: Vec<f64>,
    mean: Vec<f64>,
    variance: Vec<f64>,
    mean_by_deviation: f64,
    to_input: Vec<f64>,
    /// The greatest of what is added up to it.
    greatest_term: f64,
    to_gamma: Vec<f64>,
    to_beta: Vec<f64>,
}

fn expected(dims: Dims, input: &[f32], gamma: &[f32], beta: &[f32], gradient: &[f32]) -> Expected {
    let mut all = Expected {
        output: vec![0.0; input.len()],
        mean: Vec::new(),
        variance: Vec::new(),
        mean_by_deviation: 0.0,
        to_input: vec![0.0; input.len()],
        greatest_term: 0.0,
        to_gamma: Vec::new(),
        to_beta: Vec::new(),
    };
    for channel in 0..dims.channels {
        let of_channel: Vec<_> = (0..input.len())
            .filter(|i| i / dims.pixels() % dims.channels == channel)
            .collect();
        let count = of_channel.len() as f64;
        let sum = |f: &dyn Fn(usize) -> f64| of_channel.iter().map(|i| f(*i)).sum::<f64>();
        let (x, g) = (
            |i: usize| f64::from(input[i]),
            |i: usize| f64::from(gradient[i]),
        );
        let (gamma, beta) = (f64::from(gamma[channel]), f64::from(beta[channel]));
        let mean = sum(&x) / count;
        let variance = sum(&|i| (x(i) - mean).powi(2)) / count;
        let deviation = (variance + EPSILON).sqrt();
        let to_variance = sum(&|i| g(i) * gamma * (x(i) - mean)) * -0.5 * deviation.powi(-3);
        let to_mean = -sum(&|i| g(i) * gamma) / deviation
            + to_variance * sum(&|i| -2.0 * (x(i) - mean)) / count;
        for i in of_channel.iter().copied() {
            all.output[i] = gamma * (x(i) - mean) / deviation + beta;
            let term = g(i) * gamma / deviation;
            all.greatest_term = all.greatest_term.max(term.abs());
            all.to_input[i] = term + to_variance * 2.0 * (x(i) - mean) / count + to_mean / count;
        }
        all.mean_by_deviation = all.mean_by_deviation.max(mean.abs() / deviation);
        all.mean.push(mean);
        all.variance.push(variance);
        all.to_gamma
            .push(sum(&|i| g(i) * (x(i) - mean) / deviation));
        all.to_beta.push(sum(&g));
    }
    all
}

fn check(random: &mut Random, dims: Dims, offset: f32, what: &str) {
    let mut input = random.numbers(dims.plain_len());
    input.iter_mut().for_each(|it| *it += offset);
    let gamma = random.numbers(dims.channels);
    let beta = random.numbers(dims.channels);
    let gradient = random.numbers(dims.plain_len());
    let expected = expected(dims, &input, &gamma, &beta, &gradient);
    for isa in sets() {
        for threads in 1..=4 {
            let what = format!("{what}, {threads} threads on {isa}: {dims:?} around {offset}");
            let (found, gradients) = on_threads(threads, || {
                let found = BatchNorm::forward(isa, dims, &input, &gamma, &beta, EPSILON);
                let (mean, variance) = (&found.mean, &found.variance);
                let gradients = BatchNorm::backward(
                    isa, dims, &input, &gamma, mean, variance, EPSILON, &gradient,
                );
                (found, gradients)
            });
            // The mean that the backward pass gets is rounded, relative to itself and not to the
            // deviation.
            let rounded = TOLERANCE * expected.mean_by_deviation.max(1.0);
            // Terms cancel, with few pixels nearly all of them.
            let greatest = expected
                .to_input
                .iter()
                .fold(1e-3, |max: f64, it| max.max(it.abs()));
            let cancelled = rounded * (expected.greatest_term / greatest).max(1.0);
            for (name, found, expected, tolerance) in [
                ("output", &found.output, &expected.output, TOLERANCE),
                ("mean", &found.mean, &expected.mean, TOLERANCE),
                ("variance", &found.variance, &expected.variance, TOLERANCE),
                ("to input", &gradients.input, &expected.to_input, cancelled),
                ("to gamma", &gradients.gamma, &expected.to_gamma, rounded),
                ("to beta", &gradients.beta, &expected.to_beta, TOLERANCE),
            ] {
                assert_close(found, expected, tolerance, &format!("{name} of {what}"));
            }
        }
    }
}

#[test]
fn random_shapes_agree_with_the_formulas() {
    for seed in 0..cases(60) {
        let mut random = Random::new(seed);
        let dims = Dims {
            batch: random.int(1..=5),
            channels: random.int(1..=40),
            height: random.int(1..=24),
            width: random.int(1..=24),
        };
        let offset = random.pick(&[0.0, 0.5, -3.0]);
        check(&mut random, dims, offset, &format!("seed {seed}"));
    }
}

#[test]
fn tails_and_single_pixels_agree_with_the_formulas() {
    let mut random = Random::new(1000);
    for (batch, pixels) in [
        (1, [1, 1]),
        (2, [1, 1]),
        (9, [1, 1]),
        (1, [1, 15]),
        (3, [1, 17]),
    ] {
        let dims = Dims::new([batch, 19, pixels[0], pixels[1]]);
        check(&mut random, dims, 0.5, "small");
    }
}

#[test]
fn large_planes_agree_with_the_formulas() {
    let mut random = Random::new(2000);
    check(&mut random, Dims::new([8, 3, 112, 113]), 0.5, "large");
}

/// A deviation of a thousandth of the mean: what the naive difference of means would lose.
#[test]
fn a_mean_far_from_zero_does_not_hurt() {
    let mut random = Random::new(3000);
    check(&mut random, Dims::new([4, 5, 30, 31]), 600.0, "far");
}

#[test]
fn what_is_not_finite_leaves_no_finite_variance() {
    for isa in sets() {
        let dims = Dims::new([2, 1, 3, 7]);
        let mut input = vec![0.5; dims.plain_len()];
        input[17] = f32::INFINITY;
        let found = BatchNorm::forward(isa, dims, &input, &[1.0], &[0.0], EPSILON);
        assert!(found.variance[0].is_nan(), "{isa}: {}", found.variance[0]);
    }
}

#[test]
#[should_panic(expected = "no pixels")]
fn an_empty_batch_is_refused() {
    let dims = Dims::new([0, 1, 2, 2]);
    BatchNorm::forward(sets()[0], dims, &[], &[1.0], &[0.0], EPSILON);
}
