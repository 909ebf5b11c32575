//! `torch.save` from 0.1.10 to 1.5: five pickles followed by the storages; also bare pickles.

use std::collections::HashMap;
use std::sync::Arc;

use crate::archive::Opened;
use crate::budget::Budget;
use crate::dtype::Dtype;
use crate::error::ErrorKind;
use crate::pickle::{self, Blob, Input, Node, Pickle, Slot};
use crate::source::Source;
use crate::storage::{Order, Place, Storage};
use crate::tree::{self, Classes, Ids, Named, Reference};

/// Memory budget of a header pickle, such as the version or the machine's type sizes, in bytes.
const SMALL: u64 = 64 << 10;

/// 0x1950a86a20f9469cfc6c, in the first pickle, at an offset that depends on its protocol.
pub(crate) fn is_legacy(head: &[u8]) -> bool {
    const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    let start = &head[..head.len().min(64)];
    start.windows(MAGIC.len()).any(|window| window == MAGIC)
        || start.starts_with(b"L119547037146038801333356L")
}

/// Reads magic number, version, machine, objects, order of the storages, and the storages.
pub(crate) fn legacy(name: &Arc<str>, source: &Source) -> Result<Opened, ErrorKind> {
    let len = source.len();
    let (pickle, named) = parts(source, 0, len)?;
    let mut budget = Budget::new(len);
    let ids = Ids::Table(named);
    let tree = tree::build(pickle, ids, Classes::new(), name, len, &mut budget)?;
    Ok(Opened::pytorch(tree))
}

fn parts(
    source: &Source,
    from: u64,
    end: u64,
) -> Result<(Pickle, HashMap<Arc<str>, Named>), ErrorKind> {
    let mut input = Input::new(source, from, end);
    for _ in 0..3 {
        pickle::load(&mut input, &mut Budget::new(SMALL))?;
    }
    let mut budget = Budget::new(input.left());
    let pickle = pickle::load(&mut input, &mut budget)?;
    let order = pickle::load(&mut input, &mut budget)?;
    let dtypes = dtypes(&pickle);
    let mut named = HashMap::new();
    let keys = order.items(order.root);
    let keys = keys.ok_or_else(|| ErrorKind::damaged("its list of storages is missing"))?;
    for slot in keys.iter() {
        let key = key(&order, slot);
        let dtype = key.as_ref().and_then(|key| dtypes.get(key));
        let (Some(key), Some(&dtype)) = (key, dtype) else {
            return Err(ErrorKind::damaged("it lists a storage that no tensor uses"));
        };
        let storage = storage(&mut input, source, dtype)?;
        budget.take(256)?;
        named.insert(key, Named::Storage(Arc::new(storage), dtype));
    }
    Ok((pickle, named))
}

/// Reads the count and position of the numbers, which are always little-endian.
pub(super) fn storage(
    input: &mut Input,
    source: &Source,
    dtype: Dtype,
) -> Result<Storage, ErrorKind> {
    let left = input.left();
    if left < 8 {
        return Err(cut(8, left));
    }
    let elements = u64::from_le_bytes(input.array()?);
    let left = input.left();
    let len = dtype.bytes(elements).unwrap_or(u64::MAX);
    if len > left {
        return Err(cut(len, left));
    }
    let offset = input.position();
    input.skip(len)?;
    let source = source.clone();
    Ok(Storage {
        place: Place::File {
            source,
            offset,
            len,
        },
        order: Order::Little,
    })
}

fn cut(len: u64, left: u64) -> ErrorKind {
    ErrorKind::cut_off(format!("a tensor has {left} of its {len} bytes"))
}

/// Number formats of the storages by key, each from the first reference to it.
fn dtypes(pickle: &Pickle) -> HashMap<Arc<str>, Dtype> {
    let mut dtypes = HashMap::new();
    for node in &pickle.nodes {
        if let Node::Persistent(id) = node
            && let Some(Reference::Storage { key, dtype, .. }) = Reference::read(pickle, *id)
        {
            dtypes.entry(key).or_insert(dtype);
        }
    }
    dtypes
}

fn key(pickle: &Pickle, slot: Slot) -> Option<Arc<str>> {
    match slot {
        Slot::Int(number) => Some(number.to_string().into()),
        other => pickle.text(other),
    }
}

/// A storage saved as a legacy file of its own, as `pickle.dump` writes a tensor.
pub(crate) fn nested_storage(blob: &Blob) -> Option<(Storage, Dtype, u64)> {
    let (source, from, end) = blob.range()?;
    let head = source.bytes(from, (end - from).min(64)).ok()?;
    if !is_legacy(&head) {
        return None;
    }
    let (pickle, named) = parts(&source, from, end).ok()?;
    let Node::Persistent(id) = pickle.node(pickle.root)? else {
        return None;
    };
    let Reference::Storage {
        key,
        elements,
        dtype,
        ..
    } = Reference::read(&pickle, *id)?
    else {
        return None;
    };
    match named.get(&key)? {
        Named::Storage(storage, _) => {
            let storage = Storage {
                place: storage.place.clone(),
                order: storage.order,
            };
            Some((storage, dtype, elements))
        }
        Named::View(_) => None,
    }
}

/// A bare pickle from Python's `pickle.dump`.
pub(crate) fn bare(name: &Arc<str>, source: &Source) -> Result<Opened, ErrorKind> {
    let len = source.len();
    let mut input = Input::new(source, 0, len);
    let mut budget = Budget::new(len);
    let pickle = pickle::load(&mut input, &mut budget)?;
    let mut budget = Budget::new(len);
    let ids = Ids::Table(HashMap::new());
    let tree = tree::build(pickle, ids, Classes::new(), name, len, &mut budget)?;
    Ok(Opened::pytorch(tree))
}
