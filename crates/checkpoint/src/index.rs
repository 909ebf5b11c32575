//! The index of a network whose tensors are in several files.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path};

use serde::Deserialize;

use crate::archive::{Archive, Format, Opened};
use crate::error::ErrorKind;
use crate::source::Source;
use crate::value::{Dict, Value};

/// The longest index, in bytes. The index of a network with 10,000 tensors has 1 MB.
const LONGEST: u64 = 32 << 20;

/// Maps each tensor to its file.
#[derive(Deserialize)]
pub(crate) struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Parses a file as an index. `None` if it is not one.
pub(crate) fn shards(source: &Source) -> Option<Index> {
    let head = source.head(64).ok()?;
    if source.len() > LONGEST || !head.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(&source.bytes(0, source.len()).ok()?).ok()
}

/// Opens all files that an index names; they must be in the folder of the index.
pub(crate) fn open(index: Index, folder: Option<&Path>) -> Result<(Opened, u64), ErrorKind> {
    let Some(folder) = folder else {
        return Err(ErrorKind::Unsupported(
            "the index of a sharded file; open it from the folder that holds the shards".into(),
        ));
    };
    let mut shards: BTreeMap<String, Archive> = BTreeMap::new();
    let mut len = 0;
    let mut tensors = Vec::new();
    for file in index.weight_map.values() {
        if shards.contains_key(file) {
            continue;
        }
        let path = Path::new(file);
        if !path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            let reason = format!("it names the file {file}, which is outside its folder");
            return Err(ErrorKind::Unsupported(reason));
        }
        let shard = read(&folder.join(path), file)?;
        len += shard.len();
        for tensor in shard.tensors() {
            let key = tensor.path().join(".");
            if index.weight_map.get(&key) == Some(file) {
                tensors.push(tensor.clone());
            }
        }
        shards.insert(file.clone(), shard);
    }
    let found: HashMap<_, _> = tensors
        .iter()
        .map(|tensor| (tensor.path().join("."), ()))
        .collect();
    if let Some((key, file)) = index
        .weight_map
        .iter()
        .find(|(key, _)| !found.contains_key(*key))
    {
        let reason = format!("{key} is not in {file}, where the index places it");
        return Err(ErrorKind::damaged(reason));
    }
    let pairs = tensors.iter().enumerate().map(|(at, tensor)| {
        let key = tensor.path().join(".");
        (Value::Text(key.into()), Value::Tensor(at))
    });
    let pairs = pairs.collect();
    let metadata = shards
        .values()
        .flat_map(|shard| shard.metadata().clone())
        .collect();
    let opened = Opened {
        format: Format::SafetensorsIndex,
        tensors,
        root: Value::Dict(Dict { class: None, pairs }),
        metadata,
    };
    Ok((opened, len))
}

fn read(path: &Path, file: &str) -> Result<Archive, ErrorKind> {
    if !path.is_file() {
        let reason =
            format!("its shard {file} is missing; fetch all the files that the index names");
        return Err(ErrorKind::Damaged(reason));
    }
    Archive::open_shard(path).map_err(|error| match error.kind() {
        ErrorKind::Damaged(reason) => ErrorKind::Damaged(format!("its file {file}: {reason}")),
        other => ErrorKind::Unsupported(format!("its file {file}: {other}")),
    })
}
