//! Times the convolutions of published networks against the machine's multiply-add peak.
//!
//! `cargo run --release -p burn-zoo-kernels --example layers -- [NETWORK] [BATCH] [THREADS] [ISA] [warm|chain]`
//!
//! Each layer is timed by every algorithm that can compute it, in turn, over some rounds; printed are
//! the least and the median time of each, and the median of the percentages of the peak (of the plain
//! formula's multiplications, so that Winograd may exceed 100 %), which is measured before and after
//! each run: a machine that others use has another peak every millisecond. `chosen` marks what `Algorithm::choose` says.
//! On one thread under Linux it is the thread's processor time, which other programs disturb less.
//! 64 MB of memory are touched between two runs, since in a network the layers in between empty the caches;
//! with `warm` they are not. With `chain` all layers run one after another, each as often as in the
//! network with weights of its own, and the time of it all is printed: nearest to a network.
#![allow(clippy::print_stdout, reason = "an example")]
#![allow(clippy::unwrap_used, reason = "an example")]

mod shared;

use burn_zoo_kernels::{
    Activation, Algorithm, Buffer, Conv2dSpec, ConvWeights, Dims, Epilogue, Isa, PackedConv, View,
    ViewMut, awake,
};
use shared::{Layer, layers, now, peak, spec_and_dims};
use std::time::Instant;

/// Runs of each layer.
const ROUNDS: usize = 25;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let get = |i: usize, default: &str| arguments.get(i).map_or(default.to_owned(), Clone::clone);
    let network = get(0, "resnet50");
    let layers = layers(&network);
    let batch: usize = get(1, "1").parse().unwrap();
    let threads: usize = get(2, "1").parse().unwrap();
    let isa = Isa::ALL
        .into_iter()
        .find(|isa| isa.to_string() == get(3, &Isa::detect().to_string()))
        .unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap()
        .install(|| time(&network, layers, batch, threads, isa, &get(4, "")));
}

/// One layer, ready to run.
struct Ready {
    conv: PackedConv,
    dims: Dims,
    to: Dims,
    scratch: Buffer,
    seconds: Vec<f64>,
    percent: Vec<f64>,
    packing: f64,
}

impl Ready {
    fn new(spec: Conv2dSpec, dims: Dims, algorithm: Algorithm, isa: Isa, threads: usize) -> Self {
        let weight: Vec<_> = (0..spec.weights())
            .map(|i| (i % 17) as f32 * 0.01 - 0.08)
            .collect();
        let weights = ConvWeights {
            weight: &weight,
            bias: None,
            scale: 1.0,
        };
        let start = Instant::now();
        let conv = PackedConv::new(isa, spec, weights, algorithm);
        let packing = start.elapsed().as_secs_f64();
        Self {
            scratch: Buffer::zeros(conv.scratch_len(dims, threads)),
            to: spec.output_dims(dims),
            conv,
            dims,
            seconds: Vec::new(),
            percent: Vec::new(),
            packing,
        }
    }

    fn run(&mut self, input: &[f32], output: &mut [f32], threads: usize) {
        let output = &mut output[..self.to.blocked_len()];
        let outputs = &mut [ViewMut::new(output, self.to)];
        let epilogue = Epilogue {
            residual: None,
            activation: Activation::Relu,
        };
        let before = peak(self.conv.isa(), 3);
        let start = now(threads);
        if self.conv.algorithm() == Algorithm::Planar {
            let input = &input[..self.dims.plain_len()];
            self.conv
                .run_planar(input, self.dims, outputs, epilogue, &mut self.scratch);
        } else {
            let input = View::new(&input[..self.dims.blocked_len()], self.dims);
            self.conv.run(input, outputs, epilogue, &mut self.scratch);
        }
        let seconds = now(threads) - start;
        let peak = (before + peak(self.conv.isa(), 3)) / 2.0 * threads as f64;
        self.seconds.push(seconds);
        self.percent.push(self.gflop() / seconds / peak * 100.0);
    }

    /// Billions of operations of the plain formula.
    fn gflop(&self) -> f64 {
        2e-9 * (self.conv.spec().multiplications(self.dims) * self.dims.batch) as f64
    }
}

/// The least and the median.
fn least_and_median(numbers: &mut [f64]) -> [f64; 2] {
    numbers.sort_by(f64::total_cmp);
    [numbers[0], numbers[numbers.len() / 2]]
}

fn chosen(spec: &Conv2dSpec, dims: Dims, threads: usize) -> Algorithm {
    if Algorithm::Planar.supports(spec) {
        Algorithm::Planar
    } else {
        Algorithm::choose(spec, dims, threads)
    }
}

