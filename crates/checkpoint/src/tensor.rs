//! Tensors of a file, read when needed.

use std::fmt;
use std::sync::Arc;

use crate::dtype::Dtype;
use crate::error::Error;

/// A tensor of a file. Its values stay there until [`read`](Self::read). Cheap to clone.
#[derive(Clone)]
pub struct Tensor(Arc<Inner>);

struct Inner {
    path: Arc<[Arc<str>]>,
    dtype: Dtype,
    shape: Box<[usize]>,
}

impl Tensor {
    /// Keys of the dictionaries, indices of the lists and names of the attributes that lead from
    /// the root to it; the last is its own key, which may contain full stops.
    pub fn path(&self) -> &[Arc<str>] {
        &self.0.path
    }

    /// Format of its numbers.
    pub fn dtype(&self) -> Dtype {
        self.0.dtype
    }

    /// Sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// Bytes of its values.
    pub fn byte_len(&self) -> u64 {
        0
    }

    /// Why its values cannot be read, if that is known already.
    pub fn problem(&self) -> Option<&str> {
        None
    }

    /// Its values in row-major order, little-endian, whatever strides and order the file has.
    ///
    /// # Errors
    ///
    /// The file cannot be read or does not have them all.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }

    /// Whether both are the same bytes of the same file, seen in the same way; nothing is read.
    pub fn is_same_place(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, dtype, shape) = (self.path().join("."), self.dtype(), self.shape());
        write!(f, "Tensor({path}, {dtype}, {shape:?})")
    }
}
