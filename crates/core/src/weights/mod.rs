//! Weight files: what they hold ([`Checkpoint`]), how they get into a module ([`load`]) and out
//! of it ([`save`]), and what is known of the published ones ([`WeightsMeta`]).

mod adapt;
mod checkpoint;
mod guard;
mod keys;
mod load;
mod meta;
mod save;
mod source;

pub use checkpoint::{Checkpoint, Container, TensorInfo};
pub use keys::{KeyRow, Slot, slots};
pub use load::{Differences, load};
pub use meta::{Licence, WeightsMeta};
pub use save::{Dtype, save, to_burnpack, to_safetensors, write};
