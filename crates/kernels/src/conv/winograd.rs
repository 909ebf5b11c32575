//! Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2015, arXiv:1509.09308): tiles of 6x6
//! input pixels become 36 numbers, each multiplied by the transformed weights of its own, summed over
//! the channels, and transformed to 4x4 output pixels.
#![allow(unsafe_code, reason = "calls the tile")]

use super::Conv2dSpec;
use super::panel::{Packing, Panel, Panels, width};
use super::source::{Gather, Source};
use super::target::Targets;
use crate::simd::{Kernel, Lanes, block};
use crate::tasks::{Split, TilePlace, Tiles, each_task, share};
use crate::tile::{MAX_BLOCKS, MAX_PIXELS, Tile};
use crate::{Dims, Isa, LANES, Padding, View};
use rayon::prelude::*;

/// Weights of a 3x3 kernel.
const TAPS: usize = 9;
/// Numbers of a transformed tile.
pub(crate) const POINTS: usize = 36;
/// Output pixels of a tile along each axis.
pub(crate) const STEP: usize = 4;
/// Transformed tiles of one task: a multiple of every register tile.
const MAX_TILES: usize = 24;

static ZEROS: [f32; MAX_BLOCKS * LANES] = [0.0; MAX_BLOCKS * LANES];
/// Adjacent tiles are the pixels of the products.
static OFFSETS: [u32; MAX_PIXELS] = [0, 16, 32, 48, 64, 80];

/// Packs, transformed, in rows `[point][in block][16]`.
pub(super) fn pack(
    isa: Isa,
    spec: &Conv2dSpec,
    source: Source<'_>,
    bias: Option<&[f32]>,
) -> Panels {
    let [inputs, outputs] = spec.channels;
    let blocks = inputs.div_ceil(LANES);
    let packing = Packing {
        outputs,
        width: width(isa),
        inputs: |_| 0..blocks,
        rows: POINTS * LANES,
    };
    let mut panels = Panels::stale(&packing, bias);
    if blocks == 0 {
        return panels;
    }
    let gather = Gather::new(source, spec.channels, |lane, tap| lane * TAPS + tap);
    // The rows of one block of input channels lie apart, for each point in its place.
    let mut fills = Vec::new();
    for (panel, packed) in panels.parts() {
        let rows = LANES * panel.width * LANES;
        let points = packed.chunks_exact_mut(blocks * rows);
        let mut points: Vec<_> = points.map(|it| it.chunks_exact_mut(rows)).collect();
        for block in 0..blocks {
            let packed = points.iter_mut().flat_map(Iterator::next).collect();
            fills.push(Fill {
                gather: &gather,
                panel,
                block,
                packed,
            });
        }
    }
    fills.into_par_iter().for_each(|fill| isa.run(fill));
    panels
}

/// Gathers and transforms the weights of one block of input channels of a panel.
struct Fill<'a> {
    gather: &'a Gather<'a>,
    panel: Panel,
    block: usize,
    /// For each point `[16][width * 16]`.
    packed: Vec<&'a mut [f32]>,
}

impl Kernel for Fill<'_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let Panel {
            first_out, width, ..
        } = self.panel;
        let lanes = self.gather.lanes(self.block);
        if lanes < LANES {
            for packed in &mut self.packed {
                packed.fill(0.0);
            }
        }
        for i in 0..width {
            let mut gathered = [0.0; LANES * TAPS * LANES];
            let blocks = [self.block, first_out + i];
            self.gather.block::<L>(blocks, &mut gathered, LANES);
            let (weights, _) = gathered.as_chunks::<LANES>();
            let (weights, _) = weights.as_chunks::<TAPS>();
            for (lane, weight) in weights[..lanes].iter().enumerate() {
                let start = (lane * width + i) * LANES;
                let points = transform_weight::<L>(weight);
                for (point, packed) in points.iter().flatten().zip(&mut self.packed) {
                    let to = packed[start..].first_chunk_mut();
                    point.store(to.expect("as many rows as input channels"));
                }
            }
        }
    }
}

