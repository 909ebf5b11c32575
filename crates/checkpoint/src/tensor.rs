//! Tensors of a file, read when needed.

use std::fmt;
use std::sync::Arc;

use crate::dtype::Dtype;
use crate::error::{Error, one_line};
use crate::view::View;

/// A tensor of a file. Its values stay there until [`read`](Self::read). Cheap to clone.
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

    /// Keys of the dictionaries, indices of the lists and names of the attributes that lead from
    /// the root to it; the last is its own key, which may contain full stops. It is empty where
    /// the tensor is all that the file holds.
    pub fn path(&self) -> &[Arc<str>] {
        &self.path
    }

    /// Format of its numbers.
    pub fn dtype(&self) -> Dtype {
        self.view.dtype
    }

    /// Sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.view.shape
    }

    /// Bytes of its values.
    pub fn byte_len(&self) -> u64 {
        self.view.bytes
    }

    /// Why its values cannot be read, if that is known without reading.
    pub fn problem(&self) -> Option<&str> {
        self.view.problem
    }

    /// Its values in row-major order, little-endian, whatever strides and order the file has.
    ///
    /// # Errors
    ///
    /// The file cannot be read or does not have them all; the message has the tensor's key.
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
