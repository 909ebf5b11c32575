//! Memory that begins at a cache line.

use crate::LANES;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, PoisonError};

/// Numbers that lie ready to be used again, in all: 64 MB.
const MOST_KEPT: usize = 16 << 20;
/// Memory to use again, the oldest first.
static KEPT: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

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
        Self::within(numbers, len)
    }

    /// `len` numbers, whichever: of memory that was kept, where some is large enough, and not so large
    /// that another would miss it.
    pub(crate) fn stale(len: usize) -> Self {
        let needed = len + LANES - 1;
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let best = (0..kept.len())
            .filter(|i| (needed..=4 * needed).contains(&kept[*i].len()))
            .min_by_key(|i| kept[*i].len());
        let Some(best) = best else {
            drop(kept);
            return Self::zeros(len);
        };
        Self::within(kept.remove(best), len)
    }

    /// Keeps the memory for [`stale`](Self::stale): what training needs at each step is too large for
    /// the allocator to keep, and the system takes longer to give it (2 us for each 4 KB) than the
    /// kernels to fill it.
    pub(crate) fn keep(self) {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(self.numbers);
        // The oldest go first: a network's later layers need other sizes than its first.
        let mut all: usize = kept.iter().map(Vec::len).sum();
        while all > MOST_KEPT {
            all -= kept.remove(0).len();
        }
    }

    fn within(numbers: Vec<f32>, len: usize) -> Self {
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
