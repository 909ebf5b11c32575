//! The blocked layout: dims, and views of it.

use rayon::prelude::*;

/// Channels in one block of the layout.
pub const LANES: usize = 16;

/// The size of an activation, `[batch, channels, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dims {
    /// Images.
    pub batch: usize,
    /// Channels, without the padding of the last block.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl Dims {
    /// From `[batch, channels, height, width]`.
    pub const fn new([batch, channels, height, width]: [usize; 4]) -> Self {
        Self {
            batch,
            channels,
            height,
            width,
        }
    }

    /// Pixels of one image.
    pub const fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Blocks of 16 channels, the last one perhaps padded.
    pub const fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Numbers in one block of one image: its pixels times 16.
    pub const fn plane(&self) -> usize {
        self.pixels() * LANES
    }

    /// Numbers of the whole activation in the blocked layout.
    ///
    /// # Panics
    ///
    /// If nothing can count them.
    pub const fn blocked_len(&self) -> usize {
        product(&[self.batch, self.blocks(), self.height, self.width, LANES])
    }

    /// Numbers of the whole activation as `[batch, channels, height, width]`.
    ///
    /// # Panics
    ///
    /// If nothing can count them.
    pub const fn plain_len(&self) -> usize {
        product(&[self.batch, self.channels, self.height, self.width])
    }

    /// Whether kernels take such an activation: it has fewer than 2^32 numbers in the blocked layout.
    pub const fn fits(&self) -> bool {
        let factors = [self.batch, self.blocks(), self.height, self.width, LANES];
        match checked_product(&factors) {
            Some(numbers) => numbers <= u32::MAX as usize,
            None => false,
        }
    }

    /// The same batch and grid with other channels.
    pub const fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }
}

/// A product that must not wrap around: sizes of memory are compared with it.
pub(crate) const fn product(factors: &[usize]) -> usize {
    match checked_product(factors) {
        Some(product) => product,
        None => panic!("the numbers of a tensor are too many to be counted"),
    }
}

const fn checked_product(factors: &[usize]) -> Option<usize> {
    let (mut product, mut rest) = (1_usize, factors);
    while let [factor, others @ ..] = rest {
        product = match product.checked_mul(*factor) {
            Some(product) => product,
            None => return None,
        };
        rest = others;
    }
    Some(product)
}

/// Where a view's blocks lie in the data of a joint tensor.
#[derive(Clone, Copy, Debug)]
struct Window {
    dims: Dims,
    joint_blocks: usize,
    first_block: usize,
}

impl Window {
    fn new(len: usize, dims: Dims, joint_blocks: usize, first_block: usize) -> Self {
        assert!(
            first_block <= joint_blocks && dims.blocks() <= joint_blocks - first_block,
            "{} blocks from {first_block} on of a tensor of {joint_blocks}",
            dims.blocks(),
        );
        assert!(
            len == product(&[dims.batch, joint_blocks, dims.height, dims.width, LANES]),
            "{len} numbers for {joint_blocks} blocks of {dims:?}",
        );
        assert!(
            u32::try_from(len).is_ok(),
            "an activation has fewer than 2^32 numbers"
        );
        Self {
            dims,
            joint_blocks,
            first_block,
        }
    }

    fn image_stride(&self) -> usize {
        self.joint_blocks * self.dims.plane()
    }

    fn start(&self) -> usize {
        self.first_block * self.dims.plane()
    }
}

/// A blocked activation to read: all of `data`, or a window of its channel blocks.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    window: Window,
}

impl<'a> View<'a> {
    /// All of `data`.
    ///
    /// # Panics
    ///
    /// If `data` has not [`Dims::blocked_len`] numbers.
    pub fn new(data: &'a [f32], dims: Dims) -> Self {
        Self::window(data, dims, dims.blocks(), 0)
    }

    /// The blocks from `first_block` on of the tensor `[batch, joint_blocks, height, width, 16]`,
    /// as many as `dims` has.
    ///
    /// # Panics
    ///
    /// If `data` has another size, or the window does not lie inside it.
    pub fn window(data: &'a [f32], dims: Dims, joint_blocks: usize, first_block: usize) -> Self {
        let window = Window::new(data.len(), dims, joint_blocks, first_block);
        Self { data, window }
    }

