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

use burn_zoo_kernels::{
    Activation, Algorithm, Buffer, Conv2dSpec, ConvWeights, Dims, Epilogue, Isa, PackedConv,
    Padding, View, ViewMut,
};
use std::time::Instant;

/// `(in, out, kernel, stride, size of the input, times in the network)`; padding `kernel / 2`, but
/// none where the size of the input is odd and the stride two (Inception's reductions).
type Layer = (usize, usize, [usize; 2], usize, usize, usize);

/// He et al. 2016 (arXiv:1512.03385), table 1.
const RESNET18: &[Layer] = &[
    (3, 64, [7, 7], 2, 224, 1),
    (64, 64, [3, 3], 1, 56, 4),
    (64, 128, [3, 3], 2, 56, 1),
    (64, 128, [1, 1], 2, 56, 1),
    (128, 128, [3, 3], 1, 28, 3),
    (128, 256, [3, 3], 2, 28, 1),
    (128, 256, [1, 1], 2, 28, 1),
    (256, 256, [3, 3], 1, 14, 3),
    (256, 512, [3, 3], 2, 14, 1),
    (256, 512, [1, 1], 2, 14, 1),
    (512, 512, [3, 3], 1, 7, 3),
];

/// The same table; the stride is in the 3x3 convolution.
const RESNET50: &[Layer] = &[
    (3, 64, [7, 7], 2, 224, 1),
    (64, 64, [1, 1], 1, 56, 1),
    (64, 64, [3, 3], 1, 56, 3),
    (64, 256, [1, 1], 1, 56, 4),
    (256, 64, [1, 1], 1, 56, 2),
    (256, 128, [1, 1], 1, 56, 1),
    (128, 128, [3, 3], 2, 56, 1),
    (128, 512, [1, 1], 1, 28, 4),
    (256, 512, [1, 1], 2, 56, 1),
    (512, 128, [1, 1], 1, 28, 3),
    (128, 128, [3, 3], 1, 28, 3),
    (512, 256, [1, 1], 1, 28, 1),
    (256, 256, [3, 3], 2, 28, 1),
    (256, 1024, [1, 1], 1, 14, 6),
    (512, 1024, [1, 1], 2, 28, 1),
    (1024, 256, [1, 1], 1, 14, 5),
    (256, 256, [3, 3], 1, 14, 5),
    (1024, 512, [1, 1], 1, 14, 1),
    (512, 512, [3, 3], 2, 14, 1),
    (512, 2048, [1, 1], 1, 7, 3),
    (1024, 2048, [1, 1], 2, 14, 1),
    (2048, 512, [1, 1], 1, 7, 2),
    (512, 512, [3, 3], 1, 7, 2),
];

/// Szegedy et al. 2015 (arXiv:1409.4842), table 1: the stem, and modules 3a, 4a, 4e and 5b; 5x5
/// branches as in the paper.
const GOOGLENET: &[Layer] = &[
    (3, 64, [7, 7], 2, 224, 1),
    (64, 64, [1, 1], 1, 56, 1),
    (64, 192, [3, 3], 1, 56, 1),
    (192, 64, [1, 1], 1, 28, 1),
    (192, 96, [1, 1], 1, 28, 1),
    (96, 128, [3, 3], 1, 28, 1),
    (192, 16, [1, 1], 1, 28, 1),
    (16, 32, [5, 5], 1, 28, 1),
    (192, 32, [1, 1], 1, 28, 1),
    (480, 192, [1, 1], 1, 14, 1),
    (96, 208, [3, 3], 1, 14, 1),
    (16, 48, [5, 5], 1, 14, 1),
    (528, 256, [1, 1], 1, 14, 1),
    (160, 320, [3, 3], 1, 14, 1),
    (32, 128, [5, 5], 1, 14, 1),
    (832, 256, [1, 1], 1, 7, 1),
    (160, 320, [3, 3], 1, 7, 1),
    (32, 128, [5, 5], 1, 7, 1),
];

/// Szegedy et al. 2016 (arXiv:1512.00567), table 1 and figures 5 to 7.
const INCEPTION_V3: &[Layer] = &[
    (3, 32, [3, 3], 2, 299, 1),
    (32, 64, [3, 3], 1, 147, 1),
    (64, 80, [1, 1], 1, 73, 1),
    (80, 192, [3, 3], 1, 73, 1),
    (192, 64, [1, 1], 1, 35, 2),
    (48, 64, [5, 5], 1, 35, 3),
    (64, 96, [3, 3], 1, 35, 4),
    (96, 96, [3, 3], 1, 35, 3),
    (288, 384, [3, 3], 2, 35, 1),
    (96, 96, [3, 3], 2, 35, 1),
    (768, 192, [1, 1], 1, 17, 12),
    (128, 128, [1, 7], 1, 17, 2),
    (128, 192, [7, 1], 1, 17, 2),
    (160, 160, [7, 1], 1, 17, 4),
    (192, 192, [1, 7], 1, 17, 4),
    (192, 320, [3, 3], 2, 17, 1),
    (1280, 320, [1, 1], 1, 8, 1),
    (1280, 448, [1, 1], 1, 8, 1),
    (384, 384, [1, 3], 1, 8, 4),
    (448, 384, [3, 3], 1, 8, 2),
    (2048, 384, [1, 1], 1, 8, 2),
];

