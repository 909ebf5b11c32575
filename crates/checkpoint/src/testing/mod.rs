//! Writers of the files that this crate reads, for tests: what PyTorch writes, byte by byte.
//!
//! Behind the feature `testing`. They write whatever they are told, whether it makes sense or not.

mod container;
mod pickle;
mod value;
mod zip;

pub use container::{
    bare, export, export_old, index, legacy, safetensors, script, script_entries, tar,
    torch_entries, torch_zip,
};
pub use pickle::{Pickled, pickle};
pub use value::{Array, Py, call, dict, global, module, object, state_dict, text, tuple};
pub use zip::{ZipOptions, write_zip};
