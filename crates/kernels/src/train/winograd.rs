//! The gradient of a 3x3 kernel by Winograd's F(4x4, 3x3): where the forward pass is
//! `A^T [(G w G^T) * (B^T x B)] A` of each tile, summed over input channels, the gradient of the weight
//! is `G^T [(A g A^T) * (B^T x B)] G`, summed over tiles: 36 multiplications for 144, again.
#![allow(unsafe_code, reason = "calls the tile")]

use super::scratch::Scratch;
use crate::conv::winograd::{POINTS, STEP, grid, place, tiles, times, transform_input};
use crate::outer::{Outer, Run};
use crate::simd::{Kernel, Lanes};
use crate::tasks::{each_task, share};
use crate::tile::{MAX_PIXELS, Shared};
use crate::{Conv2dSpec, Dims, Isa, LANES, View};
use std::ops::Range;

/// Tiles that stay in the first-level cache, as transformed gradients, while all input channels meet
/// them.
const CHUNK: usize = 96;
/// Transformed numbers, of inputs and gradients, that are in memory at a time: 32 MB.
const TRANSFORMED: usize = 8 << 20;

/// Whether it is faster than the plain sums, by an estimate in multiply-adds at full speed: storing and
/// fetching a transformed weight takes as long as some 26 of them, transforming a tile as in
/// [`Algorithm::choose`](crate::Algorithm::choose).
pub(super) fn pays(spec: &Conv2dSpec, to: Dims) -> bool {
    let tiles = tiles(to) as f64;
    let pixels = (to.batch * to.pixels()) as f64;
    let [inputs, outputs] = spec.channels.map(|it| it as f64);
    let direct = 9.0 * inputs * outputs * pixels / 0.85;
    let winograd =
        36.0 * inputs * outputs * (tiles / 0.75 + 26.0) + 774.0 * tiles * (inputs + outputs);
    winograd < direct
}

/// `[out, in, 3, 3]` from the blocked input and the blocked gradient of the output.
pub(super) fn gradient(
    isa: Isa,
    spec: &Conv2dSpec,
    input: View<'_>,
    gradient: View<'_>,
) -> Vec<f32> {
    let (from, to) = (input.dims(), gradient.dims());
    let (grid, total) = (grid(to), tiles(to));
    let blocks = from.blocks() + to.blocks();
    let most = (TRANSFORMED / (POINTS * LANES * blocks)).clamp(CHUNK, total.max(CHUNK));
    let passes = total.div_ceil(most);
    let most = total.div_ceil(passes);
    // Not a power of two, which would put all points into the same lines of the cache.
    let strides = [from.blocks(), to.blocks()].map(|blocks| (blocks * most + 1) * LANES);
    let mut x = Scratch::new(POINTS * strides[0]);
    let mut g = Scratch::new(POINTS * strides[1]);
    let mut sums = Scratch::new(POINTS * to.blocks() * from.channels * LANES);
    for pass in 0..passes {
        let tiles = share(pass, passes, total);
        transform(
            isa,
            &tiles,
            most,
            [strides[0], grid[0], grid[1]],
            &mut x,
            Side::Input(input, spec),
        );
        transform(
            isa,
            &tiles,
            most,
            [strides[1], grid[0], grid[1]],
            &mut g,
            Side::Gradient(gradient),
        );
        let products = Products {
            isa,
            x: &x,
            g: &g,
            strides,
            tiles: tiles.len(),
            most,
            channels: from.channels,
            blocks: to.blocks(),
            add: pass > 0,
        };
        products.run(&mut sums);
    }
    back(isa, spec, &sums, from.channels, to)
}

#[derive(Clone, Copy)]
enum Side<'a> {
    Input(View<'a>, &'a Conv2dSpec),
    Gradient(View<'a>),
}

/// Transforms tiles, to `[point][block][tile][16]`.
fn transform(
    isa: Isa,
    tiles: &Range<usize>,
    most: usize,
    [stride, rows, columns]: [usize; 3],
    out: &mut [f32],
    side: Side<'_>,
) {
    let blocks = match side {
        Side::Input(view, _) | Side::Gradient(view) => view.dims().blocks(),
    };
    assert!(out.len() >= POINTS * stride && stride >= blocks * most * LANES);
    let out = Shared(out.as_mut_ptr());
    let pieces = tiles.len().div_ceil(32);
    each_task(blocks * pieces, &mut [], 0, |task, _| {
        let (block, piece) = (task / pieces, task % pieces);
        isa.run(Transform {
            block,
            first: tiles.start,
            piece: share(piece, pieces, tiles.len()),
            grid: [rows, columns],
            stride,
            start: block * most,
            out: { out }.0,
            side,
        });
    });
}

