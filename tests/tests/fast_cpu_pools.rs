//! The pools of training against Burn's own operations.

use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AvgPool2dConfig, MaxPool2dConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo::TrainingKernels;
use burn_zoo_core::{average_pool, max_pool};
use burn_zoo_tests::golden::values;
use burn_zoo_tests::{relative_error, seeded, with};

/// A sum of nine f32 numbers, divided.
const AVERAGE: f32 = 1e-6;

/// Output and gradient of the input.
fn pass(input: &Tensor<4>, forward: impl Fn(Tensor<4>) -> Tensor<4>) -> [Vec<f32>; 2] {
    let output = forward(input.clone());
    let factors = seeded(0, output.dims(), &input.device());
    let gradients = (output.clone() * factors).sum().backward();
    let gradient = input.grad(&gradients).expect("the input is tracked");
    [values(output), values(gradient)]
}

/// The pools of the networks, on even and odd grids.
fn windows() -> impl Iterator<Item = ([usize; 2], [usize; 2], usize, bool, [usize; 4])> {
    let kinds = [
        ([2, 2], [2, 2], 0, false),
        ([3, 3], [2, 2], 0, true),
        ([3, 3], [2, 2], 0, false),
        ([3, 3], [2, 2], 1, true),
        ([3, 3], [1, 1], 1, false),
        ([5, 5], [3, 3], 0, false),
    ];
    let shapes = [[2, 5, 14, 14], [1, 33, 17, 23], [3, 16, 7, 8]];
    kinds
        .into_iter()
        .flat_map(move |(kernel, stride, padding, ceil)| {
            shapes.map(|shape| (kernel, stride, padding, ceil, shape))
        })
}

#[test]
fn maxima_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    for (kernel, stride, padding, ceil, shape) in windows() {
        let layer = MaxPool2dConfig::new(kernel)
            .with_strides(stride)
            .with_padding(PaddingConfig2d::Explicit(
                padding, padding, padding, padding,
            ))
            .with_ceil_mode(ceil)
            .init();
        let input = seeded(0, shape, &device).require_grad();
        let expected = pass(&input, |input| layer.forward(input));
        let found = with(TrainingKernels::Fast, || {
            pass(&input, |input| max_pool(&layer, input))
        });
        assert_eq!(found[0], expected[0], "{layer:?} of {shape:?}");
        let error = relative_error(&found[1], &expected[1]);
        assert!(error <= AVERAGE, "{layer:?} of {shape:?}: {error}");
    }
}

#[test]
fn averages_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    for (kernel, stride, padding, ceil, shape) in windows() {
        for counted in [false, true] {
            let layer = AvgPool2dConfig::new(kernel)
                .with_strides(stride)
                .with_padding(PaddingConfig2d::Explicit(
                    padding, padding, padding, padding,
                ))
                .with_ceil_mode(ceil)
                .with_count_include_pad(counted)
                .init();
            let input = seeded(0, shape, &device).require_grad();
            let expected = pass(&input, |input| layer.forward(input));
            let found = with(TrainingKernels::Fast, || {
                pass(&input, |input| average_pool(&layer, input))
            });
            for (found, expected) in found.iter().zip(&expected) {
                let error = relative_error(found, expected);
                assert!(error <= AVERAGE, "{layer:?} of {shape:?}: {error}");
            }
        }
    }
}

/// Of equal numbers the kernels' gradient goes to the first; what they do not take keeps Burn's.
#[test]
fn the_kernels_take_what_the_rule_says_and_nothing_else() {
    let device = Device::flex().autodiff();
    let shape = [1, 1, 4, 4];
    let taken = |layer: &burn::nn::pool::AvgPool2d, kernels| {
        // A third of three numbers that round: their order shows in the last digit.
        let input = seeded(0, [1, 64, 15, 15], &device).require_grad();
        let found = with(kernels, || pass(&input, |input| average_pool(layer, input)));
        found != pass(&input, |input| layer.forward(input))
    };
    let layer = AvgPool2dConfig::new([3, 3]).with_strides([1, 1]);
    assert!(taken(&layer.init(), TrainingKernels::Fast));
    assert!(taken(&layer.init(), TrainingKernels::Exact));
    assert!(!taken(&layer.init(), TrainingKernels::Off), "the switch");
    let same = layer.with_padding(PaddingConfig2d::Same);
    assert!(!taken(&same.init(), TrainingKernels::Fast), "same");

    let zeros = Tensor::<4>::zeros(shape, &device).require_grad();
    let layer = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
    let found = with(TrainingKernels::Fast, || {
        let output = max_pool(&layer, zeros.clone());
        values(zeros.grad(&output.sum().backward()).expect("tracked"))
    });
    let first = |at: usize| f32::from(u8::from((at / 4).is_multiple_of(2) && at.is_multiple_of(2)));
    assert_eq!(found, (0..16).map(first).collect::<Vec<_>>());
}