    /// Its dims (of the window).
    pub fn dims(&self) -> Dims {
        self.window.dims
    }

    /// The window as one row per image.
    pub fn rows(&self) -> Rows<'a> {
        let Window { dims, .. } = self.window;
        Rows::strided(
            self.data,
            dims.batch,
            dims.blocks() * dims.plane(),
            self.window.image_stride(),
            self.window.start(),
        )
    }

    /// One block of one image, `[height, width, 16]`.
    ///
    /// # Panics
    ///
    /// If the view has no such image or block.
    pub fn plane(&self, image: usize, block: usize) -> &'a [f32] {
        let dims = self.window.dims;
        assert!(image < dims.batch && block < dims.blocks());
        let start = image * self.image_stride() + self.window.start() + block * dims.plane();
        &self.data[start..][..dims.plane()]
    }

    /// Numbers from one image to the next.
    pub(crate) fn image_stride(&self) -> usize {
        self.window.image_stride()
    }

    /// The data from the first block of the window's first image on.
    pub(crate) fn tail(&self) -> &'a [f32] {
        &self.data[self.window.start().min(self.data.len())..]
    }
}

/// A blocked activation to write: all of `data`, or a window of its channel blocks.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f32],
    window: Window,
}

impl<'a> ViewMut<'a> {
    /// All of `data`.
    ///
    /// # Panics
    ///
    /// If `data` has not [`Dims::blocked_len`] numbers.
    pub fn new(data: &'a mut [f32], dims: Dims) -> Self {
        Self::window(data, dims, dims.blocks(), 0)
    }

    /// The blocks from `first_block` on of the tensor `[batch, joint_blocks, height, width, 16]`,
    /// as many as `dims` has. Nothing outside them is written.
    ///
    /// # Panics
    ///
    /// If `data` has another size, or the window does not lie inside it.
    pub fn window(
        data: &'a mut [f32],
        dims: Dims,
        joint_blocks: usize,
        first_block: usize,
    ) -> Self {
        let window = Window::new(data.len(), dims, joint_blocks, first_block);
        Self { data, window }
    }

    /// Its dims (of the window).
    pub fn dims(&self) -> Dims {
        self.window.dims
    }

    /// The same window to read.
    pub fn as_view(&self) -> View<'_> {
        View {
            data: self.data,
            window: self.window,
        }
    }

    /// The same window for a shorter time.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        ViewMut {
            data: self.data,
            window: self.window,
        }
    }

    /// The window as one row per image.
    pub fn rows(&mut self) -> RowsMut<'_> {
        let Window { dims, .. } = self.window;
        RowsMut::strided(
            self.data,
            dims.batch,
            dims.blocks() * dims.plane(),
            self.window.image_stride(),
            self.window.start(),
        )
    }

    /// The first number of the window's first image, and numbers from one image to the next.
    pub(crate) fn start(&mut self) -> (*mut f32, usize) {
        let start = self.window.start().min(self.data.len());
        (self.data[start..].as_mut_ptr(), self.window.image_stride())
    }

    /// In parallel, `(image, block, [height, width, 16])` for every block of every image.
    pub(crate) fn planes(&mut self) -> impl ParallelIterator<Item = (usize, usize, &mut [f32])> {
        let Window {
            dims,
            joint_blocks,
            first_block,
        } = self.window;
        let window = first_block..first_block + dims.blocks();
        self.data
            // A plane is empty only if the data are, which then have no chunk of any size.
            .par_chunks_mut(dims.plane().max(1))
            .enumerate()
            .filter(move |(i, _)| window.contains(&(i % joint_blocks)))
            .map(move |(i, plane)| (i / joint_blocks, i % joint_blocks - first_block, plane))
    }
}

/// Rows of numbers to read, each contiguous: any layout, for what works number by number.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    data: &'a [f32],
    rows: usize,
    len: usize,
    stride: usize,
    start: usize,
}

