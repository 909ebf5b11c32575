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

/// The block from number `start` on.
#[inline(always)]
pub(crate) fn block(data: &[f32], start: usize) -> &[f32; LANES] {
    data[start..]
        .first_chunk()
        .expect("blocks lie inside the data")
}
