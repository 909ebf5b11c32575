//! One side of `tools/bench-peers`: runs a network, or trains it by a step, once per line of standard
//! input, and answers with the milliseconds that it took and a number to compare.
//!
//! `bench_worker engine|plain|train_fast|train_exact|train_plain ARCHITECTURE WEIGHTS BATCH HEIGHT
//! WIDTH`; the first line that it writes is `ready MILLISECONDS`, the time of compiling.

#![allow(clippy::unwrap_used, reason = "a wrong argument ends it")]
#![expect(clippy::print_stdout, reason = "its answers")]

use std::io::BufRead as _;
use std::time::Instant;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_zoo::weights::{Checkpoint, Layout};
use burn_zoo::{Adapt, AuxHeads, Classifier, TrainingKernels, weighted_loss};
use burn_zoo_engine::{Compile, release_freed_memory};
use burn_zoo_tests::resnet18::SmallResNet18;

fn main() {
    TrainingKernels::enlist();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, architecture, weights, sizes @ ..] = &arguments[..] else {
        panic!("bench_worker KIND ARCHITECTURE WEIGHTS BATCH HEIGHT WIDTH");
    };
    let [batch, height, width] = [0, 1, 2].map(|it: usize| sizes[it].parse().unwrap());
    let checkpoint = Checkpoint::open(weights).unwrap();
    let shape = [batch, 3, height, width];
    let kernels = match kind.as_str() {
        "train_fast" => TrainingKernels::Fast,
        "train_exact" => TrainingKernels::Exact,
        "train_plain" => TrainingKernels::Off,
        "engine" | "plain" => return infer(kind == "engine", architecture, checkpoint, shape),
        _ => panic!("unknown kind {kind}"),
    };
    kernels.choose();
    let device = Device::flex().autodiff();
    if architecture == "resnet18_small" {
        let model = SmallResNet18::init(&device);
        let layout = Layout::new(SmallResNet18::keys(), "conv1.weight", &["fc"]);
        let model = checkpoint.fill(model, architecture, &layout);
        return train(model.unwrap(), shape, &device);
    }
    let model = burn_zoo::load(architecture, &checkpoint, &device);
    train(model.unwrap(), shape, &device);
}

/// A plan needs neither the file nor the model that it was made from.
fn infer(compiled: bool, architecture: &str, checkpoint: Checkpoint, shape: [usize; 4]) {
    let device = Device::flex();
    let adapt = Adapt {
        aux_heads: AuxHeads::Dropped,
        ..Adapt::default()
    };
    let model = burn_zoo::load_adapted(architecture, &checkpoint, &adapt, &device)
        .unwrap()
        .network;
    drop(checkpoint);
    let images = Tensor::<4>::ones(shape, &device) * 0.5;
    let first = |logits: Tensor<2>| logits.into_data().iter::<f32>().next().unwrap();

    let start = Instant::now();
    if compiled {
        let plan = model.compile(shape).unwrap().strict().unwrap();
        drop(model);
        release_freed_memory();
        answer(start, || first(plan.run(images.clone()).unwrap()));
    } else {
        answer(start, || first(model.forward(images.clone())));
    }
}

/// Forward, the heads' cross-entropies by their weights, backward, a step of SGD with momentum;
/// answers with the loss. Images and labels are `worker.py`'s.
fn train<M: Classifier>(model: M, shape: [usize; 4], device: &Device) {
    let pixels =
        (0..shape.iter().product()).map(|it: usize| (it * 7919 % 1009) as f32 / 504.5 - 1.0);
    let images = TensorData::new(pixels.collect::<Vec<_>>(), shape);
    let images = Tensor::<4>::from_data(images, device);
    let labels = (0..shape[0]).map(|it| ((7 * it + 3) % model.num_classes()) as i64);
    let labels = TensorData::new(labels.collect::<Vec<_>>(), [shape[0]]);
    let labels = Tensor::<1, Int>::from_data(labels, device);
    let cross_entropy = CrossEntropyLossConfig::new().init(device);
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    let mut model = Some(model.train());
    let mut step = || {
        let network = model.take().unwrap();
        let heads = network.forward_train(images.clone());
        let loss = weighted_loss(heads, |logits| {
            cross_entropy.forward(logits, labels.clone())
        });
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        model = Some(optimizer.step(1e-3, network, gradients));
        loss.into_scalar::<f32>()
    };
    answer(Instant::now(), || TrainingKernels::step(device, &mut step));
}

/// Runs once per line; `start` is when preparations began.
fn answer(start: Instant, mut run: impl FnMut() -> f32) {
    println!("ready {:.1}", 1e3 * start.elapsed().as_secs_f64());
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        let value = run();
        println!("{:.3} {value:.5}", 1e3 * start.elapsed().as_secs_f64());
    }
}
