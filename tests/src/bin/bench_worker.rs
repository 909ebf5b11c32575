//! One side of `tools/bench-peers`: runs a network once per line of standard input, and answers
//! with the milliseconds that it took.
//!
//! `bench_worker engine|plain ARCHITECTURE WEIGHTS BATCH HEIGHT WIDTH`; the first line that it writes is
//! `ready MILLISECONDS`, the time of compiling.

#![allow(clippy::unwrap_used, reason = "a wrong argument ends it")]
#![expect(clippy::print_stdout, reason = "its answers")]

use std::io::BufRead as _;
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use burn_zoo::weights::Checkpoint;
use burn_zoo::{Adapt, AuxHeads, Classifier};
use burn_zoo_engine::Compile;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, architecture, weights, sizes @ ..] = &arguments[..] else {
        panic!("bench_worker engine|plain ARCHITECTURE WEIGHTS BATCH HEIGHT WIDTH");
    };
    let [batch, height, width] = [0, 1, 2].map(|it: usize| sizes[it].parse().unwrap());
    let device = Device::flex();
    let checkpoint = Checkpoint::open(weights.as_ref()).unwrap();
    let adapt = Adapt {
        aux_heads: AuxHeads::Dropped,
        ..Adapt::default()
    };
    let model = burn_zoo::load_adapted(architecture, &checkpoint, adapt, &device).unwrap();
    let shape = [batch, model.input().channels, height, width];
    let images = Tensor::<4>::ones(shape, &device) * 0.5;

    let start = Instant::now();
    let plan = (kind == "engine").then(|| model.compile(shape).unwrap().strict().unwrap());
    let run = || {
        let logits = match &plan {
            Some(plan) => plan.run(images.clone()).unwrap(),
            None => model.forward(images.clone()),
        };
        logits.into_data()
    };
    println!("ready {:.1}", 1e3 * start.elapsed().as_secs_f64());
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        let logits = run();
        let milliseconds = 1e3 * start.elapsed().as_secs_f64();
        println!(
            "{milliseconds:.3} {:.5}",
            logits.iter::<f32>().next().unwrap()
        );
    }
}
