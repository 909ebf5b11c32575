//! The inner loop of every convolution and matrix product here: a tile of sums in registers.
#![allow(
    unsafe_code,
    reason = "the checks of a slice would cost as much as the sums"
)]

use crate::LANES;
use crate::simd::Lanes;

/// Greatest [`Lanes::PIXELS`].
pub(crate) const MAX_PIXELS: usize = 6;
/// Greatest [`Lanes::BLOCKS`].
pub(crate) const MAX_BLOCKS: usize = 4;

/// Cache lines of later weights that are fetched with each block and tap.
const PREFETCH_LINES: usize = 2;
/// How many blocks ahead of its use input is fetched: it lies in another plane each time, which no
/// hardware foresees.
const PREFETCH_BLOCKS: usize = 2;

/// The offset of a pixel whose input lies in the padding: it reads zeros.
pub(crate) const OUTSIDE: u32 = u32::MAX;
/// The first offset of a tap at which all pixels of the tile read zeros: the tap is left out.
pub(crate) const ALL_OUTSIDE: u32 = u32::MAX - 1;

/// One tile: for each of `pixels` pixels and `width` blocks of 16 output channels, the sum over
/// `blocks` blocks of input, over `taps` taps, over `run` adjacent numbers, of
/// `input[block * block_stride + offsets[tap][pixel] + i] * weight[block][tap][i][channel]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile {
    pub(crate) pixels: usize,
    pub(crate) width: usize,
    pub(crate) blocks: usize,
    pub(crate) taps: usize,
    pub(crate) run: usize,
    pub(crate) input: *const f32,
    pub(crate) block_stride: usize,
    /// `[taps][pixels]`.
    pub(crate) offsets: *const u32,
    /// `run` zeros, read for [`OUTSIDE`].
    pub(crate) zeros: *const f32,
    /// `[blocks][taps][run][width * 16]`.
    pub(crate) weight: *const f32,
    /// `[width * 16]`, where each pixel's sums start; null: they start from what `out` holds, the sum
    /// over the input blocks before.
    pub(crate) bias: *const f32,
    /// For each block, `[pixels][16]` to add to the bias, or null.
    pub(crate) residual: [*const f32; MAX_BLOCKS],
    /// For each block, `[pixels][16]` that are stored.
    pub(crate) out: [*mut f32; MAX_BLOCKS],
    /// Stores `max(sum, 0)`.
    pub(crate) relu: bool,
    /// Weights that a later tile reads, and how many cache lines of them to fetch: they stream from
    /// far away, the other tiles of this panel leave the time for it.
    pub(crate) prefetch: *const f32,
    pub(crate) prefetch_lines: usize,
}

impl Tile {
    /// A tile that names nothing yet.
    pub(crate) const EMPTY: Self = Self {
        pixels: 0,
        width: 0,
        blocks: 0,
        taps: 0,
        run: 0,
        input: std::ptr::null(),
        block_stride: 0,
        offsets: std::ptr::null(),
        zeros: std::ptr::null(),
        weight: std::ptr::null(),
        bias: std::ptr::null(),
        residual: [std::ptr::null(); MAX_BLOCKS],
        out: [std::ptr::null_mut(); MAX_BLOCKS],
        relu: false,
        prefetch: std::ptr::null(),
        prefetch_lines: 0,
    };
}

/// Computes and stores the tile.
///
/// # Safety
///
/// All that [`Tile`] names is readable (`out`: and writable, by no other thread), and `pixels` and
/// `width` are from 1 to [`Lanes::PIXELS`] and [`Lanes::BLOCKS`].
#[inline(always)]
pub(crate) unsafe fn sum<L: Lanes>(tile: &Tile) {
    // SAFETY: passed on to the caller.
    unsafe {
        match tile.width {
            1 => sum_of_width::<L, 1>(tile),
            2 if L::BLOCKS >= 2 => sum_of_width::<L, 2>(tile),
            3 if L::BLOCKS >= 3 => sum_of_width::<L, 3>(tile),
            _ if L::BLOCKS >= 4 => sum_of_width::<L, 4>(tile),
            _ => unreachable!("a tile is at most as wide as the registers allow"),
        }
    }
}

#[inline(always)]
unsafe fn sum_of_width<L: Lanes, const WIDTH: usize>(tile: &Tile) {
    // SAFETY: passed on to the caller.
    unsafe {
        match tile.pixels {
            1 => sum_of::<L, WIDTH, 1>(tile),
            2 => sum_of::<L, WIDTH, 2>(tile),
            3 if L::PIXELS >= 3 => sum_of::<L, WIDTH, 3>(tile),
            4 if L::PIXELS >= 4 => sum_of::<L, WIDTH, 4>(tile),
            5 if L::PIXELS >= 5 => sum_of::<L, WIDTH, 5>(tile),
            _ if L::PIXELS >= 6 => sum_of::<L, WIDTH, 6>(tile),
            _ => unreachable!("a tile has at most as many pixels as the registers allow"),
        }
    }
}

