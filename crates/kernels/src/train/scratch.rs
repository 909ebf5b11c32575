//! Memory that one call leaves for the next.

use crate::{Buffer, Dims, Isa, ViewMut, pack};
use std::ops::{Deref, DerefMut};

/// Numbers to write into before they are read: they may hold anything. They are kept for the next call.
pub(super) struct Scratch(Buffer);

impl Scratch {
    pub(super) fn new(len: usize) -> Self {
        Self(Buffer::stale(len))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).keep();
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

/// `[batch, channels, height, width]` in blocks.
pub(super) fn blocked(isa: Isa, plain: &[f32], dims: Dims) -> Scratch {
    let mut packed = Scratch::new(dims.blocked_len());
    pack(isa, plain, ViewMut::new(&mut packed, dims));
    packed
}
