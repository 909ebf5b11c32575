//! Weight files: their content ([`Checkpoint`]), the place of a network in them ([`Found`]), loading
//! ([`load`]), saving ([`save`]), and the published files ([`WeightsMeta`]).

mod burnpack;
mod checkpoint;
mod choose;
mod extra;
mod find;
mod head;
mod index;
mod keys;
mod layout;
mod load;
mod meta;
mod naming;
mod nearest;
mod place;
mod said;
mod save;
mod select;
mod state;

pub use checkpoint::{Checkpoint, Container, TensorInfo};
pub use keys::{KeyRow, Slot, slots};
pub use layout::{Dialect, Layout};
pub use load::load;
pub use meta::{Licence, WeightsMeta};
pub use nearest::Nearness;
pub use place::{Found, FoundHead, Place, Search};
pub use said::Said;
pub use save::{Dtype, save, to_burnpack, to_safetensors, write};
pub use select::{Glob, Rename, Select};
pub use state::StateDict;
