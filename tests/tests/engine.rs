//! The engine against golden files and against the plain modules.

#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![expect(clippy::print_stdout, reason = "tests say what they measured")]

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{relu, tanh};
use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo::{Adapt, AnyClassifier, Classifier, Error, Options, ZeroPad};
use burn_zoo_engine::{Compile, Plan, Plans, Precision};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::parity::transform_input;
use burn_zoo_tests::{relative_error, synthetic};
use rayon::prelude::*;

/// f32 sums in another order over up to 152 layers, by Winograd too.
const GOLDEN: f32 = 1e-4;
/// f32 sums in another order, batch norms folded into the weights.
const EXACT: f32 = 1e-5;

fn device() -> Device {
    Device::flex()
}

/// An untrained network with other classes and channels than usual.
fn network(architecture: &str, classes: usize, channels: usize) -> AnyClassifier {
    let device = device();
    device.seed(7);
    let usual = burn_zoo::architecture(architecture).unwrap().options();
    let options = Options {
        classes,
        channels,
        ..usual
    };
    burn_zoo::create(architecture, options, &device).unwrap()
}

/// The same values each time: Burn's stream of random ones is shared by all threads.
fn noise(shape: [usize; 4]) -> Tensor<4> {
    let values = synthetic::image(shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), &device())
}

/// How far the plan's output is from the plain module's.
fn difference(model: &AnyClassifier, shape: [usize; 4], precision: Precision) -> f32 {
    let plan = model
        .compile_as(shape, precision)
        .unwrap()
        .strict()
        .unwrap();
    let images = noise(shape);
    let expected = values(model.forward(images.clone()));
    relative_error(&values(plan.run(images).unwrap()), &expected)
}

fn is_the_references(golden: &str) {
    let (architecture, _) = golden.split_once('.').unwrap_or((golden, ""));
    let file = Golden::read(golden);
    let adapt = Adapt {
        zero_pad: golden.ends_with(".both").then_some(ZeroPad::Both),
        ..Adapt::default()
    };
    let checkpoint = file.checkpoint(golden);
    let found = burn_zoo::load_adapted(architecture, &checkpoint, &adapt, &device()).unwrap();
    let model = found.network;
    let mut images = file.input(&device());
    if golden.ends_with(".transform_input") {
        images = transform_input(images);
    }
    let run = |precision| {
        let plan = model.compile_as(images.dims(), precision).unwrap();
        values(plan.strict().unwrap().run(images.clone()).unwrap())
    };
    let fast = relative_error(&run(Precision::Fast), &file.output);
    let exact = relative_error(
        &run(Precision::Exact),
        &values(model.forward(images.clone())),
    );
    println!("{golden}: {fast:.1e} of the reference, {exact:.1e} of the plain module");
    assert!(fast < GOLDEN, "{golden}: {fast}");
    assert!(exact < EXACT, "{golden}: {exact}");
}

/// One test per golden file, so that a failure names it and all run side by side.
macro_rules! golden {
    ($($test:ident: $file:literal)*) => {
        $(
            #[test]
            fn $test() {
                is_the_references($file);
            }
        )*
    };
}

golden! {
    golden_highway_fc10: "highway_fc10"
    golden_resnet18: "resnet18"
    golden_resnet34: "resnet34"
    golden_resnet50: "resnet50"
    golden_resnet101: "resnet101"
    golden_resnet152: "resnet152"
    golden_resnext50_32x4d: "resnext50_32x4d"
    golden_resnext101_32x8d: "resnext101_32x8d"
    golden_wide_resnet50_2: "wide_resnet50_2"
    golden_wide_resnet101_2: "wide_resnet101_2"
    golden_resnet50d: "resnet50d.timm"
    golden_resnet101d: "resnet101d.timm"
    golden_resnet20_cifar: "resnet20_cifar"
    golden_resnet32_cifar: "resnet32_cifar"
    golden_resnet44_cifar: "resnet44_cifar"
    golden_resnet56_cifar: "resnet56_cifar"
    golden_resnet110_cifar: "resnet110_cifar"
    golden_resnet20_cifar_with_zeros_on_both_sides: "resnet20_cifar.both"
    golden_resnet20_cifar_b: "resnet20_cifar_b"
    golden_resnet18_small_stem: "resnet18_small_stem"
    golden_plain20_cifar: "plain20_cifar"
    golden_googlenet: "googlenet"
    golden_googlenet_with_transformed_input: "googlenet.transform_input"
    golden_inception_v2: "inception_v2"
    golden_inception_v3: "inception_v3"
    golden_inception_v3_with_transformed_input: "inception_v3.transform_input"
    golden_inception_v4: "inception_v4.timm"
    golden_inception_resnet_v2: "inception_resnet_v2.timm"
}

