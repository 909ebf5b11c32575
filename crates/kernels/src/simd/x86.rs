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
    fn transpose(rows: &mut [Self; LANES]) {
        // Within each quarter of a register 4x4 numbers, then whole quarters.
        let mut quarters = [rows[0].0; LANES];
        for i in (0..LANES).step_by(4) {
            let (a, b, c, d) = (rows[i].0, rows[i + 1].0, rows[i + 2].0, rows[i + 3].0);
            unsafe {
                let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
                quarters[i] = _mm512_shuffle_ps::<0b01_00_01_00>(ab, cd);
                quarters[i + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(ab, cd);
                let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
                quarters[i + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(ab, cd);
                quarters[i + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(ab, cd);
            }
        }
        for i in 0..4 {
            let (a, b) = (quarters[i], quarters[4 + i]);
            let (c, d) = (quarters[8 + i], quarters[12 + i]);
            unsafe {
                // Quarters 0 and 2, then 1 and 3, of two registers.
                let (ab, cd) = (
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b),
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d),
                );
                rows[i].0 = _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd);
                rows[8 + i].0 = _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd);
                let (ab, cd) = (
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b),
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d),
                );
                rows[4 + i].0 = _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd);
                rows[12 + i].0 = _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd);
            }
        }
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
        let (a, b) = (self.0, other.0);
        Self(unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self(unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self(unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // The instruction returns its second operand if either is NaN.
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        unsafe {
            let nan0 = _mm256_cmp_ps::<_CMP_UNORD_Q>(a0, a0);
            let nan1 = _mm256_cmp_ps::<_CMP_UNORD_Q>(a1, a1);
            Self([
                _mm256_blendv_ps(_mm256_max_ps(a0, b0), a0, nan0),
                _mm256_blendv_ps(_mm256_max_ps(a1, b1), a1, nan1),
            ])
        }
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // As in `max`: NaN is the second operand, which is returned.
        let [a, b] = self.0;
        unsafe {
            let zero = _mm256_setzero_ps();
            Self([_mm256_max_ps(zero, a), _mm256_max_ps(zero, b)])
        }
    }

    #[inline(always)]
    fn transpose(rows: &mut [Self; LANES]) {
        let from = *rows;
        for i in 0..2 {
            for j in 0..2 {
                let mut part = [from[0].0[0]; 8];
                for (k, it) in part.iter_mut().enumerate() {
                    *it = from[8 * i + k].0[j];
                }
                for (k, column) in transpose_8(part).into_iter().enumerate() {
                    rows[8 * j + k].0[i] = column;
                }
            }
        }
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

/// Eight rows to eight columns: within each half of a register 4x4 numbers, then halves.
#[inline(always)]
fn transpose_8(rows: [__m256; 8]) -> [__m256; 8] {
    let mut halves = rows;
    for i in [0, 4] {
        let [a, b, c, d] = [rows[i], rows[i + 1], rows[i + 2], rows[i + 3]];
        unsafe {
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            halves[i] = _mm256_shuffle_ps::<0b01_00_01_00>(ab, cd);
            halves[i + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(ab, cd);
            let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            halves[i + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(ab, cd);
            halves[i + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(ab, cd);
        }
    }
    let mut columns = halves;
    for i in 0..4 {
        unsafe {
            columns[i] = _mm256_permute2f128_ps::<0x20>(halves[i], halves[4 + i]);
            columns[4 + i] = _mm256_permute2f128_ps::<0x31>(halves[i], halves[4 + i]);
        }
    }
    columns
}
