//! PyTorch's containers.

mod export;
mod legacy;
mod script;
mod tar;
mod zip;

pub(crate) use legacy::{is_legacy, nested_storage};
pub(crate) use tar::is_tar;

pub(crate) use self::export::{export, is_export};
pub(crate) use self::legacy::{bare, legacy};
pub(crate) use self::tar::tar;
pub(crate) use self::zip::{find, zip};
