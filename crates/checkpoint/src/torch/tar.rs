//! `torch.save` before 0.1.10: four files in a tar archive.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::legacy;
use crate::archive::{Format, Opened};
use crate::budget::Budget;
use crate::dtype::Dtype;
use crate::error::ErrorKind;
use crate::pickle::{self, Input, Pickle, Slot};
use crate::source::Source;
use crate::storage::{Place, Storage};
use crate::tree::{self, Classes, Ids, Named};
use crate::view::View;

const BLOCK: u64 = 512;
/// Offset of the magic word.
const MAGIC: usize = 257;
/// Memory budget of one table entry, in bytes.
const SMALL: u64 = 4 << 10;
/// The most dimensions of a tensor.
const RANK: u32 = 64;

pub(crate) fn is_tar(head: &[u8]) -> bool {
    head.get(MAGIC..)
        .is_some_and(|rest| rest.starts_with(b"ustar"))
}

/// Tensors by key; views share them.
type Table = HashMap<Arc<str>, Named>;

pub(crate) fn tar(name: &Arc<str>, source: &Source) -> Result<Opened, ErrorKind> {
    let len = source.len();
    let entries = entries(source)?;
    let range = |entry: &str| {
        entries
            .iter()
            .rev()
            .find(|(name, _)| name == entry)
            .map(|(_, range)| range.clone())
    };
    let (Some(objects), Some(storages), Some(tensors)) =
        (range("pickle"), range("storages"), range("tensors"))
    else {
        let names: Vec<_> = entries.iter().take(3).map(|(name, _)| &**name).collect();
        return Err(ErrorKind::not_weights(
            format!("a tar archive of other files ({})", names.join(", ")),
            "unpack it (tar xf) and open the weights in it",
        ));
    };
    let mut budget = Budget::new(len);
    let mut table = Table::new();
    read_storages(source, storages, &mut table, &mut budget)?;
    let mut views = read_tensors(source, tensors, &table, &mut budget)?;
    table.extend(views.drain());
    let mut input = Input::new(source, objects.start, objects.end);
    let pickle = pickle::load(&mut input, &mut budget)?;
    let mut budget = Budget::new(len);
    let tree = tree::build(
        pickle,
        Ids::Table(table),
        Classes::new(),
        name,
        len,
        &mut budget,
    )?;
    Ok(Opened {
        format: Format::PytorchTar,
        ..Opened::pytorch(tree)
    })
}

/// The table of storages: a count, then key, location, class and data of each; then their views.
fn read_storages(
    source: &Source,
    range: Range<u64>,
    table: &mut Table,
    budget: &mut Budget,
) -> Result<(), ErrorKind> {
    let mut input = Input::new(source, range.start, range.end);
    for _ in 0..count(&mut input)? {
        let entry = pickle::load(&mut input, &mut Budget::new(SMALL))?;
        let class = entry
            .global(item(&entry, 2))
            .and_then(|name| name.rsplit('.').next());
        let dtype = class.and_then(Dtype::from_storage);
        let (Some(key), Some(dtype)) = (key(&entry, item(&entry, 0)), dtype) else {
            return Err(ErrorKind::damaged("a storage has an unknown type"));
        };
        let storage = legacy::storage(&mut input, source, dtype)?;
        budget.take(256)?;
        table.insert(key, Named::Storage(Arc::new(storage), dtype));
    }
    // Key, key of the base, offset and number of elements.
    let parts = pickle::load(&mut input, budget)?;
    for slot in parts
        .items(parts.root)
        .into_iter()
        .flat_map(|items| items.iter())
    {
        let Some(part) = parts.items(slot) else {
            continue;
        };
        let at = |index| part.get(index).unwrap_or(Slot::None);
        let number = |slot| {
            parts
                .int(slot)
                .and_then(|number| u64::try_from(number).ok())
        };
        let whole = key(&parts, at(1)).and_then(|key| table.get(&key).cloned());
        let (Some(key), Some(Named::Storage(whole, dtype)), Some(from), Some(elements)) =
            (key(&parts, at(0)), whole, number(at(2)), number(at(3)))
        else {
            continue;
        };
        let (Some(offset), Some(len)) = (dtype.bytes(from), dtype.bytes(elements)) else {
            continue;
        };
        if offset
            .checked_add(len)
            .is_none_or(|end| whole.len().is_none_or(|all| end > all))
        {
            continue;
        }
        budget.take(256)?;
        let order = whole.order;
        // A view of a view would make reading recursive.
        let Place::File {
            source,
            offset: start,
            ..
        } = &whole.place
        else {
            continue;
        };
        let place = Place::File {
            source: source.clone(),
            offset: start + offset,
            len,
        };
        table.insert(
            key,
            Named::Storage(Arc::new(Storage { place, order }), dtype),
        );
    }
    Ok(())
}

