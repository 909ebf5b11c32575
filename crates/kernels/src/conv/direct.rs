//! Direct convolution: sums over all taps, in registers.
#![allow(unsafe_code, reason = "calls the tile")]

use super::Conv2dSpec;
use super::panel::{Packing, Panel, Panels, width};
use super::source::{Fill, Gather, Source};
use super::target::Targets;
use crate::simd::{Kernel, Lanes};
use crate::tasks::{Split, TilePlace, Tiles, each_task, share};
use crate::tile::{ALL_OUTSIDE, MAX_PIXELS, OUTSIDE, Tile};
use crate::{Dims, Isa, LANES, Padding, View};
use rayon::prelude::*;
use std::ops::Range;

/// Bytes of weights that are used for many tiles in a row: half of a first-level cache.
const WEIGHT_BYTES: usize = 16 << 10;
/// Tiles of one task: their input should fit in the second-level cache.
const MAX_TILES: usize = 32;
static ZEROS: [f32; LANES] = [0.0; LANES];

/// Packs in rows `[in block][tap][16]`. Where groups end inside a block, the weights between channels
/// of different groups are zeros.
pub(super) fn pack(
    isa: Isa,
    spec: &Conv2dSpec,
    source: Source<'_>,
    bias: Option<&[f32]>,
) -> Panels {
    let [inputs, outputs] = spec.channels;
    let (group_in, group_out) = (inputs / spec.groups, outputs / spec.groups);
    let rows = source.taps.len() * LANES;
    let packing = Packing {
        outputs,
        // Blocks side by side read the same input, which those of different groups do not.
        width: if spec.groups == 1 { width(isa) } else { 1 },
        inputs: |outputs: Range<usize>| {
            let first = outputs.start / group_out * group_in / LANES;
            let last = (outputs.end - 1) / group_out;
            first..((last + 1) * group_in).div_ceil(LANES)
        },
        rows,
    };
    let mut panels = Panels::stale(&packing, bias);
    let blocks = panels.parts().into_par_iter().flat_map(|(panel, packed)| {
        let blocks = packed
            .par_chunks_mut(rows * panel.width * LANES)
            .enumerate();
        blocks.map(move |(block, packed)| (panel, panel.first_in + block, packed))
    });
    if spec.groups == 1 {
        let gather = Gather::new(source, spec.channels, |lane, tap| tap * LANES + lane);
        blocks.for_each(|(panel, block, packed)| {
            isa.run(Fill {
                gather: &gather,
                block,
                first_out: panel.first_out,
                width: panel.width,
                packed,
            });
        });
    } else {
        blocks.for_each(|(panel, block, packed)| {
            packed.fill(0.0);
            for (i, row) in packed.chunks_exact_mut(LANES).enumerate() {
                let input = block * LANES + i % LANES;
                for (output, to) in panel.outputs(outputs).zip(row) {
                    let first = output / group_out * group_in;
                    if (first..first + group_in).contains(&input) {
                        *to = source.at(output, input - first, i / LANES);
                    }
                }
            }
        });
    }
    panels
}

/// For the offsets of all taps of a task's tiles.
pub(super) fn scratch_len(spec: &Conv2dSpec) -> usize {
    MAX_TILES * spec.kernel[0] * spec.kernel[1] * MAX_PIXELS
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
    assert_eq!(to, spec.output_dims(input.dims()), "dims of the output");
    let tiles = Tiles::new(to.pixels(), isa.tile()[0]);
    let count = to.batch * tiles.of_image();
    let threads = rayon::current_num_threads();
    let split = Split::new(count, MAX_TILES, panels.panels.len(), threads);
    each_task(
        split.chunks * split.shares,
        scratch,
        scratch_len(spec),
        |task, table| {
            let (chunk, part) = (task / split.shares, task % split.shares);
            isa.run(Task {
                spec,
                weights: panels,
                input,
                targets,
                tiles,
                chunk: share(chunk, split.chunks, count),
                panels: &panels.panels[share(part, split.shares, panels.panels.len())],
                table,
            });
        },
    );
}

struct Task<'a> {
    spec: &'a Conv2dSpec,
    weights: &'a Panels,
    input: View<'a>,
    targets: &'a Targets<'a>,
    tiles: Tiles,
    chunk: Range<usize>,
    panels: &'a [Panel],
    table: &'a mut [f32],
}

