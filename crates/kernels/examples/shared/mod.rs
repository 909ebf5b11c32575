//! What the timing examples share: the convolutions of published networks, a clock, the machine's peak.
#![allow(dead_code, reason = "each example uses a part")]

use burn_zoo_kernels::{Conv2dSpec, Dims, Isa, Padding};
use std::time::Instant;

/// `(in, out, kernel, stride, size of the input, times in the network)`; padding `kernel / 2`, but
/// none where the size of the input is odd and the stride two (Inception's reductions).
pub(crate) type Layer = (usize, usize, [usize; 2], usize, usize, usize);

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

/// ResNet-18 with the stem of the networks for CIFAR: a 3x3 convolution of stride 1, no pooling.
const RESNET18_CIFAR_STEM: &[Layer] = &[
    (3, 64, [3, 3], 1, 32, 1),
    (64, 64, [3, 3], 1, 32, 4),
    (64, 128, [3, 3], 2, 32, 1),
    (64, 128, [1, 1], 2, 32, 1),
    (128, 128, [3, 3], 1, 16, 3),
    (128, 256, [3, 3], 2, 16, 1),
    (128, 256, [1, 1], 2, 16, 1),
    (256, 256, [3, 3], 1, 8, 3),
    (256, 512, [3, 3], 2, 8, 1),
    (256, 512, [1, 1], 2, 8, 1),
    (512, 512, [3, 3], 1, 4, 3),
];

/// ResNet-20 for CIFAR (He et al. 2016, section 4.2).
const RESNET20_CIFAR: &[Layer] = &[
    (3, 16, [3, 3], 1, 32, 1),
    (16, 16, [3, 3], 1, 32, 6),
    (16, 32, [3, 3], 2, 32, 1),
    (32, 32, [3, 3], 1, 16, 5),
    (32, 64, [3, 3], 2, 16, 1),
    (64, 64, [3, 3], 1, 8, 5),
];

/// The layers of a network.
///
/// # Panics
///
/// If it has none here.
pub(crate) fn layers(network: &str) -> &'static [Layer] {
    match network {
        "resnet18" => RESNET18,
        "resnet18_cifar_stem" => RESNET18_CIFAR_STEM,
        "resnet20_cifar" => RESNET20_CIFAR,
        "resnet50" => RESNET50,
        "googlenet" => GOOGLENET,
        "inception_v3" => INCEPTION_V3,
        other => panic!("no layers of {other}"),
    }
}

/// A layer's convolution, and its input.
pub(crate) fn spec_and_dims(
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

/// Seconds from some moment on.
pub(crate) fn now(threads: usize) -> f64 {
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
pub(crate) fn peak(isa: Isa, tries: usize) -> f64 {
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