/// Input and output for the largest layer.
fn activations(layers: &[Layer], batch: usize) -> [Buffer; 2] {
    let len = layers.iter().map(|layer| {
        let (spec, dims) = spec_and_dims(layer, batch);
        let to = spec.output_dims(dims);
        dims.blocked_len()
            .max(dims.plain_len())
            .max(to.blocked_len())
    });
    let len = len.max().unwrap();
    [0, 1].map(|_| {
        let mut buffer = Buffer::zeros(len);
        buffer
            .iter_mut()
            .enumerate()
            .for_each(|(i, it)| *it = (i % 13) as f32 * 0.1 - 0.6);
        buffer
    })
}

fn time(network: &str, layers: &[Layer], batch: usize, threads: usize, isa: Isa, mode: &str) {
    let peak = peak(isa, 2000) * threads as f64;
    println!("{network}, batch {batch}, {threads} threads, {isa}, peak {peak:.1} GFLOP/s");
    let [mut input, mut output] = activations(layers, batch);
    if mode == "chain" {
        for winograd in [false, true] {
            let mut ready: Vec<_> = layers
                .iter()
                .flat_map(|layer| std::iter::repeat_n(layer, layer.5))
                .map(|layer| {
                    let (spec, dims) = spec_and_dims(layer, batch);
                    let algorithm = match chosen(&spec, dims, threads) {
                        Algorithm::Winograd if !winograd => Algorithm::Direct,
                        other => other,
                    };
                    Ready::new(spec, dims, algorithm, isa, threads)
                })
                .collect();
            for _ in 0..ROUNDS {
                // As in a plan.
                awake(|| {
                    for layer in &mut ready {
                        layer.run(&input, &mut output, threads);
                        std::mem::swap(&mut input, &mut output);
                    }
                });
            }
            // Sums of rounds: time, and what it would be at the peak of that moment.
            let mut rounds = [0.0; ROUNDS];
            let mut percent = [0.0; ROUNDS];
            for i in 0..ROUNDS {
                rounds[i] = ready.iter().map(|it| it.seconds[i]).sum();
                let ideal = ready.iter().map(|it| it.seconds[i] * it.percent[i]);
                percent[i] = ideal.sum::<f64>() / rounds[i];
            }
            let [least, median] = least_and_median(&mut rounds);
            println!(
                "{}: {:.2} GFLOP, {:.2} ms least, {:.2} ms median, {:.0} % of peak, packed in {:.0} ms",
                if winograd {
                    "as chosen"
                } else {
                    "without winograd"
                },
                ready.iter().map(Ready::gflop).sum::<f64>(),
                least * 1e3,
                median * 1e3,
                least_and_median(&mut percent)[1],
                ready.iter().map(|it| it.packing).sum::<f64>() * 1e3,
            );
        }
        return;
    }
    println!("| layer | GFLOP | algorithm | ms least | ms median | % of peak |");
    println!("|---|---|---|---|---|---|");
    let mut other = vec![1.0f32; if mode == "warm" { 0 } else { 16 << 20 }];
    for layer in layers {
        let (inputs, outputs, [height, width], stride, size, times) = *layer;
        let (spec, dims) = spec_and_dims(layer, batch);
        let chosen = chosen(&spec, dims, threads);
        let algorithms = Algorithm::ALL.into_iter().filter(|it| {
            it.supports(&spec)
                && (*it == Algorithm::Planar) == (chosen == Algorithm::Planar)
                && !(*it == Algorithm::Direct && Algorithm::Pointwise.supports(&spec))
        });
        let mut runs: Vec<_> = algorithms
            .map(|algorithm| Ready::new(spec, dims, algorithm, isa, threads))
            .collect();
        for _ in 0..ROUNDS {
            for run in &mut runs {
                other.iter_mut().for_each(|it| *it += 1.0);
                run.run(&input, &mut output, threads);
            }
        }
        for run in &mut runs {
            let [least, median] = least_and_median(&mut run.seconds);
            let percent = least_and_median(&mut run.percent)[1];
            let mut name = run.conv.algorithm().to_string();
            if run.conv.algorithm() == chosen {
                name += " (chosen)";
            }
            println!(
                "| {times} x {inputs}->{outputs} {height}x{width}/{stride} {size} | {:.3} | {name} \
                 | {:.3} | {:.3} | {percent:.0} |",
                run.gflop(),
                least * 1e3,
                median * 1e3,
            );
        }
    }
}
