// A value of this type exists only inside `run_neon`, whose caller checked the instruction set: that
// is the reason of every block below that has no other one.
#![allow(unsafe_code, reason = "intrinsics")]

use super::{Kernel, Lanes};
use crate::LANES;
use crate::tile::{self, Tile};
use std::arch::aarch64::*;

/// # Safety
///
/// The machine has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn run_neon(kernel: impl Kernel) {
    kernel.run::<Neon>();
}

/// # Safety
///
/// The machine has NEON; and as [`tile::sum`].
#[target_feature(enable = "neon")]
unsafe fn sum_neon(tile: &Tile) {
    // SAFETY: the caller's.
    unsafe { tile::sum::<Neon>(tile) }
}

#[derive(Clone, Copy)]
pub(super) struct Neon([float32x4_t; 4]);

impl Neon {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Lanes for Neon {
    // 24 sums, 4 weights and the input value in 32 registers.
    const PIXELS: usize = 6;
    const BLOCKS: usize = 1;

    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: 16 numbers are four times 128 bits.
        Self(std::array::from_fn(|i| unsafe {
            vld1q_f32(from.as_ptr().add(4 * i))
        }))
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        for (i, part) in self.0.into_iter().enumerate() {
            // SAFETY: as `load`.
            unsafe { vst1q_f32(to.as_mut_ptr().add(4 * i), part) }
        }
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([unsafe { vdupq_n_f32(x) }; 4])
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|i| unsafe {
            vfmaq_f32(addend.0[i], self.0[i], factor.0[i])
        }))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| unsafe { vaddq_f32(a, b) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| unsafe { vsubq_f32(a, b) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| unsafe { vmulq_f32(a, b) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // Returns NaN if either is.
        self.zip(other, |a, b| unsafe { vmaxq_f32(a, b) })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        self.zip(self, |a, _| unsafe { vmaxq_f32(a, vdupq_n_f32(0.0)) })
    }

    #[inline(always)]
    fn transpose(rows: &mut [Self; LANES]) {
        let from = *rows;
        for i in 0..4 {
            for j in 0..4 {
                let mut part = [from[4 * i].0[j]; 4];
                for (k, it) in part.iter_mut().enumerate() {
                    *it = from[4 * i + k].0[j];
                }
                for (k, column) in transpose_4(part).into_iter().enumerate() {
                    rows[4 * j + k].0[i] = column;
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn sum(tile: &Tile) {
        // SAFETY: the caller's; the instruction set is there, as this type is.
        unsafe { sum_neon(tile) }
    }
}

/// Four rows to four columns: pairs of numbers, then pairs of pairs.
#[inline(always)]
fn transpose_4([a, b, c, d]: [float32x4_t; 4]) -> [float32x4_t; 4] {
    unsafe {
        let low = [
            vreinterpretq_f64_f32(vtrn1q_f32(a, b)),
            vreinterpretq_f64_f32(vtrn1q_f32(c, d)),
        ];
        let high = [
            vreinterpretq_f64_f32(vtrn2q_f32(a, b)),
            vreinterpretq_f64_f32(vtrn2q_f32(c, d)),
        ];
        [
            vreinterpretq_f32_f64(vtrn1q_f64(low[0], low[1])),
            vreinterpretq_f32_f64(vtrn1q_f64(high[0], high[1])),
            vreinterpretq_f32_f64(vtrn2q_f64(low[0], low[1])),
            vreinterpretq_f32_f64(vtrn2q_f64(high[0], high[1])),
        ]
    }
}
