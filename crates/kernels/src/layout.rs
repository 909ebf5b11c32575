//! The ways into the blocked layout and out of it: 16 pixels of 16 channels at a time, transposed in
//! registers.

use crate::simd::{Kernel, Lanes, load_up_to};
use crate::{Dims, Isa, LANES, View, ViewMut};
use rayon::prelude::*;

/// `[batch, channels, height, width]` to the blocked layout.
///
/// # Panics
///
/// If `input` has not [`Dims::plain_len`] numbers.
pub fn pack(isa: Isa, input: &[f32], mut output: ViewMut<'_>) {
    let dims = output.dims();
    assert_eq!(input.len(), dims.plain_len(), "numbers of {dims:?}");
    output.planes().for_each(|(image, block, plane)| {
        let channel = block * LANES;
        isa.run(Pack {
            input: &input[(image * dims.channels + channel) * dims.pixels()..],
            lanes: LANES.min(dims.channels - channel),
            pixels: dims.pixels(),
            output: plane,
        });
    });
}

/// The blocked layout to `[batch, channels, height, width]`.
///
/// # Panics
///
/// If `output` has not [`Dims::plain_len`] numbers.
pub fn unpack(isa: Isa, input: View<'_>, output: &mut [f32]) {
    let dims = input.dims();
    assert_eq!(output.len(), dims.plain_len(), "numbers of {dims:?}");
    blocks(output, dims).for_each(|(image, block, output)| {
        let plane = input.plane(image, block);
        isa.run(Unpack { plane, output });
    });
}

/// The blocked layout to some pixels of `[batch, channels, height, width]`, whose dims are `to`: pixel
/// `[y, x]` to `[y * stride[0] + offset[0], x * stride[1] + offset[1]]`. Nothing else is written.
///
/// # Panics
///
/// If `output` has another size, batch or channels differ, or a pixel would lie outside.
pub(crate) fn unpack_strided(
    isa: Isa,
    input: View<'_>,
    output: &mut [f32],
    to: Dims,
    stride: [usize; 2],
    offset: [usize; 2],
) {
    let dims = input.dims();
    assert_eq!(output.len(), to.plain_len(), "numbers of {to:?}");
    assert_eq!([dims.batch, dims.channels], [to.batch, to.channels]);
    if dims.pixels() == 0 {
        return;
    }
    assert!(
        (dims.height - 1) * stride[0] + offset[0] < to.height
            && (dims.width - 1) * stride[1] + offset[1] < to.width,
        "pixels of {dims:?}, {stride:?} apart from {offset:?} on, outside {to:?}",
    );
    blocks(output, to).for_each(|(image, block, output)| {
        isa.run(Scatter {
            plane: input.plane(image, block),
            width: dims.width,
            output,
            to,
            stride,
            offset,
        });
    });
}

/// In parallel, `(image, block, numbers)` of the 16 channels, or fewer, of each block of each image of
/// `[batch, channels, height, width]`.
fn blocks(
    output: &mut [f32],
    dims: Dims,
) -> impl ParallelIterator<Item = (usize, usize, &mut [f32])> {
    // An image is empty only if the data are, which then have no chunk of any size.
    let image = (dims.channels * dims.pixels()).max(1);
    let images = output.par_chunks_mut(image).enumerate();
    images.flat_map(move |(image, output)| {
        let blocks = output.par_chunks_mut((LANES * dims.pixels()).max(1));
        let blocks = blocks.enumerate();
        blocks.map(move |(block, output)| (image, block, output))
    })
}

/// One block of one image.
struct Pack<'a> {
    /// From the block's first channel on, to the end of all images.
    input: &'a [f32],
    /// Channels of the block.
    lanes: usize,
    pixels: usize,
    output: &'a mut [f32],
}

impl Kernel for Pack<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (output, _) = self.output.as_chunks_mut::<LANES>();
        let pixels = self.pixels;
        for first in (0..pixels).step_by(LANES) {
            let mut rows = [L::splat(0.0); LANES];
            for (lane, row) in rows.iter_mut().enumerate() {
                if lane < self.lanes {
                    // After a channel's last pixel the next channel's are read, and not stored.
                    *row = load_up_to(&self.input[lane * pixels + first..]);
                }
            }
            L::transpose(&mut rows);
            for (row, to) in rows.iter().zip(&mut output[first..]) {
                row.store(to);
            }
        }
    }
}

/// The 16 pixels from `first` on, or as many as there are and then zeros, as 16 channels.
#[inline(always)]
fn channels<L: Lanes>(pixels: &[[f32; LANES]], first: usize) -> [L; LANES] {
    let mut rows = [L::splat(0.0); LANES];
    for (i, row) in rows.iter_mut().enumerate() {
        if let Some(pixel) = pixels.get(first + i) {
            *row = L::load(pixel);
        }
    }
    L::transpose(&mut rows);
    rows
}

