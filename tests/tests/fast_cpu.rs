//! The kernels of training against Burn's own operations, and which calls they take.

use burn::module::{Module as _, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, PaddingConfig2d};
use burn::tensor::{DType, Device, Tensor};
use burn_zoo::TrainingKernels;
use burn_zoo_core::{Activation, ConvNormAct, ConvNormActConfig, chain, convolve};
use burn_zoo_tests::golden::values;
use burn_zoo_tests::synthetic::splitmix64;
use burn_zoo_tests::with;
use burn_zoo_tests::{relative_error, seeded};

/// Sums of some hundred f32 numbers in another order.
const EXACT: f32 = 1e-5;
/// Winograd's F(4x4, 3x3) multiplies with constants up to 8, which costs a digit.
const FAST: f32 = 1e-4;

fn convolution(config: &Conv2dConfig, device: &Device) -> Conv2d {
    let mut layer = config.init(device);
    let weight = seeded(1, layer.weight.dims(), device);
    layer.weight = Param::from_tensor(weight);
    layer.bias = layer
        .bias
        .map(|bias| Param::from_tensor(seeded(2, bias.dims(), device)));
    layer
}

/// Output, and gradients of input, weight and bias where they are tracked.
fn pass(
    layer: &Conv2d,
    input: &Tensor<4>,
    forward: impl FnOnce(&Conv2d, Tensor<4>) -> Tensor<4>,
) -> [Option<Vec<f32>>; 4] {
    let output = forward(layer, input.clone());
    let factors = seeded(3, output.dims(), &input.device());
    let gradients = (output.clone() * factors).sum().backward();
    [
        Some(values(output)),
        input.grad(&gradients).map(values),
        layer.weight.grad(&gradients).map(values),
        layer
            .bias
            .as_ref()
            .and_then(|bias| bias.grad(&gradients))
            .map(values),
    ]
}

/// The greatest relative error of output and gradients; there must be the same ones.
fn error(found: &[Option<Vec<f32>>], expected: &[Option<Vec<f32>>]) -> f32 {
    let pairs = found.iter().zip(expected);
    let errors = pairs.filter_map(|(found, expected)| {
        assert_eq!(found.is_some(), expected.is_some());
        Some(relative_error(found.as_ref()?, expected.as_ref()?))
    });
    errors.fold(0.0, f32::max)
}