/// `G g G^T` of 3x3 weights, at the points 0, 1, -1, 2, -2 and infinity.
#[inline(always)]
fn transform_weight<L: Lanes>(weight: &[[f32; LANES]; TAPS]) -> [[L; 6]; 6] {
    let mut columns = [[L::splat(0.0); 3]; 6];
    for j in 0..3 {
        let [a, b, c] = [&weight[j], &weight[3 + j], &weight[6 + j]];
        let points = weight_points([L::load(a), L::load(b), L::load(c)]);
        for i in 0..6 {
            columns[i][j] = points[i];
        }
    }
    let mut points = [[L::splat(0.0); 6]; 6];
    for (points, row) in points.iter_mut().zip(columns) {
        *points = weight_points(row);
    }
    points
}

/// `G g`.
#[inline(always)]
fn weight_points<L: Lanes>([a, b, c]: [L; 3]) -> [L; 6] {
    let sixth = L::splat(1.0 / 6.0);
    let (even, odd) = (a.add(c).mul(sixth), b.mul(sixth));
    let even_2 = a.mul(L::splat(1.0 / 24.0)).add(c.mul(sixth));
    let odd_2 = b.mul(L::splat(1.0 / 12.0));
    [
        a.mul(L::splat(0.25)),
        L::splat(0.0).sub(even).sub(odd),
        odd.sub(even),
        even_2.add(odd_2),
        even_2.sub(odd_2),
        c,
    ]
}

/// Numbers from one point of the transformed input to the next: not a power of two, which would put
/// all points into the same lines of the cache.
fn point_stride(blocks: usize) -> usize {
    (blocks * MAX_TILES + 1) * LANES
}

pub(super) fn scratch_len(isa: Isa, spec: &Conv2dSpec) -> usize {
    POINTS * (point_stride(spec.channels[0].div_ceil(LANES)) + point_stride(width(isa)))
}

pub(super) fn run(
    isa: Isa,
    spec: &Conv2dSpec,
    panels: &Panels,
    input: View<'_>,
    targets: &Targets<'_>,
    scratch: &mut [f32],
) {
    let to = targets.dims();
    let (grid, total) = (grid(to), tiles(to));
    let threads = rayon::current_num_threads();
    let split = Split::new(total, MAX_TILES, panels.panels.len(), threads);
    each_task(
        split.chunks * split.shares,
        scratch,
        scratch_len(isa, spec),
        |task, scratch| {
            let (chunk, part) = (task / split.shares, task % split.shares);
            isa.run(Task {
                weights: panels,
                input,
                padding: spec.padding,
                targets,
                grid,
                chunk: share(chunk, split.chunks, total),
                panels: &panels.panels[share(part, split.shares, panels.panels.len())],
                pixels: isa.tile()[0],
                scratch,
            });
        },
    );
}

struct Task<'a> {
    weights: &'a Panels,
    input: View<'a>,
    padding: Padding,
    targets: &'a Targets<'a>,
    grid: [usize; 2],
    chunk: std::ops::Range<usize>,
    panels: &'a [Panel],
    pixels: usize,
    scratch: &'a mut [f32],
}

