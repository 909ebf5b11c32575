//! Records a classifier's forward pass with Burn's capture device, and tells what it costs:
//! output shapes, parameters and multiply-accumulates per stage.
//!
//! Nothing is worked out by hand from layer types: the numbers come from the operations that the
//! module itself ran.

mod cost;
mod parameters;
mod record;
mod summary;

pub use parameters::Parameter;
pub use record::{Recording, record, record_built};
pub use summary::{Stage, Summary, macs_of, summarise};
