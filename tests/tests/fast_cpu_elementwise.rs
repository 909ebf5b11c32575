//! Rectifiers, sums and highway gates of training against Burn's own operations.

use burn::tensor::{Device, Tensor};
use burn_zoo::TrainingKernels;
use burn_zoo_core::{add_relu, highway, relu};
use burn_zoo_tests::golden::values;
use burn_zoo_tests::{relative_error, seeded, with};

/// Of formulas of some 32-bit operations.
const ROUNDING: f32 = 1e-6;

/// Output and gradients of the arguments.
fn pass<const N: usize>(
    arguments: &[Tensor<4>; N],
    forward: impl Fn([Tensor<4>; N]) -> Tensor<4>,
) -> Vec<Vec<f32>> {
    let output = forward(arguments.clone());
    let factors = seeded(9, output.dims(), &output.device());
    let gradients = (output.clone() * factors).sum().backward();
    let gradient = |it: &Tensor<4>| values(it.grad(&gradients).expect("an argument is tracked"));
    let mut found = vec![values(output)];
    found.extend(arguments.iter().map(gradient));
    found
}

/// By the kernels and by Burn, of arguments that lie in order and of some that do not.
fn compare<const N: usize>(forward: impl Fn([Tensor<4>; N]) -> Tensor<4>) {
    let device = Device::flex().autodiff();
    let argument = |number: usize| seeded(number as u64, [3, 5, 17, 23], &device);
    let ordered: [Tensor<4>; N] = std::array::from_fn(argument);
    let turned = ordered.clone().map(|it| it.swap_dims(2, 3));
    for arguments in [ordered, turned] {
        let arguments = arguments.map(Tensor::require_grad);
        let [found, expected] = [TrainingKernels::Fast, TrainingKernels::Off]
            .map(|kernels| with(kernels, || pass(&arguments, &forward)));
        for (found, expected) in found.iter().zip(&expected) {
            let error = relative_error(found, expected);
            assert!(error <= ROUNDING, "{error}");
        }
    }
}

#[test]
fn a_rectifier_is_burns() {
    compare(|[x]| relu(x));
}

#[test]
fn a_rectified_sum_is_burns() {
    compare(|[branch, shortcut]| add_relu(branch, shortcut));
    // Both terms are one tensor, whose gradients add up.
    compare(|[x]| add_relu(x.clone(), x));
}

#[test]
fn a_highway_gate_is_burns() {
    compare(|[transformed, logits, carried]| highway(transformed, logits, carried).0);
    let device = Device::flex().autodiff();
    let [a, b, c] = [0, 1, 2].map(|number| seeded::<4>(number, [2, 3, 4, 5], &device));
    let [found, expected] = [TrainingKernels::Fast, TrainingKernels::Off].map(|kernels| {
        with(kernels, || {
            values(highway(a.clone(), b.clone(), c.clone()).1)
        })
    });
    assert!(relative_error(&found, &expected) <= ROUNDING);
}

/// What Burn extends, and what no gradient is recorded of, is left to it.
#[test]
fn other_tensors_are_burns() {
    let device = Device::flex().autodiff();
    let wide = seeded::<4>(0, [2, 3, 4, 5], &device).require_grad();
    let narrow = seeded::<4>(1, [2, 3, 1, 1], &device);
    let sum = add_relu(wide.clone(), narrow.clone());
    assert_eq!(
        values(sum.clone()),
        values((wide.clone() + narrow).clamp_min(0.0))
    );
    assert!(wide.grad(&sum.sum().backward()).is_some());
    let plain = wide.clone().without_autodiff();
    assert_eq!(values(relu(plain.clone())), values(plain.clamp_min(0.0)));
}
