//! Memory that begins at a cache line.

use crate::LANES;
use std::ops::{Deref, DerefMut, Range};

/// Numbers that begin at a cache line, 64 bytes, which spares loads and stores of a block from
/// touching two lines. Activations and scratch memory may lie anywhere, and do better here.
#[derive(Default)]
pub struct Buffer {
    /// With room for the part that begins at a line.
    numbers: Vec<f32>,
    part: Range<usize>,
}

impl Buffer {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        // Not a vector of aligned lines: for numbers of small alignment the system gives pages that
        // are zero already, at their first use and so to the thread that uses them.
        let numbers = vec![0.0; len + LANES - 1];
        let bytes = numbers.as_ptr() as usize;
        let start = (bytes.next_multiple_of(size_of::<[f32; LANES]>()) - bytes) / size_of::<f32>();
        Self {
            numbers,
            part: start..start + len,
        }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[self.part.clone()]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.part.clone()]
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer of {} numbers", self.len())
    }
}
