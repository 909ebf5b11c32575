//! Reads the files that people save trained networks in, as a tree of values and tensors.
//!
//! PyTorch's `torch.save` in all its forms, whole modules among them, TorchScript, `torch.export`
//! and safetensors, also in shards. What a file is follows from its content, never from its name;
//! other files are named by their usual name with what to do. Nothing in a file is ever called or
//! imported, and memory stays in proportion to it.
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