/// A convolution of each kernel and stride, its other sizes drawn.
fn cases() -> Vec<(Conv2dConfig, [usize; 4])> {
    let mut state = 0;
    let mut draw = |range: std::ops::RangeInclusive<usize>| {
        state += 1;
        let count = range.end() - range.start() + 1;
        range.start() + (splitmix64(state) % count as u64) as usize
    };
    let mut cases = Vec::new();
    for kernel in [
        [1, 1],
        [3, 3],
        [1, 7],
        [7, 1],
        [1, 3],
        [3, 1],
        [5, 5],
        [7, 7],
    ] {
        for stride in [1, 2] {
            for inputs in [1, 3, draw(4..=15), 16, draw(17..=70)] {
                let [height, width] = kernel.map(|size| draw(0..=size / 2));
                let config = Conv2dConfig::new([inputs, draw(1..=50)], kernel)
                    .with_stride([stride; 2])
                    .with_padding(PaddingConfig2d::Explicit(height, width, height, width))
                    .with_bias(draw(0..=1) == 1);
                let [height, width] = kernel.map(|size| draw(size..=size + 12));
                cases.push((config, [draw(1..=3), inputs, height, width]));
            }
        }
    }
    // Large enough for Winograd.
    for channels in [[32, 48], [40, 20], [64, 64]] {
        let config =
            Conv2dConfig::new(channels, [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        cases.push((config, [3, channels[0], 17, 22]));
    }
    cases
}

#[test]
fn convolutions_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    for (config, shape) in cases() {
        let layer = convolution(&config, &device);
        let input = seeded(4, shape, &device).require_grad();
        let expected = pass(&layer, &input, |layer, input| layer.forward(input));
        for (kernels, tolerance) in [
            (TrainingKernels::Exact, EXACT),
            (TrainingKernels::Fast, FAST),
        ] {
            let found = with(kernels, || pass(&layer, &input, convolve));
            let error = error(&found, &expected);
            assert!(
                error <= tolerance,
                "{config:?} of {shape:?}, {kernels:?}: {error}"
            );
        }
    }
}

/// A layer whose kernels are Winograd's, which give other last digits than any plain sum.
fn recognisable() -> Conv2dConfig {
    Conv2dConfig::new([32, 32], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
}

/// Whether the kernels take a call: whether its digits are other ones than those of Burn's own.
fn is_taken(layer: &Conv2d, input: &Tensor<4>, kernels: TrainingKernels) -> bool {
    let found = with(kernels, || convolve(layer, input.clone()));
    let own = layer.forward(input.clone());
    let [found, own] = [found, own].map(values);
    let error = relative_error(&found, &own);
    assert!(error < FAST, "{error}");
    found != own
}

#[test]
fn the_kernels_take_what_the_rule_says_and_nothing_else() {
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let config = recognisable();
    let shape = [2, 32, 16, 16];
    let input = seeded(4, shape, &device);
    let takes = |config: &Conv2dConfig| {
        is_taken(&convolution(config, &device), &input, TrainingKernels::Fast)
    };
    assert!(takes(&config));
    assert!(!takes(&config.clone().with_groups(2)), "groups");
    assert!(!takes(&config.clone().with_dilation([2, 2])), "dilation");
    let wide = PaddingConfig2d::Explicit(3, 3, 3, 3);
    assert!(!takes(&config.clone().with_padding(wide)), "padding");

    let layer = convolution(&config, &device);
    assert!(is_taken(&layer, &input, TrainingKernels::Exact));
    assert!(
        !is_taken(&layer, &input, TrainingKernels::Off),
        "the switch"
    );

    let without = convolution(&config, &plain);
    assert!(
        !is_taken(&without, &seeded(4, shape, &plain), TrainingKernels::Fast),
        "no autodiff"
    );
    // Burn lets them be mixed, and takes the layer's numbers for constants.
    assert!(!is_taken(&without, &input, TrainingKernels::Fast), "mixed");

    let double = |tensor: Tensor<4>| tensor.cast(DType::F64);
    let mut layer = layer;
    layer.weight = layer.weight.map(double);
    layer.bias = layer
        .bias
        .map(|bias| bias.map(|bias| bias.cast(DType::F64)));
    assert!(
        !is_taken(&layer, &double(input), TrainingKernels::Fast),
        "f64"
    );
}

#[test]
fn exact_is_without_winograd() {
    let device = Device::flex().autodiff();
    let layer = convolution(&recognisable(), &device);
    let input = seeded(4, [2, 32, 16, 16], &device).require_grad();
    let [exact, fast] = [TrainingKernels::Exact, TrainingKernels::Fast]
        .map(|kernels| with(kernels, || pass(&layer, &input, convolve)));
    // Output and gradient of the input.
    assert!(exact[0] != fast[0] && exact[1] != fast[1]);
}

#[cfg(feature = "ndarray")]
#[test]
fn another_backend_keeps_its_own_operations() {
    let device = Device::ndarray().autodiff();
    let layer = convolution(&recognisable(), &device);
    let input = seeded(4, [2, 32, 16, 16], &device);
    assert!(!is_taken(&layer, &input, TrainingKernels::Fast));
}

#[test]
fn only_what_is_tracked_has_a_gradient() {
    let device = Device::flex().autodiff();
    let layer = convolution(&recognisable(), &device);
    let frozen = layer.clone().no_grad();
    let constant = seeded(4, [2, 32, 9, 7], &device);
    let tracked = seeded(4, [2, 32, 9, 7], &device).require_grad();
    let mut half = layer.clone();
    half.weight = frozen.weight.clone();
    for (layer, input, expected) in [
        (&layer, &constant, [false, true, true]),
        (&frozen, &tracked, [true, false, false]),
        (&half, &constant, [false, false, true]),
        (&layer, &tracked, [true, true, true]),
    ] {
        let own = pass(layer, input, |layer, input| layer.forward(input));
        let found = with(TrainingKernels::Exact, || pass(layer, input, convolve));
        assert_eq!([1, 2, 3].map(|it: usize| found[it].is_some()), expected);
        assert!(error(&found, &own) < EXACT);
    }
    // Nothing is tracked, and the layer after it learns all the same.
    let after = |input| layer.forward(convolve(&frozen, input));
    let found = with(TrainingKernels::Exact, || {
        pass(&layer, &constant, |_, input| after(input))
    });
    let own = pass(&layer, &constant, |layer, input| {
        layer.forward(frozen.forward(input))
    });
    assert!(error(&found, &own) < EXACT);
}

#[test]
fn gradients_of_a_layer_that_is_used_twice_add_up() {
    let device = Device::flex().autodiff();
    let layer = convolution(&recognisable(), &device);
    let input = seeded(4, [2, 32, 9, 7], &device).require_grad();
    let own = pass(&layer, &input, |layer, input| {
        layer.forward(layer.forward(input))
    });
    let found = with(TrainingKernels::Exact, || {
        pass(&layer, &input, |layer, input| {
            convolve(layer, convolve(layer, input))
        })
    });
    assert!(error(&found, &own) < EXACT);
}

#[test]
fn numbers_may_lie_in_any_order() {
    let device = Device::flex().autodiff();
    let layer = convolution(&recognisable(), &device);
    let input = seeded(4, [3, 9, 34, 7], &device).require_grad();
    let views = |input: Tensor<4>| {
        let [turned, cut] = [input.clone().swap_dims(1, 2), input.swap_dims(1, 2)];
        [
            turned.narrow(1, 1, 32),
            cut.narrow(0, 1, 1).narrow(1, 2, 32),
        ]
    };
    for view in [0, 1] {
        let own = pass(&layer, &input, |layer, input| {
            layer.forward(views(input)[view].clone()).swap_dims(2, 3)
        });
        let found = with(TrainingKernels::Exact, || {
            pass(&layer, &input, |layer, input| {
                convolve(layer, views(input)[view].clone()).swap_dims(2, 3)
            })
        });
        assert!(error(&found, &own) < EXACT);
    }
    // The gradient of a sum is one number, repeated.
    let sum = |output: Tensor<4>| {
        let gradients = output.sum().backward();
        values(layer.weight.grad(&gradients).expect("it is tracked"))
    };
    let view = || views(input.clone())[0].clone();
    let own = sum(layer.forward(view()));
    let found = with(TrainingKernels::Exact, || sum(convolve(&layer, view())));
    assert!(relative_error(&found, &own) < EXACT);
}

/// A convolution that passes its input on unchanged, and a norm.
fn norm(channels: usize, device: &Device) -> ConvNormAct {
    let mut layer = ConvNormActConfig::new([channels; 2], [1, 1])
        .with_activation(Activation::Identity)
        .init(device);
    let one = Tensor::<2>::eye(channels, device).reshape([channels, channels, 1, 1]);
    layer.conv.weight = Param::from_tensor(one);
    layer.norm.gamma = Param::from_tensor(seeded(5, [channels], device) + 2.0);
    layer.norm.beta = Param::from_tensor(seeded(6, [channels], device));
    layer
}

/// Output, gradients of input, scale and shift, running mean and variance.
fn norm_pass(
    norm: &BatchNorm,
    input: &Tensor<4>,
    forward: impl FnOnce(Tensor<4>) -> Tensor<4>,
) -> [Option<Vec<f32>>; 6] {
    let output = forward(input.clone());
    let factors = seeded(3, output.dims(), &input.device());
    let gradients = (output.clone() * factors).sum().backward();
    [
        Some(values(output)),
        input.grad(&gradients).map(values),
        norm.gamma.grad(&gradients).map(values),
        norm.beta.grad(&gradients).map(values),
        Some(values(norm.running_mean.value_sync())),
        Some(values(norm.running_var.value_sync())),
    ]
}

#[test]
fn batch_norm_its_gradients_and_running_statistics_are_burns() {
    let device = Device::flex().autodiff();
    for (number, shape) in [
        [1, 1, 5, 3],
        [2, 3, 5, 7],
        [3, 16, 8, 8],
        [4, 37, 9, 11],
        [8, 20, 1, 1],
        [2, 70, 17, 3],
    ]
    .into_iter()
    .enumerate()
    {
        let input = seeded(number as u64 + 10, shape, &device) * 3.0 + 1.5;
        let input = Tensor::from_data(input.into_data(), &device).require_grad();
        let own = norm(shape[1], &device);
        let expected = norm_pass(&own.norm, &input, |input| own.norm.forward(input));
        let ours = norm(shape[1], &device);
        let found = with(TrainingKernels::Fast, || {
            norm_pass(&ours.norm, &input, |input| ours.forward(input))
        });
        let error = error(&found, &expected);
        assert!(error <= EXACT, "{shape:?}: {error}");
    }
}

#[test]
fn a_norm_that_does_not_train_keeps_its_running_statistics() {
    let device = Device::flex().autodiff();
    let layer = norm(20, &device).freeze();
    let input = seeded(7, [2, 20, 5, 5], &device).require_grad();
    let own = norm_pass(&layer.norm, &input, |input| layer.norm.forward(input));
    let found = with(TrainingKernels::Fast, || {
        norm_pass(&layer.norm, &input, |input| layer.forward(input))
    });
    assert!(found[4] == Some(vec![0.0; 20]) && found[5] == Some(vec![1.0; 20]));
    assert!(found[2].is_none() && found[3].is_none());
    assert!(error(&found, &own) < EXACT);
}

#[test]
fn a_norm_has_burns_digits_only_where_the_switch_is_off() {
    let device = Device::flex().autodiff();
    let input = seeded(8, [3, 20, 9, 9], &device);
    let outputs = [
        TrainingKernels::Off,
        TrainingKernels::Off,
        TrainingKernels::Fast,
    ]
    .map(|kernels| with(kernels, || values(norm(20, &device).forward(input.clone()))));
    assert!(outputs[0] == outputs[1] && outputs[1] != outputs[2]);
}

#[test]
fn gradient_checkpointing_changes_no_digit() {
    let run = |device: &Device, kernels| {
        let layers = [16, 24, 24].map(|outputs| {
            let inputs = if outputs == 16 { 3 } else { outputs };
            let mut layer = ConvNormActConfig::new([inputs, outputs], [3, 3])
                .same()
                .with_bias(true)
                .init(device);
            let shape = layer.conv.weight.dims();
            layer.conv.weight = Param::from_tensor(seeded(9, shape, device));
            layer.conv.bias = Some(Param::from_tensor(seeded(10, [outputs], device)));
            layer
        });
        let widen = Conv2dConfig::new([16, 24], [1, 1]);
        let widen = convolution(&widen, device);
        let input = seeded(11, [2, 3, 12, 10], device).require_grad();
        with(kernels, || {
            let first = layers[0].forward(input.clone());
            // Memory-bound operations between, which are computed again: each of an input that a
            // convolution has kept.
            let wide = convolve(&widen, first.mul_scalar(0.5)).add_scalar(0.25);
            let output = chain(&layers[1..], wide.clone()) + wide;
            let factors = seeded(3, output.dims(), device);
            let gradients = (output * factors).sum().backward();
            let weights = layers.iter().map(|layer| &layer.conv.weight);
            let mut found = vec![input.grad(&gradients).map(values)];
            found.extend(weights.map(|weight| weight.grad(&gradients).map(values)));
            found.extend(layers.map(|layer| layer.norm.gamma.grad(&gradients).map(values)));
            found.push(widen.weight.grad(&gradients).map(values));
            assert!(found.iter().all(Option::is_some));
            found
        })
    };
    let device = Device::flex().autodiff();
    let again = device.clone().gradient_checkpointing();
    for kernels in [TrainingKernels::Fast, TrainingKernels::Exact] {
        assert!(run(&device, kernels) == run(&again, kernels), "{kernels:?}");
    }
    let own = run(&again, TrainingKernels::Off);
    let error = error(&run(&again, TrainingKernels::Exact), &own);
    // Three norms in a row multiply the differences.
    assert!(error < 10.0 * EXACT, "{error}");
}