impl Kernel for Task<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            weights,
            input,
            targets,
            ..
        } = self;
        let count = self.chunk.len();
        let blocks = input.dims().blocks();
        let (stride, products_stride) = (point_stride(blocks), point_stride(L::BLOCKS));
        let (transformed, products) = self.scratch.split_at_mut(POINTS * stride);
        assert!(count <= MAX_TILES && products.len() >= POINTS * products_stride);
        for i in 0..blocks {
            for t in 0..count {
                let (image, row, column) = place(self.grid, self.chunk.start + t);
                let plane = input.plane(image, i);
                let from = [row, column];
                let to = &mut transformed[(i * count + t) * LANES..];
                let to = to[..(POINTS - 1) * stride + LANES].as_mut_ptr();
                // SAFETY: sliced just now.
                unsafe {
                    transform_input::<L>(plane, input.dims(), self.padding, from, to, stride);
                }
            }
        }
        let tiles = Tiles::new(count, self.pixels);
        for panel in self.panels {
            assert!(panel.blocks == blocks && panel.width <= L::BLOCKS);
            for point in 0..POINTS {
                let weight = weights.rows(panel, point * blocks * LANES, blocks * LANES);
                // The points of a panel follow each other, and so do the panels.
                let next = &weights.weight[panel.weight + (point + 1) * weight.len()..];
                let next = &next[..weight.len().min(next.len())];
                let input = &transformed[point * stride..][..blocks * count * LANES];
                let products = &mut products[point * products_stride..];
                let sums = products[..panel.width * count * LANES].as_mut_ptr();
                let mut tile = Tile {
                    width: panel.width,
                    blocks,
                    taps: 1,
                    run: LANES,
                    block_stride: count * LANES,
                    offsets: OFFSETS.as_ptr(),
                    zeros: ZEROS.as_ptr(),
                    weight: weight.as_ptr(),
                    bias: ZEROS.as_ptr(),
                    ..Tile::EMPTY
                };
                for i in 0..tiles.of_image() {
                    let TilePlace { first, pixels, .. } = tiles.place(i);
                    tile.pixels = pixels;
                    tile.input = input[first * LANES..].as_ptr();
                    for i in 0..panel.width {
                        tile.out[i] = sums.wrapping_add((i * count + first) * LANES);
                    }
                    let fetch = share(i, tiles.of_image(), next.len() / LANES);
                    tile.prefetch = next.as_ptr().wrapping_add(fetch.start * LANES);
                    tile.prefetch_lines = fetch.len();
                    // SAFETY: input, weights and products were sliced above to what is read; the
                    // products are this task's own.
                    unsafe { L::sum(&tile) };
                }
            }
            let bias = weights.bias(panel);
            for i in 0..panel.width {
                for t in 0..count {
                    let (image, row, column) = place(self.grid, self.chunk.start + t);
                    let sums = transform_output::<L>(
                        &products[(i * count + t) * LANES..],
                        products_stride,
                    );
                    let bias = L::load(block(bias, i * LANES));
                    // SAFETY: no other task has both this chunk of tiles and this panel.
                    unsafe {
                        store(
                            targets,
                            image,
                            panel.first_out + i,
                            [row, column],
                            bias,
                            &sums,
                        );
                    }
                }
            }
        }
    }
}

/// Rows and columns of tiles of an image.
pub(crate) fn grid(to: Dims) -> [usize; 2] {
    [to.height.div_ceil(STEP), to.width.div_ceil(STEP)]
}

/// Tiles of all images.
pub(crate) fn tiles(to: Dims) -> usize {
    let [rows, columns] = grid(to);
    to.batch * rows * columns
}

/// Image, row and column of the first output pixel of a tile.
#[inline(always)]
pub(crate) fn place(grid: [usize; 2], tile: usize) -> (usize, usize, usize) {
    let (image, rest) = (tile / (grid[0] * grid[1]), tile % (grid[0] * grid[1]));
    (image, rest / grid[1] * STEP, rest % grid[1] * STEP)
}

/// `B^T d B` of the 6x6 pixels at `[row, column]` of the padded image, each number of it `stride`
/// after the one before.
///
/// # Safety
///
/// `to` is writable for 36 strides but the last, and 16 numbers.
#[expect(clippy::needless_range_loop, reason = "a matrix is transposed")]
#[inline(always)]
pub(crate) unsafe fn transform_input<L: Lanes>(
    plane: &[f32],
    dims: Dims,
    padding: Padding,
    [row, column]: [usize; 2],
    to: *mut f32,
    stride: usize,
) {
    assert!(plane.len() == dims.plane());
    // What is left or above of the image wraps around, beyond any size.
    let (row, column) = (
        row.wrapping_sub(padding.top),
        column.wrapping_sub(padding.left),
    );
    let mut rows = [[L::splat(0.0); 6]; 6];
    for (i, to) in rows.iter_mut().enumerate() {
        let row = row.wrapping_add(i);
        if row >= dims.height {
            continue;
        }
        let start = plane.as_ptr().wrapping_add(row * dims.width * LANES);
        let mut pixels = [L::splat(0.0); 6];
        for (j, pixel) in pixels.iter_mut().enumerate() {
            let column = column.wrapping_add(j);
            if column < dims.width {
                // SAFETY: row and column are below the image's, whose plane this is.
                *pixel = L::load(unsafe { &*start.add(column * LANES).cast() });
            }
        }
        *to = input_points(&pixels);
    }
    for j in 0..6 {
        let mut column = [L::splat(0.0); 6];
        for i in 0..6 {
            column[i] = rows[i][j];
        }
        for (i, value) in input_points(&column).into_iter().enumerate() {
            // SAFETY: `i * 6 + j` is below 36; the rest is the caller's.
            value.store(unsafe { &mut *to.add((i * 6 + j) * stride).cast() });
        }
    }
}

