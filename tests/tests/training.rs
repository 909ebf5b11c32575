//! The first steps of training against PyTorch's.
#![expect(clippy::print_stdout, reason = "tests say what they measured")]

use burn::tensor::Device;
use burn_zoo::inception_v1::GoogLeNetConfig;
use burn_zoo::inception_v3::InceptionV3Config;
use burn_zoo::{Pretrained, TrainingKernels};
use burn_zoo_tests::golden::Golden;
use burn_zoo_tests::steps::{Errors, errors};
use burn_zoo_tests::with;

/// Of a network of the registry as it is listed.
fn listed(name: &str) -> Errors {
    let device = Device::flex().autodiff();
    let checkpoint = Golden::read(name).checkpoint(name);
    let model = burn_zoo::load(name, &checkpoint, &device).expect("the golden keys fit");
    let slots = model.slots();
    errors(name, model, slots)
}

/// Of a network that is configured without dropout.
fn configured<M: Pretrained>(name: &str, model: M) -> Errors {
    let checkpoint = Golden::read(name).checkpoint(name);
    let layout = model.layout();
    let model = checkpoint.fill(model, name, &layout);
    let model = model.expect("the golden keys fit");
    let slots = model.slots();
    errors(name, model, slots)
}

/// Plain in every sense: nothing amplifies rounding.
fn assert_sharp(found: &Errors) {
    assert!(found.losses.iter().all(|&error| error < 1e-3), "{found:?}");
    assert!(found.logits < 1e-3 && found.gradients < 1e-3, "{found:?}");
}

/// PyTorch differs from itself by this much between its algorithms. `limit` is for the first losses:
/// a digit more where convolutions are Winograd's.
fn assert_as_far_as_rounding_lets_it(found: &Errors, limit: f32) {
    let [first, later @ ..] = found.losses.as_slice() else {
        panic!("no step was made");
    };
    assert!(*first < limit && found.parts < limit, "{found:?}");
    assert!(found.logits < 1e-3 && found.gradients < 3e-2, "{found:?}");
    assert!(later[0] < 5e-2, "{found:?}");
}

/// With our kernels, and with Burn's operations alone.
fn each(run: impl Fn() -> Errors, assert: impl Fn(&Errors, f32)) {
    for (kernels, limit) in [
        (TrainingKernels::Fast, 5e-5),
        (TrainingKernels::Exact, 1e-5),
        (TrainingKernels::Off, 1e-5),
    ] {
        println!("{kernels:?}");
        assert(&with(kernels, &run), limit);
    }
}

#[test]
fn highway_fc10_trains_as_in_pytorch() {
    assert_sharp(&listed("highway_fc10"));
}

#[test]
fn resnet20_trains_as_in_pytorch() {
    each(|| listed("resnet20_cifar"), |found, _| assert_sharp(found));
}

#[test]
fn plain20_trains_as_in_pytorch_as_far_as_rounding_lets_it() {
    each(
        || listed("plain20_cifar"),
        assert_as_far_as_rounding_lets_it,
    );
}

#[test]
fn googlenet_trains_as_in_pytorch_as_far_as_rounding_lets_it() {
    let config = GoogLeNetConfig::new()
        .with_dropout(0.0)
        .with_aux_dropout(0.0);
    let run = || {
        let model = config.init(&Device::flex().autodiff());
        configured("googlenet", model)
    };
    each(run, assert_later_too);
}

#[test]
fn inception_v3_trains_as_in_pytorch_as_far_as_rounding_lets_it() {
    let config = InceptionV3Config::new().with_dropout(0.0);
    let run = || {
        let model = config.init(&Device::flex().autodiff());
        configured("inception_v3", model)
    };
    each(run, assert_later_too);
}

fn assert_later_too(found: &Errors, limit: f32) {
    assert_as_far_as_rounding_lets_it(found, limit);
    assert!(found.losses.iter().all(|&error| error < 5e-2), "{found:?}");
}
