//! Writers of the formats that this crate reads, for tests: the same bytes as PyTorch writes.
//!
//! Requires the feature `testing`. The writers do not check their input.

mod container;
mod damage;
mod forms;
mod pickle;
mod value;
mod zip;

pub use container::{
    bare, export, export_old, index, legacy, safetensors, script, script_entries, tar,
    torch_entries, torch_zip,
};
pub use damage::{Dice, damage};
pub use forms::{forms, numpy, weights};
pub use pickle::{Pickled, pickle};
pub use value::{Array, Py, call, dict, global, module, object, state_dict, text, tuple};
pub use zip::{ZipOptions, write_zip};
