//! Our errors through Burn's, and out again.

use std::sync::Mutex;

use burn::data::dataset::DatasetError;
use burn_zoo_core::Error;

/// Our error on its way through Burn's, which only lends what it holds.
#[derive(Debug)]
struct Carried(Mutex<Option<Error>>);

/// Our own error in Burn's.
pub(super) fn pack(error: Error) -> DatasetError {
    DatasetError::new(Carried(Mutex::new(Some(error))))
}

/// Our own error out of Burn's.
pub(crate) fn unpack(error: &DatasetError) -> Error {
    let inner = std::error::Error::source(error);
    let carried = inner.and_then(|inner| inner.downcast_ref::<Carried>());
    let own = carried.and_then(|carried| carried.0.lock().ok()?.take());
    own.unwrap_or_else(|| Error::Training {
        reason: error.to_string(),
    })
}

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.lock().as_deref() {
            Ok(Some(error)) => error.fmt(f),
            _ => f.write_str("an image could not be loaded"),
        }
    }
}

impl std::error::Error for Carried {}
