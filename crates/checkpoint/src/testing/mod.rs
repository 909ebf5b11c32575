//! Writers of the files that this crate reads, for tests: what PyTorch writes, byte by byte.
//!
//! Behind the feature `testing`. They write whatever they are told, whether it makes sense or not.

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
