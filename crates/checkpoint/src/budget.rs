//! How much memory a file may take.

use crate::error::ErrorKind;

/// Memory that any file may use, whatever its length, in bytes.
const BASE: u64 = 16 << 20;
/// Bytes of objects allowed per byte that describes them. A state dict needs 21, a list of pairs of
/// small numbers 32.
const FACTOR: u64 = 64;

/// Bytes that may still be allocated.
pub(crate) struct Budget {
    left: u64,
    all: u64,
}

impl Budget {
    /// The budget for objects that `len` bytes describe.
    pub(crate) fn new(len: u64) -> Self {
        let all = BASE + len.saturating_mul(FACTOR);
        Self { left: all, all }
    }

    /// Counts bytes that are about to be allocated.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), ErrorKind> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            ErrorKind::Unsupported(format!(
                "its objects would take more than {} MB of memory, far out of proportion to the file; save \
                 model.state_dict() alone",
                self.all >> 20
            ))
        })?;
        Ok(())
    }
}