impl Kernel for Task<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let taps = self.spec.kernel[0] * self.spec.kernel[1];
        let stride = taps * MAX_PIXELS;
        let count = self.chunk.len();
        assert!(count <= MAX_TILES && self.table.len() >= count * stride);
        let mut places = [TilePlace::default(); MAX_TILES];
        for ((place, i), table) in places
            .iter_mut()
            .zip(self.chunk.clone())
            .zip(self.table.chunks_exact_mut(stride))
        {
            *place = self.tiles.place(i);
            offsets(self.spec, &self.input, self.targets.dims(), *place, table);
        }
        let dims = self.input.dims();
        let input = self.input.tail();
        // Chunks of the sum outermost: their input stays in the cache for all panels, and what is
        // summed so far is less to fetch again than the input would be.
        let most = self.panels.iter().map(|panel| chunks(panel, taps)).max();
        for chunk in 0..most.unwrap_or(0) {
            for (i, panel) in self.panels.iter().enumerate() {
                let chunks = chunks(panel, taps);
                if chunk >= chunks {
                    continue;
                }
                assert!(panel.first_in + panel.blocks <= dims.blocks());
                let (blocks, weight) = self.weight(panel, chunk);
                let next = match self.panels.get(i + 1) {
                    Some(next) => self.weight(next, chunk).1,
                    None => self.weight(&self.panels[0], chunk + 1).1,
                };
                let bias = self.weights.bias(panel);
                let first_in = (panel.first_in + blocks.start) * dims.plane();
                let mut tile = Tile {
                    width: panel.width,
                    blocks: blocks.len(),
                    taps,
                    run: LANES,
                    input: input[first_in..].as_ptr(),
                    block_stride: dims.plane(),
                    zeros: ZEROS.as_ptr(),
                    weight: weight.as_ptr(),
                    relu: self.targets.relu && chunk + 1 == chunks,
                    ..Tile::EMPTY
                };
                if chunk == 0 {
                    tile.bias = bias.as_ptr();
                }
                let tables = self.table.chunks_exact(stride);
                for (i, (place, table)) in places[..count].iter().zip(tables).enumerate() {
                    tile.pixels = place.pixels;
                    tile.offsets = table.as_ptr().cast();
                    let at = [place.image, place.first];
                    self.targets.point(&mut tile, at, panel.first_out);
                    let fetch = share(i, count, next.len() / LANES);
                    tile.prefetch = next.as_ptr().wrapping_add(fetch.start * LANES);
                    tile.prefetch_lines = fetch.len();
                    // SAFETY: offsets from `offsets` lie in one plane of an image of the input, and
                    // `blocks` planes from there on belong to the same image; weights and biases
                    // were sliced above; outputs and residuals come from checked planes, and no
                    // other task has both this chunk of pixels and this panel.
                    unsafe { L::sum(&tile) };
                }
            }
        }
    }
}

impl Task<'_> {
    /// The blocks of input, and the weights, of one step of a panel's sums; none after the last.
    #[inline(always)]
    fn weight(&self, panel: &Panel, chunk: usize) -> (Range<usize>, &[f32]) {
        let taps = self.spec.kernel[0] * self.spec.kernel[1];
        let chunks = chunks(panel, taps);
        if chunk >= chunks {
            return (0..0, &[]);
        }
        let blocks = share(chunk, chunks, panel.blocks);
        let rows = taps * LANES;
        let weight = self
            .weights
            .rows(panel, blocks.start * rows, blocks.len() * rows);
        (blocks, weight)
    }
}

/// In how many steps a panel's sums are made, so that the weights of one stay in the cache.
#[inline(always)]
fn chunks(panel: &Panel, taps: usize) -> usize {
    let bytes = taps * LANES * panel.width * LANES * size_of::<f32>();
    panel.blocks.div_ceil((WEIGHT_BYTES / bytes).max(1))
}

/// Writes the offsets of all taps of a tile, `[taps][pixels]`, as bits.
fn offsets(spec: &Conv2dSpec, input: &View<'_>, to: Dims, place: TilePlace, table: &mut [f32]) {
    let TilePlace {
        image,
        first,
        pixels,
    } = place;
    let dims = input.dims();
    let Padding { top, left, .. } = spec.padding;
    let image = image * input.image_stride();
    // Row and column of the first tap of each pixel; what is left or above of the image wraps around,
    // beyond any size.
    let mut corners = [(0, 0); MAX_PIXELS];
    let (mut row, mut column) = (first / to.width, first % to.width);
    for corner in &mut corners[..pixels] {
        *corner = (
            (row * spec.stride[0]).wrapping_sub(top),
            (column * spec.stride[1]).wrapping_sub(left),
        );
        column += 1;
        if column == to.width {
            (row, column) = (row + 1, 0);
        }
    }
    let [height, width] = spec.kernel;
    let mut taps = table.chunks_exact_mut(pixels);
    for i in 0..height {
        for (j, tap) in (0..width).zip(&mut taps) {
            let mut inside = false;
            for ((row, column), to) in corners.iter().zip(&mut *tap) {
                let (row, column) = (row.wrapping_add(i), column.wrapping_add(j));
                let offset = if row < dims.height && column < dims.width {
                    inside = true;
                    // It fits: a view has fewer than 2^32 numbers.
                    (image + (row * dims.width + column) * LANES) as u32
                } else {
                    OUTSIDE
                };
                *to = f32::from_bits(offset);
            }
            if !inside {
                tap[0] = f32::from_bits(ALL_OUTSIDE);
            }
        }
    }
}
