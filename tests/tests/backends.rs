//! Every backend that is compiled in against the reference's numbers and against each other:
//! `cargo test --workspace --features burn-zoo-tests/ndarray,burn-zoo-tests/wgpu --test backends`.
//!
//! flex alone is what all other tests run on, so that without another backend there is nothing
//! to do here.
#![cfg(any(
    feature = "ndarray",
    feature = "wgpu",
    feature = "vulkan",
    feature = "cuda"
))]
#![expect(clippy::print_stdout, reason = "tests say what they measured")]
// The types of wgpu are deeply nested.
#![recursion_limit = "256"]

use std::path::Path;
use std::time::Instant;

use burn::module::Module as _;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo::weights::Checkpoint;
use burn_zoo::{AnyClassifier, Classifier as _, DIGITS, Options};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::relative_error;
use burn_zoo_train::{Classes, Dataset};

/// Other orders of summation, and other instructions for `exp` and `rsqrt`, than the reference's.
const LOGITS: f32 = 1e-3;
/// Losses of about 2; each step hands the last one's rounding on.
const LOSSES: f32 = 1e-3;
/// Small: batch norm over eight digits multiplies rounding, at 0.02 a thousandfold in six steps.
const RATE: f64 = 0.002;
const STEPS: usize = 10;
const BATCH: usize = 8;

#[allow(deprecated, reason = "upstream marks ndarray deprecated")]
fn devices() -> Vec<(&'static str, Device)> {
    vec![
        ("flex", Device::flex()),
        #[cfg(feature = "ndarray")]
        ("ndarray", Device::ndarray()),
        #[cfg(feature = "wgpu")]
        ("wgpu", Device::wgpu(Default::default())),
        #[cfg(feature = "vulkan")]
        ("vulkan", Device::vulkan(Default::default())),
        #[cfg(feature = "cuda")]
        ("cuda", Device::cuda(0)),
    ]
}

fn agrees_everywhere(golden: &str) {
    let (architecture, _) = golden.split_once('.').unwrap_or((golden, ""));
    let file = Golden::read(golden);
    let bytes = file.safetensors();
    for (backend, device) in devices() {
        let start = Instant::now();
        let checkpoint = Checkpoint::from_bytes(golden, bytes.clone()).expect("we wrote it");
        let model = burn_zoo::load(architecture, &checkpoint, &device);
        let model = model.expect("the golden keys fit");
        let logits = values(model.forward(file.input(&device)));
        let error = relative_error(&logits, &file.output);
        let seconds = start.elapsed().as_secs_f32();
        println!("{golden} on {backend}: logits differ by {error:.1e}, {seconds:.1} s");
        assert!(
            error < LOGITS,
            "{golden} on {backend}: logits differ by {error}"
        );
    }
}

/// One per family, and both kinds of ResNet.
macro_rules! golden {
    ($($test:ident: $file:literal)*) => {
        $(
            #[test]
            fn $test() {
                agrees_everywhere($file);
            }
        )*
    };
}

golden! {
    highway: "highway_fc10"
    resnet: "resnet18"
    resnet_cifar: "resnet20_cifar"
    inception_v1: "googlenet"
    inception_v2: "inception_v2"
    inception_v3: "inception_v3"
    inception_v4: "inception_v4.timm"
    inception_resnet_v2: "inception_resnet_v2.timm"
}

/// The losses of the first steps of SGD on real digits, from the weights of a file.
fn losses(bytes: &[u8], device: &Device) -> Vec<f32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/mnist");
    let digits = Dataset::open(&folder, "train", &Classes::unnamed(10)).expect("the digits");
    let checkpoint = Checkpoint::from_bytes("start", bytes.to_vec()).expect("we wrote it");
    let device = device.clone().autodiff();
    let model = burn_zoo::load("resnet20_cifar", &checkpoint, &device).expect("we wrote it");
    let mut model: AnyClassifier = model.train();
    let momentum = MomentumConfig::new().with_momentum(0.9);
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let step = |step: usize| {
        let batch: Vec<usize> = (step * BATCH..(step + 1) * BATCH).collect();
        let batch = digits.batch(&batch, &DIGITS.preprocess, &device);
        let (images, labels) = batch.expect("they are in memory");
        let loss: Tensor<1> = cross_entropy.forward(model.forward(images), labels);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let trained = optimizer.step(RATE, model.clone(), gradients);
        model = trained;
        values(loss)[0]
    };
    (0..STEPS).map(step).collect()
}

#[test]
fn training_takes_the_same_first_steps_everywhere() {
    let flex = Device::flex();
    flex.seed(1);
    let options = Options {
        classes: 10,
        channels: 1,
        aux_heads: false,
        zero_pad: burn_zoo::ZeroPad::End,
    };
    let start = burn_zoo::create("resnet20_cifar", options, &flex).expect("it is in the zoo");
    let bytes = start
        .to_safetensors(burn_zoo::weights::Dtype::F32)
        .expect("in memory");
    let expected = losses(&bytes, &flex);
    for (backend, device) in devices().into_iter().skip(1) {
        let found = losses(&bytes, &device);
        let pairs = found.iter().zip(&expected);
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{backend}: losses {found:?} differ by {worst:.1e} from {expected:?}");
        assert!(found.iter().all(|loss| loss.is_finite()), "{backend}");
        assert!(worst < LOSSES, "{backend}: {found:?}, flex: {expected:?}");
    }
}