struct Transform<'a> {
    block: usize,
    first: usize,
    piece: Range<usize>,
    grid: [usize; 2],
    stride: usize,
    start: usize,
    out: *mut f32,
    side: Side<'a>,
}

impl Kernel for Transform<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for tile in self.piece.clone() {
            let (image, row, column) = place(self.grid, self.first + tile);
            let place = [row, column];
            // SAFETY: `transform` asserted that 36 strides with all blocks and tiles fit; no other task
            // has this block and tile.
            let to = unsafe { self.out.add((self.start + tile) * LANES) };
            match self.side {
                Side::Input(view, spec) => {
                    let plane = view.plane(image, self.block);
                    // SAFETY: as above.
                    unsafe {
                        transform_input::<L>(
                            plane,
                            view.dims(),
                            spec.padding,
                            place,
                            to,
                            self.stride,
                        );
                    }
                }
                Side::Gradient(view) => {
                    let plane = view.plane(image, self.block);
                    // SAFETY: as above.
                    unsafe { transform_gradient::<L>(plane, view.dims(), place, to, self.stride) };
                }
            }
        }
    }
}

/// `A g A^T` of the 4x4 pixels at `[row, column]`, each number of it `stride` after the one before.
///
/// # Safety
///
/// `to` is writable for 36 strides but the last, and 16 numbers.
#[expect(clippy::needless_range_loop, reason = "a matrix is transposed")]
#[inline(always)]
unsafe fn transform_gradient<L: Lanes>(
    plane: &[f32],
    dims: Dims,
    [row, column]: [usize; 2],
    to: *mut f32,
    stride: usize,
) {
    assert!(plane.len() == dims.plane());
    let mut rows = [[L::splat(0.0); 6]; STEP];
    for (i, to) in rows.iter_mut().enumerate() {
        let row = row + i;
        if row >= dims.height {
            break;
        }
        let start = plane.as_ptr().wrapping_add(row * dims.width * LANES);
        let mut pixels = [L::splat(0.0); STEP];
        for (j, pixel) in pixels.iter_mut().enumerate() {
            if column + j < dims.width {
                // SAFETY: row and column are below the image's, whose plane this is.
                *pixel = L::load(unsafe { &*start.add((column + j) * LANES).cast() });
            }
        }
        *to = gradient_points(&pixels);
    }
    for j in 0..6 {
        let mut column = [L::splat(0.0); STEP];
        for i in 0..STEP {
            column[i] = rows[i][j];
        }
        for (i, value) in gradient_points(&column).into_iter().enumerate() {
            // SAFETY: `i * 6 + j` is below 36; the rest is the caller's.
            value.store(unsafe { &mut *to.add((i * 6 + j) * stride).cast() });
        }
    }
}

/// `A g`.
#[inline(always)]
fn gradient_points<L: Lanes>(g: &[L; STEP]) -> [L; 6] {
    let (even, odd) = (g[0].add(g[2]), g[1].add(g[3]));
    let even_2 = times(g[2], 4.0, g[0]);
    let odd_2 = times(g[3], 8.0, g[1].add(g[1]));
    [
        g[0],
        even.add(odd),
        even.sub(odd),
        even_2.add(odd_2),
        even_2.sub(odd_2),
        g[3],
    ]
}

/// `G^T u`.
#[inline(always)]
fn weight_points<L: Lanes>(u: &[L; 6]) -> [L; 3] {
    let (one, two) = (u[1].add(u[2]), u[3].add(u[4]));
    let (one_odd, two_odd) = (u[2].sub(u[1]), u[3].sub(u[4]));
    let sixth = L::splat(1.0 / 6.0);
    [
        times(
            one,
            -1.0 / 6.0,
            times(two, 1.0 / 24.0, L::splat(0.25).mul(u[0])),
        ),
        times(one_odd, 1.0 / 6.0, L::splat(1.0 / 12.0).mul(two_odd)),
        sixth.mul_add(two.sub(one), u[5]),
    ]
}

