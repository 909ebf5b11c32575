//! Reads saved networks as a tree of values and tensors.
//!
//! Supported are PyTorch's `torch.save` in all its forms, including whole modules, TorchScript,
//! `torch.export` and safetensors, also in shards. A file's content determines its format, never its
//! name; the error for any other file names its format and says what to do. Reading never calls or
//! imports anything that a file names, and uses memory in proportion to the file.
//!
//! ```no_run
//! # fn main() -> Result<(), burn_zoo_checkpoint::Error> {
//! let archive = burn_zoo_checkpoint::Archive::open("checkpoint_epoch_0010.pth")?;
//! for tensor in archive.tensors() {
//!     println!("{} {} {:?}", tensor.path().join("."), tensor.dtype(), tensor.shape());
//! }
//! let epoch = archive.root().get("epoch").and_then(|epoch| epoch.as_i64());
//! # Ok(())
//! # }
//! ```

mod archive;
mod budget;
mod dtype;
mod error;
mod index;
mod pickle;
mod safetensors;
mod source;
mod storage;
mod tensor;
#[cfg(feature = "testing")]
pub mod testing;
mod torch;
mod tree;
mod value;
mod view;
mod what;
mod zip;

pub use archive::{Archive, Format};
pub use dtype::Dtype;
pub use error::{Error, ErrorKind};
pub use tensor::Tensor;
pub use value::{Dict, List, Value};

#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
