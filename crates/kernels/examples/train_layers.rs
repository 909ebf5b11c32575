//! Times the convolutions of a training step of published networks: output and both gradients.
//!
//! `cargo run --release -p burn-zoo-kernels --example train_layers -- [NETWORK] [BATCH] [THREADS] [ISA] [exact]`
//!
//! Printed are the least of some rounds for each layer, with the percentage of the machine's multiply-add
//! peak (of the plain formula's multiplications), and the sum over the network. On one thread under
//! Linux it is the thread's processor time.
#![allow(clippy::print_stdout, reason = "an example")]
#![allow(clippy::unwrap_used, reason = "an example")]

mod shared;

use burn_zoo_kernels::{Isa, TrainConv};
use shared::{Layer, layers, now, peak, spec_and_dims};

/// Runs of each layer.
const ROUNDS: usize = 7;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let get = |i: usize, default: &str| arguments.get(i).map_or(default.to_owned(), Clone::clone);
    let network = get(0, "resnet18_cifar_stem");
    let batch: usize = get(1, "32").parse().unwrap();
    let threads: usize = get(2, "1").parse().unwrap();
    let isa = Isa::ALL
        .into_iter()
        .find(|isa| isa.to_string() == get(3, &Isa::detect().to_string()))
        .unwrap();
    let exact = get(4, "") == "exact";
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(|| {
        let peak = peak(isa, 2000) * threads as f64;
        println!("{network}, batch {batch}, {threads} threads, {isa}, exact {exact}, peak {peak:.1} GFLOP/s");
        println!("| layer | GFLOP | output ms | % | input gradient ms | % | weight gradient ms | % |");
        println!("|---|---|---|---|---|---|---|---|");
        let mut sums = [0.0; 3];
        for layer in layers(&network) {
            let (gflop, seconds) = time(layer, batch, threads, isa, exact);
            let (inputs, outputs, [height, width], stride, size, times) = layer;
            print!("| {times} x {inputs}->{outputs} {height}x{width}/{stride} {size} | {gflop:.3} |");
            for (seconds, sum) in seconds.into_iter().zip(&mut sums) {
                *sum += seconds * *times as f64 * 1e3;
                print!(" {:.2} | {:.0} |", seconds * 1e3, gflop / seconds / peak * 100.0);
            }
            println!();
        }
        let [output, input, weight] = sums;
        println!(
            "all: output {output:.1} ms, input gradient {input:.1} ms, weight gradient {weight:.1} ms, together {:.1} ms",
            output + input + weight
        );
    });
}

/// Billions of operations of one of the three, and the least seconds of each.
fn time(layer: &Layer, batch: usize, threads: usize, isa: Isa, exact: bool) -> (f64, [f64; 3]) {
    let (spec, dims) = spec_and_dims(layer, batch);
    let conv = TrainConv::new(isa, spec, dims, exact).unwrap();
    let numbers = |len: usize| {
        (0..len)
            .map(|i| (i % 17) as f32 * 0.01 - 0.08)
            .collect::<Vec<_>>()
    };
    let (input, weight) = (numbers(dims.plain_len()), numbers(spec.weights()));
    let gradient = numbers(conv.output().plain_len());
    let mut least = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        let parts: [&dyn Fn() -> Vec<f32>; 3] = [
            &|| conv.forward(&input, &weight, None),
            &|| conv.input_gradient(&gradient, &weight),
            &|| conv.weight_gradient(&input, &gradient),
        ];
        for (part, least) in parts.into_iter().zip(&mut least) {
            let start = now(threads);
            std::hint::black_box(part());
            *least = least.min(now(threads) - start);
        }
    }
    let gflop = 2e-9 * (spec.multiplications(dims) * batch) as f64;
    (gflop, least)
}