/// For each point, the products of transformed inputs and gradients, summed over tiles:
/// `[point][block of outputs][input channel][16]`.
struct Products<'a> {
    isa: Isa,
    x: &'a [f32],
    g: &'a [f32],
    strides: [usize; 2],
    tiles: usize,
    most: usize,
    channels: usize,
    blocks: usize,
    add: bool,
}

impl Products<'_> {
    fn run(&self, sums: &mut [f32]) {
        let Self { channels, most, .. } = *self;
        let [rows, width] = self.isa.tile();
        let panels = self.blocks.div_ceil(width);
        assert!(sums.len() >= POINTS * self.blocks * channels * LANES && self.tiles <= most);
        let sums = Shared(sums.as_mut_ptr());
        each_task(POINTS * panels, &mut [], 0, |task, _| {
            let (point, first_block) = (task / panels, task % panels * width);
            let out = (point * self.blocks + first_block) * channels * LANES;
            let x = &self.x[point * self.strides[0]..][..self.strides[0]];
            let g = &self.g[point * self.strides[1] + first_block * most * LANES..];
            for chunk in (0..self.tiles).step_by(CHUNK) {
                let len = CHUNK.min(self.tiles - chunk);
                for first in (0..channels).step_by(rows) {
                    let rows = rows.min(channels - first);
                    let mut left = [x.as_ptr(); MAX_PIXELS];
                    for (channel, left) in (first..first + rows).zip(&mut left) {
                        let at = (channel / LANES * most + chunk) * LANES + channel % LANES;
                        *left = x[at..].as_ptr();
                    }
                    let outer = Outer {
                        rows,
                        width: width.min(self.blocks - first_block),
                        runs: &[Run::default()],
                        len,
                        left,
                        left_step: LANES,
                        right: g[chunk * LANES..].as_ptr(),
                        right_step: LANES,
                        right_block: most * LANES,
                        out: { sums }.0.wrapping_add(out + first * LANES),
                        out_row: LANES,
                        out_block: channels * LANES,
                        add: self.add || chunk > 0,
                    };
                    // SAFETY: inputs and gradients have `most` tiles of each block; the sums, asserted
                    // above to be enough, of this point and these blocks are this task's alone.
                    unsafe { outer.run(self.isa) };
                }
            }
        });
    }
}

/// `G^T u G` of the sums.
fn back(isa: Isa, spec: &Conv2dSpec, sums: &[f32], channels: usize, to: Dims) -> Vec<f32> {
    let mut weight = vec![0.0; spec.weights()];
    let out = Shared(weight.as_mut_ptr());
    let pieces = channels.div_ceil(LANES);
    each_task(to.blocks() * pieces, &mut [], 0, |task, _| {
        let (block, piece) = (task / pieces, task % pieces);
        isa.run(Back {
            sums,
            blocks: to.blocks(),
            block,
            channels,
            part: piece * LANES..((piece + 1) * LANES).min(channels),
            outputs: block * LANES..((block + 1) * LANES).min(to.channels),
            out: { out }.0,
        });
    });
    weight
}

struct Back<'a> {
    sums: &'a [f32],
    blocks: usize,
    block: usize,
    channels: usize,
    part: Range<usize>,
    outputs: Range<usize>,
    out: *mut f32,
}

impl Kernel for Back<'_> {
    #[expect(clippy::needless_range_loop, reason = "a matrix is transposed")]
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let point = self.blocks * self.channels * LANES;
        for channel in self.part {
            let start = (self.block * self.channels + channel) * LANES;
            let mut rows = [[L::splat(0.0); 6]; 3];
            for j in 0..6 {
                let mut column = [L::splat(0.0); 6];
                for i in 0..6 {
                    column[i] = L::load(crate::simd::block(self.sums, (i * 6 + j) * point + start));
                }
                let points = weight_points(&column);
                for i in 0..3 {
                    rows[i][j] = points[i];
                }
            }
            for (i, row) in rows.iter().enumerate() {
                for (j, value) in weight_points(row).into_iter().enumerate() {
                    let mut lanes = [0.0; LANES];
                    value.store(&mut lanes);
                    for (output, value) in self.outputs.clone().zip(lanes) {
                        let at = (output * self.channels + channel) * 9 + i * 3 + j;
                        // SAFETY: the weight has all outputs and channels; no other task has these.
                        unsafe { *self.out.add(at) = value };
                    }
                }
            }
        }
    }
}
