//! Memory that one call leaves for the next.

use crate::{Buffer, Dims, Isa, ViewMut, pack};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Numbers that lie ready for the next call, in all: 64 MB.
const KEPT: usize = 16 << 20;

static POOL: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());

/// Numbers to write into before they are read: they may hold anything. They go back to a pool that all
/// threads share, which keeps a bounded amount.
pub(super) struct Scratch {
    buffer: Buffer,
    len: usize,
}

impl Scratch {
    pub(super) fn new(len: usize) -> Self {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is long enough, and not so long that another will miss it.
        let best = (0..pool.len())
            .filter(|i| pool[*i].len() >= len && pool[*i].len() / 4 <= len)
            .min_by_key(|i| pool[*i].len());
        let buffer = best.map(|i| pool.remove(i));
        drop(pool);
        Self {
            buffer: buffer.unwrap_or_else(|| Buffer::zeros(len)),
            len,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.push(buffer);
        // The oldest go first: a network's later layers need other sizes than its first.
        let mut kept: usize = pool.iter().map(|it| it.len()).sum();
        while kept > KEPT {
            kept -= pool.remove(0).len();
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[..self.len]
    }
}

/// `[batch, channels, height, width]` in blocks.
pub(super) fn blocked(isa: Isa, plain: &[f32], dims: Dims) -> Scratch {
    let mut packed = Scratch::new(dims.blocked_len());
    pack(isa, plain, ViewMut::new(&mut packed, dims));
    packed
}