impl<'a> Rows<'a> {
    /// All of `data` as one row.
    pub fn new(data: &'a [f32]) -> Self {
        Self::strided(data, 1, data.len(), data.len(), 0)
    }

    /// `rows` rows of `len` numbers, the first from `start` on, the others each `stride` later.
    ///
    /// # Panics
    ///
    /// If the last row ends outside `data`, or rows overlap.
    pub fn strided(data: &'a [f32], rows: usize, len: usize, stride: usize, start: usize) -> Self {
        check_rows(data.len(), rows, len, stride, start);
        Self {
            data,
            rows,
            len,
            stride,
            start,
        }
    }

    /// Rows, and numbers in each.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.len]
    }

    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        assert!(row < self.rows);
        &self.data[self.start + row * self.stride..][..self.len]
    }
}

/// Rows of numbers to write, each contiguous.
#[derive(Debug)]
pub struct RowsMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    len: usize,
    stride: usize,
    start: usize,
}

impl<'a> RowsMut<'a> {
    /// All of `data` as one row.
    pub fn new(data: &'a mut [f32]) -> Self {
        let len = data.len();
        Self::strided(data, 1, len, len, 0)
    }

    /// `rows` rows of `len` numbers, the first from `start` on, the others each `stride` later.
    ///
    /// # Panics
    ///
    /// If the last row ends outside `data`, or rows overlap.
    pub fn strided(
        data: &'a mut [f32],
        rows: usize,
        len: usize,
        stride: usize,
        start: usize,
    ) -> Self {
        check_rows(data.len(), rows, len, stride, start);
        Self {
            data,
            rows,
            len,
            stride,
            start,
        }
    }

    /// Rows, and numbers in each.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.len]
    }

    /// In parallel, `(row, first number, numbers)` for pieces of at most `piece` numbers.
    pub(crate) fn pieces(
        &mut self,
        piece: usize,
    ) -> impl ParallelIterator<Item = (usize, usize, &mut [f32])> {
        let Self {
            rows, len, stride, ..
        } = *self;
        let start = self.start.min(self.data.len());
        self.data[start..]
            .par_chunks_mut(stride.max(len).max(1))
            .take(rows)
            .enumerate()
            .flat_map(move |(row, data)| {
                data[..len]
                    .par_chunks_mut(piece)
                    .enumerate()
                    .map(move |(i, numbers)| (row, i * piece, numbers))
            })
    }
}

fn check_rows(available: usize, rows: usize, len: usize, stride: usize, start: usize) {
    assert!(rows <= 1 || stride >= len, "rows overlap");
    assert!(
        rows == 0 || start + (rows - 1) * stride + len <= available,
        "{rows} rows of {len}, {stride} apart from {start} on, do not fit in {available} numbers",
    );
}

/// Copies all channels of `input` into those of `output` from channel `first` on, any number, and
/// leaves the others as they are. For a concatenation whose parts do not start at whole blocks: its
/// parts are copied in order, or the padding of the last block is zeroed beforehand.
///
/// The padding lanes of `output`'s last block become zero.
///
/// # Panics
///
/// If batch or grid differ, or the channels do not fit.
pub fn copy_channels(input: View<'_>, mut output: ViewMut<'_>, first: usize) {
    let (from, to) = (input.dims(), output.dims());
    assert!(
        from.with_channels(0) == to.with_channels(0) && first + from.channels <= to.channels,
        "{from:?} into {to:?} from channel {first} on",
    );
    output.planes().for_each(|(image, block, plane)| {
        let start = block * LANES;
        for lane in 0..LANES {
            let channel = start + lane;
            if channel >= to.channels {
                plane
                    .iter_mut()
                    .skip(lane)
                    .step_by(LANES)
                    .for_each(|it| *it = 0.0);
            } else if (first..first + from.channels).contains(&channel) {
                let source = input.plane(image, (channel - first) / LANES);
                let source = source.iter().skip((channel - first) % LANES).step_by(LANES);
                for (to, from) in plane.iter_mut().skip(lane).step_by(LANES).zip(source) {
                    *to = *from;
                }
            }
        }
    });
}
