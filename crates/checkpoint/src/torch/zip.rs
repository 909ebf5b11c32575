//! `torch.save` since PyTorch 1.6, and TorchScript: a zip archive with pickles and raw storages.

use std::collections::HashMap;
use std::sync::Arc;

use super::script;
use crate::archive::{Format, Opened};
use crate::budget::Budget;
use crate::error::ErrorKind;
use crate::pickle::{self, Input, Pickle};
use crate::source::Source;
use crate::storage::Order;
use crate::tree::{self, Classes, Ids, Tree, ZipStorages};
use crate::zip::Zip;

/// The longest entry that holds a single word, in bytes.
const WORD: u64 = 64;
/// Bytes that a compressed pickle may unpack to, in addition to four times the file.
const UNPACKED: u64 = 8 << 20;

/// The folder of `data.pkl`, as a prefix of entry names. If there are several, the shortest.
pub(crate) fn find(zip: &Zip) -> Option<String> {
    let names = zip.entries.iter().map(|entry| &*entry.name);
    let folders = names.filter_map(|name| name.strip_suffix("data.pkl"));
    let folders = folders.filter(|folder| folder.is_empty() || folder.ends_with('/'));
    folders
        .min_by_key(|folder| (folder.matches('/').count(), folder.len()))
        .map(str::to_owned)
}

/// Reads `data.pkl` in a folder of the archive.
pub(crate) fn zip(name: &Arc<str>, zip: Zip, folder: &str, len: u64) -> Result<Opened, ErrorKind> {
    let zip = Arc::new(zip);
    let has = |entry: &str| zip.entry(&format!("{folder}{entry}")).is_some();
    let code = format!("{folder}code/");
    let is_script = has("constants.pkl")
        || zip
            .entries
            .iter()
            .any(|entry| entry.name.starts_with(&code));
    let classes = if is_script {
        script::classes(&zip, &code)?
    } else {
        Classes::new()
    };
    let tree = tree(name, &zip, folder, classes, len)?;
    if is_script {
        script::check(&zip, folder, &tree)?;
    }
    let format = if is_script {
        Format::TorchScript
    } else {
        Format::PytorchZip
    };
    Ok(Opened {
        format,
        ..Opened::pytorch(tree)
    })
}

fn tree(
    name: &Arc<str>,
    zip: &Arc<Zip>,
    folder: &str,
    classes: Classes,
    len: u64,
) -> Result<Tree, ErrorKind> {
    let (pickle, mut budget) = load(zip, &format!("{folder}data.pkl"), len)?;
    let order = match zip
        .read_named(&format!("{folder}byteorder"), WORD)?
        .as_deref()
    {
        None | Some(b"little") => Order::Little,
        Some(b"big") => Order::Big,
        Some(_) => {
            return Err(ErrorKind::damaged(
                "its byteorder is neither little nor big",
            ));
        }
    };
    let ids = Ids::Zip(ZipStorages {
        zip: zip.clone(),
        // Before PyTorch 1.4, TorchScript had `tensors`.
        folders: vec![
            format!("{folder}data/"),
            format!("{folder}tensors/"),
            folder.to_owned(),
        ],
        order,
        found: HashMap::new(),
    });
    tree::build(pickle, ids, classes, name, len, &mut budget)
}

/// The pickle of an entry, and the memory budget of its tree.
fn load(zip: &Zip, name: &str, len: u64) -> Result<(Pickle, Budget), ErrorKind> {
    let missing = || ErrorKind::damaged(format!("it has no {name}"));
    let entry = zip.entry(name).ok_or_else(missing)?;
    let described = entry.size.min(len);
    let mut budget = Budget::new(described);
    let mut input = if entry.is_stored() {
        let start = entry.start(&zip.source)?;
        Input::new(&zip.source, start, start + entry.size)
    } else {
        let bytes = zip.read(entry, UNPACKED + len.saturating_mul(4))?;
        let source = Source::memory(bytes);
        Input::new(&source, 0, entry.size)
    };
    let pickle = pickle::load(&mut input, &mut budget)?;
    Ok((pickle, Budget::new(described)))
}