#[inline(always)]
pub(crate) fn times<L: Lanes>(x: L, factor: f32, plus: L) -> L {
    L::splat(factor).mul_add(x, plus)
}

/// `B^T d`.
#[inline(always)]
fn input_points<L: Lanes>(d: &[L; 6]) -> [L; 6] {
    let (a, b) = (times(d[2], -4.0, d[4]), times(d[1], -4.0, d[3]));
    let (c, e) = (d[4].sub(d[2]), d[3].sub(d[1]));
    [
        times(d[0], 4.0, times(d[2], -5.0, d[4])),
        a.add(b),
        a.sub(b),
        times(e, 2.0, c),
        times(e, -2.0, c),
        times(d[1], 4.0, times(d[3], -5.0, d[5])),
    ]
}

/// `A^T m A`, each number of `m` `stride` after the one before.
#[expect(clippy::needless_range_loop, reason = "a matrix is transposed")]
#[inline(always)]
fn transform_output<L: Lanes>(products: &[f32], stride: usize) -> [[L; STEP]; STEP] {
    let products = &products[..(POINTS - 1) * stride + LANES];
    let mut columns = [[L::splat(0.0); 6]; STEP];
    for i in 0..6 {
        let mut row = [L::splat(0.0); 6];
        for (j, value) in row.iter_mut().enumerate() {
            // SAFETY: `i * 6 + j` is below 36, and `products` was cut to that many strides.
            *value = L::load(unsafe { &*products.as_ptr().add((i * 6 + j) * stride).cast() });
        }
        let points = output_points(&row);
        for j in 0..STEP {
            columns[j][i] = points[j];
        }
    }
    let mut sums = [[L::splat(0.0); STEP]; STEP];
    for j in 0..STEP {
        let points = output_points(&columns[j]);
        for i in 0..STEP {
            sums[i][j] = points[i];
        }
    }
    sums
}

/// `A^T m`.
#[inline(always)]
fn output_points<L: Lanes>(m: &[L; 6]) -> [L; STEP] {
    let (a, b) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (c, d) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(a).add(c),
        times(d, 2.0, b),
        times(c, 4.0, a),
        times(d, 8.0, b).add(m[5]),
    ]
}

/// Stores what of the 4x4 pixels lies in the output.
///
/// # Safety
///
/// No other thread uses these pixels of this block.
#[inline(always)]
unsafe fn store<L: Lanes>(
    targets: &Targets<'_>,
    image: usize,
    block: usize,
    [row, column]: [usize; 2],
    bias: L,
    sums: &[[L; STEP]; STEP],
) {
    let to = targets.dims();
    let (plane, residual) = (targets.plane(image, block), targets.residual(image, block));
    for (i, sums) in sums.iter().enumerate() {
        for (j, sum) in sums.iter().enumerate() {
            let (row, column) = (row + i, column + j);
            if row >= to.height || column >= to.width {
                continue;
            }
            let start = (row * to.width + column) * LANES;
            let mut sum = sum.add(bias);
            // SAFETY: row and column are below the output's, so the pixel lies in the planes of
            // output and residual, which have the same dims.
            unsafe {
                if let Some(residual) = residual {
                    sum = sum.add(L::load(&*residual.add(start).cast()));
                }
                if targets.relu {
                    sum = sum.relu();
                }
                sum.store(&mut *plane.add(start).cast());
            }
        }
    }
}
