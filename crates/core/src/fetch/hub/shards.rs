//! Sharded safetensors files, which an index lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use super::name;
use crate::Error;

/// The longest index, in bytes. An index of a thousand tensors has a hundred kilobytes.
const LONGEST_INDEX: u64 = 16 << 20;
/// The most files of an index: more than any published model has.
const MOST_SHARDS: usize = 1000;

/// The files that an index lists, by their paths in the repository. Empty if the file is not an index.
pub(super) fn of(file: &str, path: &Path) -> Result<Vec<String>, Error> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    if !file.ends_with(".safetensors.index.json") {
        return Ok(Vec::new());
    }
    let read = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let wrong = |reason: String| Error::Container {
        name: path.display().to_string(),
        reason,
    };
    let mut text = Vec::new();
    let index = File::open(path).map_err(read)?;
    index
        .take(LONGEST_INDEX)
        .read_to_end(&mut text)
        .map_err(read)?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("it is not an index of safetensors files ({error})")))?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    if shards.len() > MOST_SHARDS {
        return Err(wrong(format!(
            "it lists {} files; at most {MOST_SHARDS} are allowed",
            shards.len()
        )));
    }
    if let Some(shard) = shards.iter().find(|shard| !name::is_relative(shard)) {
        return Err(wrong(format!(
            "it lists {shard:?}, which is not a file in the same folder"
        )));
    }
    let folder = file.rsplit_once('/').map(|(folder, _)| folder);
    let place = |shard: String| match folder {
        Some(folder) => format!("{folder}/{shard}"),
        None => shard,
    };
    Ok(shards.into_iter().map(place).collect())
}
