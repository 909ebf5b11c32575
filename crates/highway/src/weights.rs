//! Published weights.

use burn_zoo_core::weights::WeightsMeta;

/// None: no weights of highway networks for images were ever published.
pub const ROWS: [WeightsMeta; 0] = [];