/// One block of one image, into its channels' pixels side by side.
struct Unpack<'a> {
    plane: &'a [f32],
    output: &'a mut [f32],
}

/// Pixels that are transposed before any is stored: so memory is written in longer runs, channel after
/// channel. More would be faster for large images, but slower for those of 7x7.
const STAGED: usize = 8 * LANES;

impl Kernel for Unpack<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (from, _) = self.plane.as_chunks::<LANES>();
        let pixels = from.len();
        let mut staged = [[[0.0; LANES]; STAGED / LANES]; LANES];
        for first in (0..pixels).step_by(STAGED) {
            let count = STAGED.min(pixels - first);
            for i in 0..count.div_ceil(LANES) {
                let rows = channels::<L>(from, first + i * LANES);
                for (row, to) in rows.iter().zip(&mut staged) {
                    row.store(&mut to[i]);
                }
            }
            for (channel, to) in staged.iter().zip(self.output.chunks_exact_mut(pixels)) {
                to[first..first + count].copy_from_slice(&channel.as_flattened()[..count]);
            }
        }
    }
}

/// One block of one image, into some pixels of its channels.
struct Scatter<'a> {
    plane: &'a [f32],
    width: usize,
    output: &'a mut [f32],
    to: Dims,
    stride: [usize; 2],
    offset: [usize; 2],
}

impl Kernel for Scatter<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (from, _) = self.plane.as_chunks::<LANES>();
        let (mut row, mut column) = (0, 0);
        for first in (0..from.len()).step_by(LANES) {
            let count = LANES.min(from.len() - first);
            let mut places = [0; LANES];
            for place in &mut places[..count] {
                let [y, x] = [
                    row * self.stride[0] + self.offset[0],
                    column * self.stride[1] + self.offset[1],
                ];
                *place = y * self.to.width + x;
                column += 1;
                if column == self.width {
                    (row, column) = (row + 1, 0);
                }
            }
            let rows = channels::<L>(from, first);
            let channels = self.output.chunks_exact_mut(self.to.pixels());
            for (channel, to) in rows.iter().zip(channels) {
                let mut numbers = [0.0; LANES];
                channel.store(&mut numbers);
                for (number, place) in numbers.iter().zip(&places[..count]) {
                    to[*place] = *number;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Buffer;

    /// Numbers that are all different, for some dims: partial blocks, rows shorter and longer than 16
    /// pixels, images of one pixel.
    fn images() -> impl Iterator<Item = (Isa, Dims, Vec<f32>)> {
        let sizes = [
            [1, 16, 4, 4],
            [2, 3, 1, 1],
            [1, 35, 7, 7],
            [2, 16, 3, 20],
            [1, 20, 2, 50],
            [3, 1, 33, 1],
            [1, 48, 16, 16],
        ];
        let sets = Isa::ALL.into_iter().filter(|isa| isa.is_available());
        sets.flat_map(move |isa| {
            sizes.into_iter().map(move |size| {
                let dims = Dims::new(size);
                (
                    isa,
                    dims,
                    (1..=dims.plain_len()).map(|it| it as f32).collect(),
                )
            })
        })
    }

    #[test]
    fn phases_interleave_and_write_nothing_else() {
        for (stride, offset) in [([1, 1], [0, 0]), ([2, 2], [1, 0]), ([2, 1], [0, 3])] {
            for (isa, dims, input) in images() {
                let mut packed = Buffer::zeros(dims.blocked_len());
                pack(isa, &input, ViewMut::new(&mut packed, dims));
                let to = Dims {
                    height: dims.height * stride[0] + offset[0],
                    width: dims.width * stride[1] + offset[1],
                    ..dims
                };
                let mut output = vec![-1.0; to.plain_len()];
                let view = View::new(&packed, dims);
                unpack_strided(isa, view, &mut output, to, stride, offset);
                let mut expected = vec![-1.0; to.plain_len()];
                for (i, number) in input.iter().enumerate() {
                    let (plane, pixel) = (i / dims.pixels(), i % dims.pixels());
                    let y = pixel / dims.width * stride[0] + offset[0];
                    let x = pixel % dims.width * stride[1] + offset[1];
                    expected[(plane * to.height + y) * to.width + x] = *number;
                }
                assert_eq!(output, expected, "{dims:?} to {to:?} on {isa}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "outside")]
    fn a_phase_that_does_not_fit_is_refused() {
        let dims = Dims::new([1, 1, 2, 2]);
        let to = Dims::new([1, 1, 4, 3]);
        let view = View::new(&[0.0; 64], dims);
        unpack_strided(Isa::Portable, view, &mut [0.0; 12], to, [2, 2], [1, 1]);
    }
}
