//! The memo of a pickle, whose indices mostly count up from 0.

use std::collections::HashMap;

use super::Slot;

/// The largest gap of unused indices that the dense table may have.
const GAP: u64 = 1024;
// Bytes per entry; doubled for collections that reallocate as they grow.
const DENSE: u64 = 2 * size_of::<Option<Slot>>() as u64;
const SPARSE: u64 = 56;

#[derive(Default)]
pub(super) struct Memo {
    dense: Vec<Option<Slot>>,
    sparse: HashMap<u64, Slot>,
    len: u64,
}

impl Memo {
    /// Number of entries.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn get(&self, number: u64) -> Option<Slot> {
        let dense = usize::try_from(number).ok();
        let dense = dense.and_then(|number| self.dense.get(number).copied().flatten());
        dense.or_else(|| self.sparse.get(&number).copied())
    }

    /// Stores a value and returns the bytes that this takes.
    pub(super) fn put(&mut self, number: u64, slot: Slot) -> u64 {
        if self.get(number).is_none() {
            self.len += 1;
        }
        let len = self.dense.len() as u64;
        if number >= len + GAP {
            let old = self.sparse.insert(number, slot);
            return if old.is_none() { SPARSE } else { 0 };
        }
        let index = number as usize;
        if number >= len {
            self.dense.resize(index + 1, None);
        }
        self.dense[index] = Some(slot);
        (self.dense.len() as u64 - len) * DENSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_number_is_remembered() {
        let mut memo = Memo::default();
        for (number, value) in [(0, 10), (5000, 11), (2, 12), (2, 13), (u64::MAX, 14)] {
            memo.put(number, Slot::Int(value));
        }
        assert_eq!(memo.len(), 4);
        // The dense table has grown up to an index that was stored as sparse.
        for number in 3..6000 {
            memo.put(number, Slot::Int(number as i64));
        }
        let found = [0, 1, 2, 5000, 5999, 6000, u64::MAX].map(|number| memo.get(number));
        let expected = [
            Some(10),
            None,
            Some(13),
            Some(5000),
            Some(5999),
            None,
            Some(14),
        ];
        assert_eq!(found, expected.map(|value| value.map(Slot::Int)));
        assert_eq!(memo.len(), 1 + 5998 + 1);
    }
}