#[test]
fn every_architecture_compiles_with_nothing_falling_back() {
    for architecture in burn_zoo::architectures() {
        let usual = burn_zoo::architecture(architecture).unwrap().options();
        let model = burn_zoo::create(architecture, usual, &device()).unwrap();
        let spec = model.input();
        let [height, width] = spec.size;
        let plan = model.compile([1, spec.channels, height, width]).unwrap();
        assert!(
            plan.fell_back().is_empty(),
            "{architecture}: {:?}",
            plan.fell_back()
        );
        // Convolutions and dense layers at least; the graph of every network has some.
        assert!(plan.steps().len() > 5, "{architecture}: {:?}", plan.steps());
    }
}

#[test]
fn networks_without_a_golden_file_are_their_plain_modules() {
    for architecture in [
        "highway_a",
        "highway_fc19",
        "plain_fc9",
        "googlenet_paper",
        "inception_v2_cifar",
        "inception_v3_cifar",
        "inception_v4_cifar",
        "inception_resnet_v2_cifar",
    ] {
        let spec = burn_zoo::architecture(architecture).unwrap().options();
        let model = network(architecture, spec.classes, spec.channels);
        let [height, width] = model.input().size;
        let shape = [2, spec.channels, height, width];
        let exact = difference(&model, shape, Precision::Exact);
        println!("{architecture}: {exact:.1e}");
        assert!(exact < EXACT, "{architecture}: {exact}");
    }
}

#[test]
fn any_number_of_classes_and_one_channel() {
    for classes in 1..=17 {
        let model = network("resnet20_cifar", classes, 1);
        let found = difference(&model, [1, 1, 28, 28], Precision::Fast);
        assert!(found < GOLDEN, "{classes} classes: {found}");
    }
}

#[test]
fn batches_of_one_two_three_seven_and_thirty_three() {
    let model = network("inception_v3_cifar", 10, 3);
    for batch in [1, 2, 3, 7, 33] {
        let found = difference(&model, [batch, 3, 32, 32], Precision::Fast);
        assert!(found < GOLDEN, "{batch} images: {found}");
    }
}

#[test]
fn images_that_are_no_squares_of_the_usual_size() {
    for (architecture, height, width) in [
        ("inception_v3", 75, 75),
        ("resnet18", 512, 640),
        ("googlenet", 97, 131),
        ("resnet50", 33, 65),
        ("resnext50_32x4d", 64, 47),
    ] {
        let model = network(architecture, 5, 3);
        let found = difference(&model, [1, 3, height, width], Precision::Fast);
        println!("{architecture} {height}x{width}: {found:.1e}");
        assert!(found < GOLDEN, "{architecture} {height}x{width}: {found}");
    }
}

#[test]
fn one_to_eight_threads() {
    let model = network("inception_resnet_v2_cifar", 10, 3);
    for threads in 1..=8 {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let found = pool.install(|| difference(&model, [2, 3, 32, 32], Precision::Fast));
        assert!(found < GOLDEN, "{threads} threads: {found}");
    }
}

/// The plan's kernels run on the threads that call it, too: no run may wait for another.
#[test]
fn one_plan_runs_on_several_threads_at_once() {
    let model = network("resnet20_cifar", 10, 1);
    let shape = [2, 1, 28, 28];
    let plan = model.compile(shape).unwrap().strict().unwrap();
    let expected = values(plan.run(noise(shape)).unwrap());
    let run = |_: usize| assert_eq!(values(plan.run(noise(shape)).unwrap()), expected);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
    pool.unwrap()
        .install(|| (0..24).into_par_iter().for_each(run));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..8).for_each(run));
        }
    });
}

#[test]
fn a_plan_made_for_one_thread_runs_on_more() {
    let model = network("resnet18", 10, 3);
    let shape = [1, 3, 64, 64];
    let pool = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    };
    let plan = pool(1).install(|| model.compile(shape).unwrap());
    let found = pool(5).install(|| values(plan.run(noise(shape)).unwrap()));
    assert!(relative_error(&found, &values(model.forward(noise(shape)))) < GOLDEN);
}

#[test]
fn what_is_not_finite_stays_so_wherever_the_plain_module_says_so() {
    let shape = [2, 3, 96, 96];
    for architecture in ["resnet18", "googlenet_paper", "inception_v2"] {
        let model = network(architecture, 10, 3);
        let plan = model.compile(shape).unwrap().strict().unwrap();
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut numbers = values(noise(shape));
            // In the second image only.
            numbers[3 * 96 * 96 + 2000] = broken;
            let images = Tensor::from_data(TensorData::new(numbers, shape), &device());
            let plain = values(model.forward(images.clone()));
            let found = values(plan.run(images).unwrap());
            for (index, (found, plain)) in found.iter().zip(&plain).enumerate() {
                let kept = plain.is_finite() || !found.is_finite();
                assert!(
                    kept,
                    "{architecture}, {broken}, {index}: {found} for {plain}"
                );
            }
            assert!(
                found[..10].iter().all(|it| it.is_finite()),
                "{architecture}: image 1"
            );
        }
    }
}

