//! Sixteen numbers at a time, on each instruction set.
//!
//! A kernel is written once, over [`Lanes`]: it is a struct with its arguments, whose [`Kernel::run`]
//! is always inlined into a function that is compiled for the instruction set, as the functions that
//! it calls must be: no closures and no `map` where vectors pass through, since the compiler may leave
//! those as calls. Loops that are left to the compiler's own vectorisation gain in the same way.
#![allow(unsafe_code, reason = "calls into code for one instruction set")]

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::tile::Tile;
use crate::{Isa, LANES};

/// One block of channels of one pixel, in registers.
pub(crate) trait Lanes: Copy {
    /// Pixels of the register tile of a convolution.
    const PIXELS: usize;
    /// Blocks of output channels of the register tile: with `PIXELS`, what the registers hold.
    const BLOCKS: usize;

    fn load(from: &[f32; LANES]) -> Self;
    fn store(self, to: &mut [f32; LANES]);
    fn splat(x: f32) -> Self;
    /// `self * factor + addend`, rounded once where the instruction set can.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// The greater; NaN if either is.
    fn max(self, other: Self) -> Self;
    /// `max(self, 0)`; NaN stays NaN.
    fn relu(self) -> Self;

    /// Sixteen rows become the sixteen columns.
    fn transpose(rows: &mut [Self; LANES]);

    /// Begins to fetch a cache line, of any address, readable or not. A hint.
    #[inline(always)]
    fn prefetch(address: *const f32) {
        let _ = address;
    }

    /// [`tile::sum`](crate::tile::sum) as a function of its own: it is large, and called by several
    /// kernels.
    ///
    /// # Safety
    ///
    /// As there.
    unsafe fn sum(tile: &Tile);
}

/// The arguments of a kernel, and the kernel.
pub(crate) trait Kernel {
    /// Must be `#[inline(always)]`, and so must be what it calls.
    fn run<L: Lanes>(self);
}

impl Isa {
    /// Runs `kernel` compiled for this instruction set.
    ///
    /// # Panics
    ///
    /// If the machine lacks it.
    #[inline]
    pub(crate) fn run(self, kernel: impl Kernel) {
        assert!(self.is_available(), "this machine has no {self}");
        match self {
            // SAFETY (all arms): the machine has the instruction set, as was just asserted.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { x86::run_avx512(kernel) },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::run_avx2(kernel) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => unsafe { neon::run_neon(kernel) },
            _ => kernel.run::<portable::Portable>(),
        }
    }

    /// Pixels and blocks of output channels of its register tile.
    pub(crate) fn tile(self) -> [usize; 2] {
        fn of<L: Lanes>() -> [usize; 2] {
            [L::PIXELS, L::BLOCKS]
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => of::<x86::Avx512>(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => of::<x86::Avx2>(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => of::<neon::Neon>(),
            _ => of::<portable::Portable>(),
        }
    }
}

/// As many of the first 16 numbers as there are, then zeros.
#[inline(always)]
pub(crate) fn load_up_to<L: Lanes>(from: &[f32]) -> L {
    match from.first_chunk() {
        Some(block) => L::load(block),
        None => {
            let mut block = [0.0; LANES];
            block[..from.len()].copy_from_slice(from);
            L::load(&block)
        }
    }
}

/// The block from number `start` on.
#[inline(always)]
pub(crate) fn block(data: &[f32], start: usize) -> &[f32; LANES] {
    data[start..]
        .first_chunk()
        .expect("blocks lie inside the data")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Transpose<'a>(&'a mut [[f32; LANES]; LANES]);

    impl Kernel for Transpose<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self) {
            let mut rows = [L::splat(0.0); LANES];
            for (row, numbers) in rows.iter_mut().zip(&*self.0) {
                *row = L::load(numbers);
            }
            L::transpose(&mut rows);
            for (row, numbers) in rows.into_iter().zip(self.0) {
                row.store(numbers);
            }
        }
    }

    #[test]
    fn a_transpose_swaps_row_and_column() {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            let mut numbers = [[0.0; LANES]; LANES];
            for (i, row) in numbers.iter_mut().enumerate() {
                for (j, number) in row.iter_mut().enumerate() {
                    *number = (100 * i + j) as f32;
                }
            }
            isa.run(Transpose(&mut numbers));
            for (i, row) in numbers.iter().enumerate() {
                for (j, number) in row.iter().enumerate() {
                    assert_eq!(
                        *number,
                        (100 * j + i) as f32,
                        "row {i}, column {j} on {isa}"
                    );
                }
            }
        }
    }

    struct Start<'a>(&'a [f32], &'a mut [f32; LANES]);

    impl Kernel for Start<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self) {
            load_up_to::<L>(self.0).store(self.1);
        }
    }

    #[test]
    fn what_is_short_is_loaded_with_zeros_after_it() {
        let numbers: Vec<_> = (1..=20).map(|it| it as f32).collect();
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            for len in 0..=numbers.len() {
                let mut loaded = [f32::NAN; LANES];
                isa.run(Start(&numbers[..len], &mut loaded));
                for (i, number) in loaded.iter().enumerate() {
                    let expected = if i < len { numbers[i] } else { 0.0 };
                    assert_eq!(*number, expected, "number {i} of {len} on {isa}");
                }
            }
        }
    }
}
