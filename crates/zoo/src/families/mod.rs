//! The rows that each family gives to the registry.

use burn_zoo_core::weights::WeightsMeta;

use crate::architecture::Row;

mod resnet;

/// Every listed architecture.
pub(crate) fn rows() -> Vec<Row> {
    resnet::rows()
}

/// An architecture of a series without end.
pub(crate) fn unlisted(_name: &str) -> Option<Row> {
    None
}

/// Every published file.
pub(crate) static WEIGHTS: [&[WeightsMeta]; 1] = [&burn_zoo_resnet::ROWS];