/// What no network of the zoo has: odd paddings, groups, pools and joints, a norm on its own.
#[derive(Module, Debug)]
struct Odd {
    first: Conv2d,
    grouped: Conv2d,
    norm: BatchNorm,
    max: MaxPool2d,
    average: AvgPool2d,
    dense: Linear,
}

impl Odd {
    fn new(device: &Device) -> Self {
        Self {
            first: Conv2dConfig::new([2, 12], [3, 2])
                .with_padding(PaddingConfig2d::Explicit(2, 0, 0, 1))
                .with_stride([2, 1])
                .init(device),
            grouped: Conv2dConfig::new([12, 18], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(0, 2, 2, 0))
                .with_groups(3)
                .init(device),
            norm: BatchNormConfig::new(12).init(device),
            max: MaxPool2dConfig::new([3, 2])
                .with_strides([2, 2])
                .with_ceil_mode(true)
                .init(),
            average: AvgPool2dConfig::new([2, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_count_include_pad(false)
                .init(),
            dense: LinearConfig::new(30 * 5 * 5, 7).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let first = self.first.forward(images);
        let normed = relu(self.norm.forward(tanh(first.clone())));
        let [batch, _, height, width] = normed.dims();
        let grouped = self.grouped.forward(normed.clone());
        let wide = grouped
            .clone()
            .slice([0..batch, 0..18, 0..height, 0..width]);
        let joint = Tensor::cat(vec![normed * 0.5 + 1.0, wide], 1);
        let pooled = self.average.forward(self.max.forward(joint));
        self.dense.forward(pooled.flatten(1, 3)) - 0.25
    }
}

#[test]
fn a_plain_module_with_odd_layers_compiles_too() {
    let device = device();
    device.seed(3);
    let module = Odd::new(&device);
    let shape = [3, 2, 33, 18];
    let images = noise(shape);
    let expected = module.forward(images.clone());
    let plan = Plan::capture(&module, shape, Precision::Exact, Odd::forward);
    let found = plan.strict().unwrap().run(images).unwrap();
    assert!(relative_error(&values(found), &values(expected)) < EXACT);
}

#[test]
fn an_operation_without_a_kernel_is_named_and_the_module_runs_itself() {
    let device = device();
    let module = LinearConfig::new(6, 3).init(&device);
    let shape = [2, 6, 1, 1];
    let forward =
        |module: &Linear, images: Tensor<4>| module.forward(images.flatten::<2>(1, 3)).exp();
    let plan = Plan::capture(&module, shape, Precision::Fast, forward);
    assert_eq!(plan.fell_back(), ["Exp"]);
    let found = values(plan.run(noise(shape)).unwrap());
    assert_eq!(found, values(forward(&module, noise(shape))));
    let Err(error @ Error::NotCompiled { .. }) = plan.strict() else {
        panic!("it fell back");
    };
    assert!(
        error.to_string().starts_with("cannot compile Exp;"),
        "{error}"
    );
}

/// Burn's operations run on rayon's threads, which may be given other images in the middle of one.
#[test]
fn what_falls_back_runs_on_several_threads_at_once() {
    let device = device();
    let module = Conv2dConfig::new([3, 16], [3, 3]).init(&device);
    let shape = [2, 3, 40, 40];
    let forward = |module: &Conv2d, images: Tensor<4>| module.forward(images).exp();
    let expected = values(forward(&module, noise(shape)));
    let copy = std::sync::Mutex::new(module);
    let plans: Plans<4> = Plans::new(move |shape| {
        let module = copy.lock().unwrap().clone();
        Ok(Plan::capture(&module, shape, Precision::Fast, forward))
    });
    let run = |_: usize| assert_eq!(values(plans.run(noise(shape)).unwrap()), expected);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
    pool.unwrap()
        .install(|| (0..48).into_par_iter().for_each(run));
}

/// As a compiled one: neither by the statistics of its images nor with a change of those it has.
#[test]
fn a_module_that_falls_back_does_not_train() {
    let training = device().autodiff();
    let module = BatchNormConfig::new(3).init(&training);
    let shape = [2, 3, 4, 4];
    let forward = |module: &BatchNorm, images: Tensor<4>| module.forward(images).exp();
    let plan: Plan<4> = Plan::capture(&module, shape, Precision::Fast, forward);
    assert_eq!(plan.fell_back(), ["Exp"]);
    let expected = values(forward(&module.valid(), noise(shape)));
    for device in [&training, &device()] {
        let images = Tensor::from_data(noise(shape).into_data(), device);
        let found = plan.run(images).unwrap();
        assert_eq!(&found.device(), device);
        assert_eq!(values(found), expected);
    }
    let after = values(forward(&module.valid(), noise(shape)));
    assert_eq!(after, expected);
}

/// The maximum of a window in the padding alone has no number.
#[test]
fn a_pool_with_windows_in_the_padding_falls_back() {
    let module = MaxPool2dConfig::new([1, 1])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .init();
    let shape = [1, 3, 4, 4];
    let forward = |module: &MaxPool2d, images: Tensor<4>| relu(module.forward(images));
    let plan: Plan<4> = Plan::capture(&module, shape, Precision::Fast, forward);
    assert_eq!(plan.fell_back().len(), 1);
    let found = values(plan.run(noise(shape)).unwrap());
    assert_eq!(found, values(forward(&module, noise(shape))));
}

#[test]
fn what_is_neither_an_image_nor_a_row_falls_back_too() {
    let device = device();
    let module = LinearConfig::new(6, 3).init(&device);
    let shape = [2, 6, 1, 1];
    let cube = |_: &Linear, images: Tensor<4>| images.reshape([1, 3, 4]);
    let plan: Plan<3> = Plan::capture(&module, shape, Precision::Fast, cube);
    assert_eq!(plan.fell_back(), ["reshape to [1, 3, 4]"]);
    assert_eq!(
        values(plan.run(noise(shape)).unwrap()),
        values(noise(shape))
    );

    let parameter = |module: &Linear, _: Tensor<4>| module.weight.val();
    let plan = Plan::capture(&module, shape, Precision::Fast, parameter);
    assert_eq!(plan.fell_back(), ["an output that is a parameter"]);

    let nothing = |_: &Linear, images: Tensor<4>| images;
    let plan = Plan::capture(&module, shape, Precision::Fast, nothing)
        .strict()
        .unwrap();
    assert_eq!(
        values(plan.run(noise(shape)).unwrap()),
        values(noise(shape))
    );
}

#[test]
fn a_plan_takes_its_own_shape_only_and_plans_take_any() {
    let model = network("resnet20_cifar", 10, 3);
    let plan = model.compile([2, 3, 32, 32]).unwrap();
    let error = plan.run(noise([1, 3, 32, 32])).unwrap_err().to_string();
    assert!(
        error.contains("takes images of [2, 3, 32, 32], not [1, 3, 32, 32]"),
        "{error}"
    );
    let refused = model.compile([1, 4, 32, 32]).unwrap_err().to_string();
    assert!(refused.contains("needs 3 channels"), "{refused}");

    let copy = std::sync::Mutex::new(model.clone());
    let plans = Plans::new(move |shape| copy.lock().unwrap().compile(shape));
    for batch in [4, 4, 3] {
        let images = noise([batch, 3, 32, 32]);
        let expected = values(model.forward(images.clone()));
        assert!(relative_error(&values(plans.run(images).unwrap()), &expected) < GOLDEN);
    }
}

#[test]
fn a_plan_keeps_the_weights_that_it_was_compiled_with() {
    let device = device();
    let module = LinearConfig::new(6, 3).init(&device);
    let shape = [1, 6, 1, 1];
    let forward = |module: &Linear, images: Tensor<4>| module.forward(images.flatten::<2>(1, 3));
    let before = values(forward(&module, noise(shape)));
    let plan = Plan::capture(&module, shape, Precision::Exact, forward);
    let changed = Linear {
        weight: module.weight.clone().map(|weight| weight * 2.0),
        ..module
    };
    assert!(relative_error(&values(plan.run(noise(shape)).unwrap()), &before) < EXACT);
    assert_ne!(values(forward(&changed, noise(shape))), before);
}

#[test]
fn the_steps_of_inception_v3_are_fused() {
    let model = network("inception_v3", 1000, 3);
    let plan = model.compile([1, 3, 299, 299]).unwrap();
    let changes = plan.changes();
    // 94 convolutions, each with a norm and a ReLU (Szegedy et al. 2015, arXiv:1512.00567), and the
    // bias of the dense layer.
    assert_eq!([changes.norms, changes.activations], [95, 94]);
    // Three modules A of four branches, two reductions of three, four modules B of four, two
    // modules C of six in nested joints: 4 * 3 + 3 * 2 + 4 * 4 + 2 * 8.
    assert_eq!([changes.in_place, changes.copied], [50, 0]);
    let ops: Vec<_> = plan.steps().iter().map(|step| step.op.as_str()).collect();
    assert!(!ops.contains(&"relu") && !ops.contains(&"norm"), "{ops:?}");
}