#[inline(always)]
unsafe fn sum_of<L: Lanes, const WIDTH: usize, const PIXELS: usize>(tile: &Tile) {
    // SAFETY (all of the function): the caller says that what `Tile` names is readable, and `out`
    // writable; the loops stay within the sizes that its fields give.
    unsafe {
        let mut sums = [[L::splat(0.0); WIDTH]; PIXELS];
        for block in 0..WIDTH {
            let out = tile.out[block];
            if tile.bias.is_null() {
                for (pixel, sums) in sums.iter_mut().enumerate() {
                    sums[block] = load(out.add(pixel * LANES));
                }
                continue;
            }
            let bias: L = load(tile.bias.add(block * LANES));
            let residual = tile.residual[block];
            for (pixel, sums) in sums.iter_mut().enumerate() {
                sums[block] = if residual.is_null() {
                    bias
                } else {
                    bias.add(load(residual.add(pixel * LANES)))
                };
            }
        }
        let mut prefetch = tile.prefetch;
        let prefetch_end = prefetch.wrapping_add(tile.prefetch_lines * LANES);
        let mut weight = tile.weight;
        let mut input = tile.input;
        for _ in 0..tile.blocks {
            let mut offsets = tile.offsets;
            for _ in 0..tile.taps {
                if *offsets == ALL_OUTSIDE {
                    weight = weight.add(tile.run * WIDTH * LANES);
                } else {
                    let mut from = [tile.zeros; PIXELS];
                    for (pixel, from) in from.iter_mut().enumerate() {
                        let offset = *offsets.add(pixel);
                        if offset != OUTSIDE {
                            *from = input.add(offset as usize);
                        }
                    }
                    for _ in 0..PREFETCH_LINES {
                        if prefetch != prefetch_end {
                            L::prefetch(prefetch);
                            prefetch = prefetch.wrapping_add(LANES);
                        }
                    }
                    if tile.run == LANES {
                        for from in from {
                            L::prefetch(from.wrapping_add(PREFETCH_BLOCKS * tile.block_stride));
                        }
                    }
                    // Four at a time: the fewer instructions, the less it hurts to share the core.
                    let mut i = 0;
                    while i + 4 <= tile.run {
                        for k in 0..4 {
                            step(&mut sums, &from, i + k, weight.add(k * WIDTH * LANES));
                        }
                        weight = weight.add(4 * WIDTH * LANES);
                        i += 4;
                    }
                    while i < tile.run {
                        step(&mut sums, &from, i, weight);
                        weight = weight.add(WIDTH * LANES);
                        i += 1;
                    }
                }
                offsets = offsets.add(PIXELS);
            }
            input = input.wrapping_add(tile.block_stride);
        }
        for (pixel, sums) in sums.into_iter().enumerate() {
            for (block, sum) in sums.into_iter().enumerate() {
                let sum = if tile.relu { sum.relu() } else { sum };
                sum.store(&mut *tile.out[block].add(pixel * LANES).cast());
            }
        }
    }
}

/// Adds one input number of each pixel times `WIDTH * 16` weights.
#[inline(always)]
unsafe fn step<L: Lanes, const WIDTH: usize, const PIXELS: usize>(
    sums: &mut [[L; WIDTH]; PIXELS],
    from: &[*const f32; PIXELS],
    i: usize,
    weight: *const f32,
) {
    // SAFETY: the caller's loops stay within the weights and the run of input numbers.
    unsafe {
        let mut weights = [L::splat(0.0); WIDTH];
        for (block, it) in weights.iter_mut().enumerate() {
            *it = load(weight.add(block * LANES));
        }
        for (sums, from) in sums.iter_mut().zip(from) {
            let x = L::splat(*from.add(i));
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = x.mul_add(weight, *sum);
            }
        }
    }
}

/// # Safety
///
/// 16 numbers are readable.
#[inline(always)]
unsafe fn load<L: Lanes>(from: *const f32) -> L {
    // SAFETY: the caller's.
    L::load(unsafe { &*from.cast() })
}

/// A pointer that tasks on several threads use, each for its own part of what it points to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<T>(pub(crate) T);

// SAFETY: whoever dereferences it (unsafe) must keep the parts of different threads apart.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}
