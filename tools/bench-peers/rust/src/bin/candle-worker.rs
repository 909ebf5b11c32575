//! One side of `bench.py`: candle runs a network once per line of standard input and answers with the
//! milliseconds that it took and the first logit.
//!
//! `candle-worker MODEL FILE.pth BATCH HEIGHT WIDTH`, with the ResNets that candle-transformers has; its
//! first line is `ready MILLISECONDS`, the time of loading.

use std::io::BufRead as _;
use std::time::Instant;

use candle_core::{DType, Device, Module as _, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::resnet;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, file, sizes @ ..] = &arguments[..] else {
        panic!("candle-worker MODEL FILE.pth BATCH HEIGHT WIDTH");
    };
    let [batch, height, width] = [0, 1, 2].map(|i: usize| sizes[i].parse::<usize>().expect("a size"));
    let start = Instant::now();
    let weights = VarBuilder::from_pth(file, DType::F32, &Device::Cpu)?;
    let network = match model.as_str() {
        "resnet18" => resnet::resnet18(1000, weights)?,
        "resnet50" => resnet::resnet50(1000, weights)?,
        other => panic!("candle-transformers has no {other}"),
    };
    println!("ready {:.1}", 1e3 * start.elapsed().as_secs_f64());
    let images = Tensor::full(0.5f32, (batch, 3, height, width), &Device::Cpu)?;
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        let logits = network.forward(&images)?;
        let milliseconds = 1e3 * start.elapsed().as_secs_f64();
        let first = logits.flatten_all()?.get(0)?.to_scalar::<f32>()?;
        println!("{milliseconds:.3} {first:.5}");
    }
    Ok(())
}
