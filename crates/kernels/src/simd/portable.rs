#![allow(unsafe_code, reason = "the tile")]

use super::Lanes;
use crate::LANES;
use crate::tile::{self, Tile};

/// An array, which the compiler may put into whatever registers the target has.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Lanes for Portable {
    const PIXELS: usize = 2;
    const BLOCKS: usize = 1;

    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // `f32::mul_add` is a function call where the target has no such instruction.
        Self(std::array::from_fn(|i| {
            self.0[i] * factor.0[i] + addend.0[i]
        }))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b || a.is_nan() { a } else { b })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        Self(self.0.map(|x| if x < 0.0 { 0.0 } else { x }))
    }

    #[inline(always)]
    fn transpose(rows: &mut [Self; LANES]) {
        let from = *rows;
        for (i, row) in rows.iter_mut().enumerate() {
            for (number, from) in row.0.iter_mut().zip(&from) {
                *number = from.0[i];
            }
        }
    }

    #[inline(never)]
    unsafe fn sum(tile: &Tile) {
        // SAFETY: the caller's.
        unsafe { tile::sum::<Self>(tile) }
    }
}
