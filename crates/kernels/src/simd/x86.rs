// A value of these types exists only inside `run_avx2` and `run_avx512`, whose callers checked the
// instruction set: that is the reason of every block below that has no other one.
#![allow(unsafe_code, reason = "intrinsics")]

use super::{Kernel, Lanes};
use crate::LANES;
use crate::tile::{self, Tile};
use std::arch::x86_64::*;

/// # Safety
///
/// The machine has AVX-512F.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run_avx512(kernel: impl Kernel) {
    kernel.run::<Avx512>();
}

/// # Safety
///
/// The machine has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2(kernel: impl Kernel) {
    kernel.run::<Avx2>();
}

/// # Safety
///
/// The machine has AVX-512F; and as [`tile::sum`].
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn sum_avx512(tile: &Tile) {
    // SAFETY: the caller's.
    unsafe { tile::sum::<Avx512>(tile) }
}

/// # Safety
///
/// The machine has AVX2 and FMA; and as [`tile::sum`].
#[target_feature(enable = "avx2,fma")]
unsafe fn sum_avx2(tile: &Tile) {
    // SAFETY: the caller's.
    unsafe { tile::sum::<Avx2>(tile) }
}

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

impl Lanes for Avx512 {
    // 24 sums, 4 weights and the input value in 32 registers.
    const PIXELS: usize = 6;
    const BLOCKS: usize = 4;

    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: 16 numbers are 512 bits; unaligned loads are fine.
        Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: as `load`.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // The instruction returns its second operand if either is NaN.
        unsafe {
            let max = _mm512_max_ps(self.0, other.0);
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0);
            Self(_mm512_mask_blend_ps(nan, max, self.0))
        }
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // As in `max`: NaN is the second operand, which is returned.
        Self(unsafe { _mm512_max_ps(_mm512_setzero_ps(), self.0) })
    }

    #[inline(always)]
    unsafe fn sum(tile: &Tile) {
        // SAFETY: the caller's; the instruction set is there, as this type is.
        unsafe { sum_avx512(tile) }
    }

    #[inline(always)]
    fn prefetch(address: *const f32) {
        // SAFETY: prefetching is defined for any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Avx2([__m256; 2]);

impl Avx2 {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(__m256, __m256) -> __m256) -> Self {
        Self([f(self.0[0], other.0[0]), f(self.0[1], other.0[1])])
    }
}

impl Lanes for Avx2 {
    // 12 sums, 2 weights and the input value in 16 registers.
    const PIXELS: usize = 6;
    const BLOCKS: usize = 1;

    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        let from = from.as_ptr();
        // SAFETY: 16 numbers are twice 256 bits; unaligned loads are fine.
        Self(unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        // SAFETY: as `load`.
        unsafe {
            _mm256_storeu_ps(to, self.0[0]);
            _mm256_storeu_ps(to.add(8), self.0[1]);
        }
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([unsafe { _mm256_set1_ps(x) }; 2])
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        let (a, b, c) = (self.0, factor.0, addend.0);
        Self(unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        })
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| unsafe { _mm256_add_ps(a, b) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| unsafe { _mm256_sub_ps(a, b) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| unsafe { _mm256_mul_ps(a, b) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // The instruction returns its second operand if either is NaN.
        self.zip(other, |a, b| unsafe {
            let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a);
            _mm256_blendv_ps(_mm256_max_ps(a, b), a, nan)
        })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // As in `max`: NaN is the second operand, which is returned.
        self.zip(self, |a, _| unsafe {
            _mm256_max_ps(_mm256_setzero_ps(), a)
        })
    }

    #[inline(always)]
    unsafe fn sum(tile: &Tile) {
        // SAFETY: the caller's; the instruction set is there, as this type is.
        unsafe { sum_avx2(tile) }
    }

    #[inline(always)]
    fn prefetch(address: *const f32) {
        // SAFETY: prefetching is defined for any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
