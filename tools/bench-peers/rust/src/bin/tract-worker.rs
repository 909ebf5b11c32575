//! One side of `bench.py`: tract runs a network once per line of standard input, on one thread, and
//! answers with the milliseconds that it took and the first logit.
//!
//! `tract-worker FILE.onnx BATCH HEIGHT WIDTH`; its first line is `ready MILLISECONDS`, the time of
//! loading and optimising.

use std::io::BufRead as _;
use std::time::Instant;

use tract_onnx::prelude::*;

fn main() -> TractResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, sizes @ ..] = &arguments[..] else {
        panic!("tract-worker FILE.onnx BATCH HEIGHT WIDTH");
    };
    let [batch, height, width] = [0, 1, 2].map(|i: usize| sizes[i].parse::<usize>().expect("a size"));
    let shape = [batch, 3, height, width];
    let start = Instant::now();
    let plan = tract_onnx::onnx()
        .model_for_path(file)?
        .with_input_fact(0, f32::fact(shape).into())?
        .into_optimized()?
        .into_runnable()?;
    println!("ready {:.1}", 1e3 * start.elapsed().as_secs_f64());
    let images = tract_ndarray::Array4::from_elem(shape, 0.5f32).into_tensor();
    for _ in std::io::stdin().lock().lines() {
        let start = Instant::now();
        let outputs = plan.run(tvec!(images.clone().into()))?;
        let milliseconds = 1e3 * start.elapsed().as_secs_f64();
        let logits = outputs[0].to_plain_array_view::<f32>()?;
        println!("{milliseconds:.3} {:.5}", logits.iter().next().expect("a logit"));
    }
    Ok(())
}