/// Runs of each layer.
const ROUNDS: usize = 25;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let get = |i: usize, default: &str| arguments.get(i).map_or(default.to_owned(), Clone::clone);
    let network = get(0, "resnet50");
    let layers = match &*network {
        "resnet18" => RESNET18,
        "resnet50" => RESNET50,
        "googlenet" => GOOGLENET,
        "inception_v3" => INCEPTION_V3,
        other => panic!("no layers of {other}"),
    };
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

fn spec_and_dims(
    &(inputs, outputs, kernel, stride, size, _): &Layer,
    batch: usize,
) -> (Conv2dSpec, Dims) {
    let padding = if stride == 2 && size % 2 == 1 {
        [0, 0]
    } else {
        kernel.map(|it| it / 2)
    };
    let spec = Conv2dSpec {
        channels: [inputs, outputs],
        kernel,
        stride: [stride; 2],
        padding: Padding::symmetric(padding),
        groups: 1,
    };
    (spec, Dims::new([batch, inputs, size, size]))
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
                for layer in &mut ready {
                    layer.run(&input, &mut output, threads);
                    std::mem::swap(&mut input, &mut output);
                }
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

/// Seconds from some moment on.
fn now(threads: usize) -> f64 {
    #[cfg(target_os = "linux")]
    if threads == 1 {
        return thread_time();
    }
    let _ = threads;
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64()
}

/// Processor time of this thread in seconds.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the standard library has no such clock")]
fn thread_time() -> f64 {
    #[repr(C)]
    struct Time {
        seconds: std::ffi::c_long,
        nanoseconds: std::ffi::c_long,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    /// `CLOCK_THREAD_CPUTIME_ID` of Linux.
    const THREAD: i32 = 3;
    let mut time = Time {
        seconds: 0,
        nanoseconds: 0,
    };
    // SAFETY: the function of POSIX, whose argument is this struct on 64-bit Linux.
    unsafe { clock_gettime(THREAD, &raw mut time) };
    time.seconds as f64 + time.nanoseconds as f64 * 1e-9
}

/// Multiply-adds of one thread on registers alone, in GFLOP/s, the best of some tries of 8 us: twelve sums of
/// 256 bits, or 128 bits where the set has no more.
#[allow(unsafe_code, reason = "intrinsics")]
fn peak(isa: Isa, tries: usize) -> f64 {
    let mut best = 0.0f64;
    for _ in 0..tries {
        let start = Instant::now();
        let flops = match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the caller's sets are those of the machine.
            Isa::Avx512 => unsafe { peak_avx512() },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { peak_avx2() },
            _ => peak_portable(),
        };
        best = best.max(f64::from(flops) / start.elapsed().as_secs_f64());
    }
    best / 1e9
}

const STEPS: u32 = 4096;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "intrinsics")]
#[target_feature(enable = "avx512f")]
unsafe fn peak_avx512() -> u32 {
    use std::arch::x86_64::*;
    let one = std::hint::black_box(_mm512_set1_ps(1.0));
    // Not the same to the compiler, which would compute them once.
    let mut sums = [one; 12].map(std::hint::black_box);
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, one, one);
        }
    }
    std::hint::black_box(sums);
    STEPS * 12 * 16 * 2
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "intrinsics")]
#[target_feature(enable = "avx2,fma")]
unsafe fn peak_avx2() -> u32 {
    use std::arch::x86_64::*;
    let one = std::hint::black_box(_mm256_set1_ps(1.0));
    // Not the same to the compiler, which would compute them once.
    let mut sums = [one; 12].map(std::hint::black_box);
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, one, one);
        }
    }
    std::hint::black_box(sums);
    STEPS * 12 * 8 * 2
}

fn peak_portable() -> u32 {
    let one = std::hint::black_box([1.0f32; 4]);
    // Not the same to the compiler, which would compute them once.
    let mut sums = [one; 12].map(std::hint::black_box);
    for _ in 0..STEPS {
        for sum in &mut sums {
            for (sum, one) in sum.iter_mut().zip(one) {
                *sum = *sum * one + one;
            }
        }
    }
    std::hint::black_box(sums);
    STEPS * 12 * 4 * 2
}
