//! What training computes number by number against the formulas in 64 bits.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use burn_zoo_kernels::{Highway, add_relu, relu, relu_gradient};
use common::*;

/// Lengths about those of vectors and of tasks.
const LENGTHS: [usize; 7] = [0, 1, 15, 17, 1 << 14, (1 << 14) + 1, 100_003];

fn three(random: &mut Random, len: usize) -> [Vec<f32>; 3] {
    [0, 1, 2].map(|_| random.numbers(len))
}

fn close(found: &[f32], expected: impl Iterator<Item = f64>) {
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error <= 1e-6 * expected.abs().max(1.0),
            "{i}: {found}, {expected}"
        );
    }
}

#[test]
fn rectifiers_are_exact() {
    let mut random = Random::new(1);
    for isa in sets() {
        for len in LENGTHS {
            let [a, b, gradient] = three(&mut random, len);
            let output = relu(isa, &a);
            assert!(output.iter().zip(&a).all(|(y, x)| *y == x.max(0.0)));
            let sums = add_relu(isa, &a, &b);
            let pairs = || a.iter().zip(&b);
            assert!(
                sums.iter()
                    .zip(pairs())
                    .all(|(y, (a, b))| *y == (a + b).max(0.0))
            );
            let found = relu_gradient(isa, &sums, &gradient);
            let expected = pairs().zip(&gradient);
            let expected = expected.map(|((a, b), g)| if a + b > 0.0 { *g } else { 0.0 });
            assert!(found.iter().copied().eq(expected));
            assert_eq!([output.len(), sums.len(), found.len()], [len; 3]);
        }
        assert!(relu(isa, &[f32::NAN])[0].is_nan());
    }
}

#[test]
fn a_gate_mixes_and_its_gradients_are_those_of_the_formula() {
    let mut random = Random::new(2);
    for isa in sets() {
        for len in LENGTHS {
            let [a, logits, b] = three(&mut random, len);
            let gradient = random.numbers(len);
            let rows = || {
                let pairs = a.iter().zip(&logits).zip(&b).zip(&gradient);
                pairs.map(|(((a, logit), b), gradient)| {
                    let [a, logit, b, gradient] = [a, logit, b, gradient].map(|it| f64::from(*it));
                    (a, 1.0 / (1.0 + (-logit).exp()), b, gradient)
                })
            };
            let found = Highway::forward(isa, &a, &logits, &b);
            close(&found.gate, rows().map(|(_, gate, ..)| gate));
            close(
                &found.output,
                rows().map(|(a, gate, b, _)| a * gate + b * (1.0 - gate)),
            );
            let gradients = Highway::backward(isa, &a, &found.gate, &b, &gradient);
            close(
                &gradients.transformed,
                rows().map(|(_, gate, _, g)| g * gate),
            );
            close(
                &gradients.carried,
                rows().map(|(_, gate, _, g)| g * (1.0 - gate)),
            );
            close(
                &gradients.logits,
                rows().map(|(a, gate, b, g)| g * (a - b) * gate * (1.0 - gate)),
            );
        }
    }
}
