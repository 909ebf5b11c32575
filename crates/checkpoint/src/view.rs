//! A view of a storage as a tensor.

use std::sync::Arc;

use crate::dtype::Dtype;
use crate::error::ErrorKind;
use crate::storage::{Order, Storage};

/// The most dimensions of a tensor: PyTorch's limit.
const RANK: usize = 64;

/// A tensor without a name.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) storage: Arc<Storage>,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Box<[usize]>,
    /// Strides in elements. `None` if row-major.
    strides: Option<Box<[u64]>>,
    /// Index of the first element in the storage.
    first: u64,
    pub(crate) bytes: u64,
    pub(crate) problem: Option<&'static str>,
}

impl View {
    /// A view with sizes and strides in elements, in a file of `len` bytes. An error if no such
    /// tensor fits the file; a view that extends past its storage has a [`problem`](Self::problem).
    pub(crate) fn new(
        storage: Arc<Storage>,
        dtype: Dtype,
        shape: &[u64],
        strides: Option<&[u64]>,
        first: u64,
        len: u64,
    ) -> Result<Self, &'static str> {
        let elements = shape
            .iter()
            .try_fold(1_u64, |all, &size| all.checked_mul(size));
        let bytes = elements.and_then(|elements| dtype.bytes(elements));
        let most = storage.most(len);
        // A tensor without values may still have sizes.
        let largest = shape.iter().max().copied().unwrap_or(0);
        let bytes = bytes.filter(|&bytes| bytes.max(largest) <= most);
        let bytes = bytes.ok_or("it is larger than the file")?;
        if shape.len() > RANK || strides.is_some_and(|strides| strides.len() != shape.len()) {
            return Err("its shape is invalid");
        }
        let strides = strides.filter(|strides| !is_row_major(shape, strides));
        let mut view = Self {
            storage,
            dtype,
            shape: shape.iter().map(|&size| size as usize).collect(),
            strides: strides.map(Into::into),
            first,
            bytes,
            problem: None,
        };
        let end = view.span().and_then(|span| view.start()?.checked_add(span));
        let stored = view.storage.len();
        let is_inside = bytes == 0 || end.is_some_and(|end| stored.is_none_or(|len| end <= len));
        if !is_inside {
            view.problem = Some("its values are outside its storage");
        }
        Ok(view)
    }

    pub(crate) fn with_problem(mut self, problem: Option<&'static str>) -> Self {
        self.problem = self.problem.or(problem);
        self
    }

    fn start(&self) -> Option<u64> {
        self.dtype.bytes(self.first)
    }

    /// Bytes from its first to its last element.
    fn span(&self) -> Option<u64> {
        let Some(strides) = &self.strides else {
            return Some(self.bytes);
        };
        let steps = self.shape.iter().zip(strides);
        let last =
            steps.map(|(&size, &stride)| (size as u64).saturating_sub(1).checked_mul(stride));
        let last = last
            .into_iter()
            .try_fold(0_u64, |all, step| all.checked_add(step?))?;
        self.dtype.bytes(last.checked_add(1)?)
    }

    /// The values in row-major order, little-endian.
    pub(crate) fn read(&self) -> Result<Vec<u8>, ErrorKind> {
        if let Some(problem) = self.problem {
            return Err(ErrorKind::damaged(problem));
        }
        if self.bytes == 0 {
            return Ok(Vec::new());
        }
        let overflow = || ErrorKind::damaged("it is larger than the file");
        let (start, span) = (
            self.start().ok_or_else(overflow)?,
            self.span().ok_or_else(overflow)?,
        );
        let mut bytes = self.storage.read(start, span)?;
        if let Some(strides) = &self.strides {
            bytes = gather(
                &bytes,
                &self.shape,
                strides,
                self.dtype.bits() / 8,
                self.bytes,
            );
        }
        let word = self.dtype.word();
        if self.storage.order == Order::Big && word > 1 {
            for word in bytes.chunks_exact_mut(word) {
                word.reverse();
            }
        }
        Ok(bytes)
    }

    /// Bytes that must be read to get it.
    pub(crate) fn cost(&self) -> u64 {
        self.bytes.max(self.storage.cost())
    }

    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.storage.is_same(&other.storage)
            && (self.dtype, &self.shape, &self.strides, self.first)
                == (other.dtype, &other.shape, &other.strides, other.first)
    }
}

/// Whether it is row-major. Strides of dimensions of size 1 do not matter.
fn is_row_major(shape: &[u64], strides: &[u64]) -> bool {
    let mut step = 1_u64;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == step;
        step = step.saturating_mul(size);
        fits
    }) || shape.contains(&0)
}

/// Copies elements of `width` bytes into row-major order.
fn gather(bytes: &[u8], shape: &[usize], strides: &[u64], width: usize, len: u64) -> Vec<u8> {
    let mut gathered = Vec::with_capacity(len as usize);
    let mut index = vec![0_usize; shape.len()];
    let (Some((&inner, outer)), Some((&step, steps))) = (shape.split_last(), strides.split_last())
    else {
        return bytes.to_vec();
    };
    let step = step as usize * width;
    loop {
        let places = index.iter().zip(steps);
        let start: u64 = places.map(|(&at, &stride)| at as u64 * stride).sum();
        let mut at = start as usize * width;
        for _ in 0..inner {
            gathered.extend_from_slice(&bytes[at..at + width]);
            at += step;
        }
        let mut axis = outer.len();
        loop {
            let Some(next) = axis.checked_sub(1) else {
                return gathered;
            };
            axis = next;
            index[axis] += 1;
            if index[axis] < outer[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::storage::Place;

    fn view(shape: &[u64], strides: &[u64], first: u64) -> Result<View, &'static str> {
        let source = Source::memory((0..64).collect());
        let storage = Storage {
            place: Place::File {
                source,
                offset: 8,
                len: 24,
            },
            order: Order::Little,
        };
        View::new(
            Arc::new(storage),
            Dtype::U8,
            shape,
            Some(strides),
            first,
            64,
        )
    }

    #[test]
    fn strides_put_values_in_order() {
        let read = |shape: &[u64], strides: &[u64], first| {
            view(shape, strides, first).unwrap().read().unwrap()
        };
        assert_eq!(read(&[2, 3], &[3, 1], 0), [8, 9, 10, 11, 12, 13]);
        assert_eq!(read(&[3, 2], &[1, 3], 1), [9, 12, 10, 13, 11, 14]);
        assert_eq!(read(&[2, 2], &[0, 5], 2), [10, 15, 10, 15]);
        assert_eq!(read(&[2, 1, 2], &[4, 99, 2], 0), [8, 10, 12, 14]);
        assert_eq!(read(&[], &[], 3), [11]);
        assert_eq!(read(&[0, 3], &[9, 9], 90), [0_u8; 0]);
    }

    #[test]
    fn what_lies_outside_is_known_before_it_is_read() {
        assert_eq!(view(&[24], &[1], 0).unwrap().problem, None);
        assert!(view(&[24], &[1], 1).unwrap().problem.is_some());
        assert!(view(&[2], &[24], 0).unwrap().read().is_err());
        assert!(view(&[2], &[u64::MAX], 1).unwrap().problem.is_some());
        assert!(view(&[65], &[0], 0).is_err());
        assert!(view(&[1 << 40, 1 << 40], &[0, 0], 0).is_err());
        assert!(view(&[0, 1 << 40], &[0, 0], 0).is_err());
    }
}
