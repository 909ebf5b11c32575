//! Tensors of a file, read on demand.

use std::fmt;
use std::sync::Arc;

use crate::dtype::Dtype;
use crate::error::{Error, one_line};
use crate::view::View;

/// A tensor of a file. Its values stay in the file until [`read`](Self::read). Cheap to clone.
#[derive(Clone)]
pub struct Tensor {
    file: Arc<str>,
    path: Arc<[Arc<str>]>,
    view: Arc<View>,
}

impl Tensor {
    pub(crate) fn new(file: &Arc<str>, path: &[Arc<str>], view: View) -> Self {
        Self {
            file: file.clone(),
            path: path.into(),
            view: Arc::new(view),
        }
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Dictionary keys, list indices and attribute names that lead from the root to the tensor; the
    /// last one is its own key, which may contain dots. Empty if the file holds only the tensor.
    pub fn path(&self) -> &[Arc<str>] {
        &self.path
    }

    /// Its number format.
    pub fn dtype(&self) -> Dtype {
        self.view.dtype
    }

    /// Sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.view.shape
    }

    /// Size of its values in bytes.
    pub fn byte_len(&self) -> u64 {
        self.view.bytes
    }

    /// Why its values cannot be read, if that is known without reading.
    pub fn problem(&self) -> Option<&str> {
        self.view.problem
    }

    /// Its values in row-major order, little-endian, whatever the strides and byte order in the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read or does not have all values. The message has the tensor's key.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        self.view.read().map_err(|kind| {
            let name = format!("{}: tensor {}", self.file, one_line(&self.path.join(".")));
            Error::new(&name, kind)
        })
    }

    /// Whether both are the same bytes of the same file, seen in the same way; nothing is read.
    pub fn is_same_place(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.view, &other.view) || self.view.is_same_place(&other.view)
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, dtype, shape) = (self.path().join("."), self.dtype(), self.shape());
        write!(f, "Tensor({path}, {dtype}, {shape:?})")
    }
}
