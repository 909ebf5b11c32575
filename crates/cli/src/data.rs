//! Data sets by path or by name.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use burn_zoo_train::CIFAR;

use crate::fetch;

/// What marks a name of a data set that is to be fetched.
const DOWNLOAD: &str = "download:";

/// The path of a data set; `download:cifar-10` is fetched into the cache on first use.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.to_str().and_then(|path| path.strip_prefix(DOWNLOAD)) else {
        return Ok(path.to_path_buf());
    };
    match CIFAR.iter().find(|archive| archive.name == name) {
        Some(archive) => fetch::data(archive),
        None => {
            let known = CIFAR.map(|archive| archive.name).join(" and ");
            bail!("no data set {name} to download; known are {known}")
        }
    }
}
