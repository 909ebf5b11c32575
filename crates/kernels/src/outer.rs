//! The inner loop of the gradients: a tile of sums of outer products, in registers.
#![allow(
    unsafe_code,
    reason = "the checks of a slice would cost as much as the sums"
)]

use crate::simd::{Kernel, Lanes};
use crate::tile::{MAX_BLOCKS, MAX_PIXELS};
use crate::{Isa, LANES};

/// Where a run of terms begins, counted from the pointers of [`Outer`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// For each of `rows` rows and `width` blocks of 16 columns, the sum over all runs, over `len` terms
/// of each, of `left[row][run.left + i * left_step] * right[run.right + i * right_step][block]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outer<'a> {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) runs: &'a [Run],
    pub(crate) len: usize,
    pub(crate) left: [*const f32; MAX_PIXELS],
    pub(crate) left_step: usize,
    pub(crate) right: *const f32,
    pub(crate) right_step: usize,
    /// Numbers from one block of columns to the next.
    pub(crate) right_block: usize,
    pub(crate) out: *mut f32,
    /// Numbers from one row of sums to the next, and from one block of columns to the next.
    pub(crate) out_row: usize,
    pub(crate) out_block: usize,
    /// Adds to what `out` holds.
    pub(crate) add: bool,
}

impl Outer<'_> {
    /// Computes and stores the sums.
    ///
    /// # Safety
    ///
    /// All that it names is readable (`out`: and writable, by no other thread), and `rows` and `width`
    /// are from 1 to those of [`Isa::tile`].
    pub(crate) unsafe fn run(self, isa: Isa) {
        isa.run(Call(self));
    }
}

/// Made by [`Outer::run`] alone, whose caller promised what the pointers need.
struct Call<'a>(Outer<'a>);

impl Kernel for Call<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        // SAFETY: promised to `Outer::run`.
        unsafe {
            match self.0.width {
                1 => of_width::<L, 1>(&self.0),
                2 if L::BLOCKS >= 2 => of_width::<L, 2>(&self.0),
                3 if L::BLOCKS >= 3 => of_width::<L, 3>(&self.0),
                _ if L::BLOCKS >= 4 => of_width::<L, 4>(&self.0),
                _ => unreachable!("a tile is at most as wide as the registers allow"),
            }
        }
    }
}

#[inline(always)]
unsafe fn of_width<L: Lanes, const WIDTH: usize>(outer: &Outer<'_>) {
    // SAFETY: passed on to the caller.
    unsafe {
        match outer.rows {
            1 => sum::<L, WIDTH, 1>(outer),
            2 => sum::<L, WIDTH, 2>(outer),
            3 if L::PIXELS >= 3 => sum::<L, WIDTH, 3>(outer),
            4 if L::PIXELS >= 4 => sum::<L, WIDTH, 4>(outer),
            5 if L::PIXELS >= 5 => sum::<L, WIDTH, 5>(outer),
            _ if L::PIXELS >= 6 => sum::<L, WIDTH, 6>(outer),
            _ => unreachable!("a tile has at most as many rows as the registers allow"),
        }
    }
}

#[inline(always)]
unsafe fn sum<L: Lanes, const WIDTH: usize, const ROWS: usize>(outer: &Outer<'_>) {
    // SAFETY (all of the function): the caller says that what `Outer` names is readable, and `out`
    // writable; the loops stay within the sizes that its fields give.
    unsafe {
        let mut sums = [[L::splat(0.0); WIDTH]; ROWS];
        if outer.add {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (block, sum) in sums.iter_mut().enumerate() {
                    let out = outer.out.add(row * outer.out_row + block * outer.out_block);
                    *sum = L::load(&*out.cast());
                }
            }
        }
        for run in outer.runs {
            let mut left = [outer.left[0]; ROWS];
            for (to, from) in left.iter_mut().zip(&outer.left) {
                *to = from.add(run.left);
            }
            let mut right = outer.right.add(run.right);
            let mut i = 0;
            for _ in 0..outer.len {
                let mut columns = [L::splat(0.0); WIDTH];
                for (block, column) in columns.iter_mut().enumerate() {
                    *column =
                        L::load(&*right.add(block * outer.right_block).cast::<[f32; LANES]>());
                }
                for (sums, left) in sums.iter_mut().zip(&left) {
                    let x = L::splat(*left.add(i));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = x.mul_add(column, *sum);
                    }
                }
                i += outer.left_step;
                right = right.wrapping_add(outer.right_step);
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (block, sum) in sums.into_iter().enumerate() {
                let out = outer.out.add(row * outer.out_row + block * outer.out_block);
                sum.store(&mut *out.cast());
            }
        }
    }
}

const _: () = assert!(MAX_BLOCKS == 4 && MAX_PIXELS == 6);