/// The table of tensors: a count, then for each tensor its key, storage key and class; then rank
/// (and four unused bytes), sizes, strides and offset.
fn read_tensors(
    source: &Source,
    range: Range<u64>,
    storages: &Table,
    budget: &mut Budget,
) -> Result<Table, ErrorKind> {
    let mut input = Input::new(source, range.start, range.end);
    let mut table = Table::new();
    for _ in 0..count(&mut input)? {
        let entry = pickle::load(&mut input, &mut Budget::new(SMALL))?;
        let rank = u32::from_le_bytes(input.array()?);
        input.skip(4)?;
        if rank > RANK {
            return Err(ErrorKind::damaged("a tensor has more than 64 dimensions"));
        }
        let mut numbers = Vec::new();
        for _ in 0..rank * 2 + 1 {
            numbers.push(u64::from_le_bytes(input.array()?));
        }
        let storage = key(&entry, item(&entry, 1)).and_then(|key| storages.get(&key));
        let (Some(key), Some(Named::Storage(storage, dtype))) =
            (key(&entry, item(&entry, 0)), storage)
        else {
            continue;
        };
        let (shape, rest) = numbers.split_at(rank as usize);
        let (strides, offset) = rest.split_at(rank as usize);
        budget.take(512)?;
        let view = View::new(
            storage.clone(),
            *dtype,
            shape,
            Some(strides),
            offset[0],
            source.len(),
        );
        if let Ok(view) = view {
            table.insert(key, Named::View(view));
        }
    }
    Ok(table)
}

fn count(input: &mut Input) -> Result<i64, ErrorKind> {
    let count = pickle::load(input, &mut Budget::new(SMALL))?;
    let count = count.int(count.root);
    count.ok_or_else(|| ErrorKind::damaged("a table of its tensors has no length"))
}

fn item(pickle: &Pickle, index: usize) -> Slot {
    let items = pickle.items(pickle.root);
    items
        .and_then(|items| items.get(index))
        .unwrap_or(Slot::None)
}

fn key(pickle: &Pickle, slot: Slot) -> Option<Arc<str>> {
    match slot {
        Slot::Int(number) => Some(number.to_string().into()),
        other => pickle.text(other),
    }
}

/// Names and ranges of the regular files.
fn entries(source: &Source) -> Result<Vec<(String, Range<u64>)>, ErrorKind> {
    let len = source.len();
    let mut entries = Vec::new();
    let mut at = 0;
    while at + BLOCK <= len {
        let header = source.bytes(at, BLOCK)?;
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let size = octal(&header[124..136]);
        let size = size.ok_or_else(|| ErrorKind::damaged("its tar archive has a broken header"))?;
        let start = at + BLOCK;
        let end = start.checked_add(size).filter(|&end| end <= len);
        let name = name(&header);
        let end = end.ok_or_else(|| {
            ErrorKind::cut_off(format!(
                "{name} in its tar archive has {} of {size} bytes",
                len - start
            ))
        })?;
        if matches!(header[156], b'0' | 0) {
            entries.push((name, start..end));
        }
        at = start + size.div_ceil(BLOCK) * BLOCK;
    }
    Ok(entries)
}

fn name(header: &[u8]) -> String {
    let name = &header[..100];
    let end = name.iter().position(|&byte| byte == 0);
    let name = String::from_utf8_lossy(&name[..end.unwrap_or(name.len())]);
    name.trim_start_matches("./").to_owned()
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(['\0', ' ']);
    if text.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(text, 8).ok()
}
