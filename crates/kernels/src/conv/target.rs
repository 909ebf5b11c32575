//! Where a convolution stores.
#![allow(
    unsafe_code,
    reason = "tasks store into parts of the same window that are no slices"
)]

use super::Epilogue;
use crate::tile::{MAX_BLOCKS, Shared, Tile};
use crate::{Dims, LANES, View, ViewMut};

/// Most outputs that one convolution is split over.
pub(super) const MAX_OUTPUTS: usize = 8;

/// The outputs of a convolution, and what is added to them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Targets<'a> {
    dims: Dims,
    outputs: [Output; MAX_OUTPUTS],
    residual: Option<View<'a>>,
    pub(super) relu: bool,
}

#[derive(Clone, Copy, Debug)]
struct Output {
    /// The first block of the whole result that is not in it.
    end: usize,
    /// Block zero of the whole result, if it lay in this output.
    start: Shared<*mut f32>,
    image_stride: usize,
}

impl<'a> Targets<'a> {
    /// # Panics
    ///
    /// If the outputs, in order, do not have the dims `to`, all but the last in whole blocks, or the
    /// residual has others.
    pub(super) fn new(
        to: Dims,
        outputs: &'a mut [ViewMut<'_>],
        epilogue: &Epilogue<'a>,
        relu: bool,
    ) -> Self {
        assert!(
            (1..=MAX_OUTPUTS).contains(&outputs.len()),
            "{} outputs, at most {MAX_OUTPUTS}",
            outputs.len()
        );
        let mut channels = 0;
        let mut list = [Output {
            end: 0,
            start: Shared(std::ptr::null_mut()),
            image_stride: 0,
        }; MAX_OUTPUTS];
        for (output, it) in outputs.iter_mut().zip(&mut list) {
            assert!(
                channels % LANES == 0,
                "all outputs but the last have a multiple of {LANES} channels"
            );
            let dims = output.dims();
            assert_eq!(
                dims.with_channels(0),
                to.with_channels(0),
                "batch and grid of an output"
            );
            let first = channels / LANES;
            channels += dims.channels;
            let (start, image_stride) = output.start();
            *it = Output {
                end: first + dims.blocks(),
                start: Shared(start.wrapping_sub(first * dims.plane())),
                image_stride,
            };
        }
        assert_eq!(channels, to.channels, "channels of all outputs");
        if let Some(residual) = epilogue.residual {
            assert_eq!(residual.dims(), to, "dims of the residual");
        }
        Self {
            dims: to,
            outputs: list,
            residual: epilogue.residual,
            relu,
        }
    }

    pub(super) fn dims(&self) -> Dims {
        self.dims
    }

    /// The first number of a block of an image.
    pub(super) fn plane(&self, image: usize, block: usize) -> *mut f32 {
        assert!(image < self.dims.batch && block < self.dims.blocks());
        let output = self
            .outputs
            .iter()
            .find(|it| block < it.end)
            .expect("the outputs have all blocks together");
        output
            .start
            .0
            .wrapping_add(image * output.image_stride + block * self.dims.plane())
    }

    /// The same of the residual.
    pub(super) fn residual(&self, image: usize, block: usize) -> Option<*const f32> {
        Some(self.residual?.plane(image, block).as_ptr())
    }

    /// Points `tile`, from its first pixel, which is pixel `first` of `image`, to what it stores in
    /// `width` blocks from `block` on, and to the residual there.
    ///
    /// # Panics
    ///
    /// If there are no such pixels or blocks.
    #[inline(always)]
    pub(super) fn point(&self, tile: &mut Tile, [image, first]: [usize; 2], block: usize) {
        assert!(first + tile.pixels <= self.dims.pixels() && tile.width <= MAX_BLOCKS);
        for i in 0..tile.width {
            tile.out[i] = self.plane(image, block + i).wrapping_add(first * LANES);
            if let Some(residual) = self.residual(image, block + i) {
                tile.residual[i] = residual.wrapping_add(first * LANES);
            }
        }
    }
}
