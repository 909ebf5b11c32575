//! safetensors: a JSON header, then the values without gaps.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};

use crate::archive::{Format, Opened};
use crate::dtype::Dtype;
use crate::error::{ErrorKind, one_line};
use crate::source::Source;
use crate::storage::{Order, Place, Storage};
use crate::tensor::Tensor;
use crate::value::{Dict, Value};
use crate::view::View;

/// Bytes of the header's length field.
const LENGTH: u64 = 8;
/// The longest header that the format allows.
const LONGEST: u64 = 100_000_000;

/// Whether a file begins with a plausible length and an opening brace. A file that is shorter than
/// its header is cut off.
pub(crate) fn is_safetensors(head: &[u8], len: u64) -> bool {
    let header = header_len(head);
    let is_plausible = header.is_some_and(|header| header >= 2 && header <= LONGEST.max(len));
    is_plausible && head.get(8) == Some(&b'{')
}

fn header_len(head: &[u8]) -> Option<u64> {
    let bytes = head.get(..8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// The whole header.
struct Header {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(Arc<str>, Info)>,
}

#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

pub(crate) fn open(name: &Arc<str>, source: &Source) -> Result<Opened, ErrorKind> {
    let header_len = header_len(&source.head(LENGTH)?).unwrap_or_default();
    if header_len > LONGEST {
        let reason = format!("its safetensors header has {header_len} bytes");
        return Err(ErrorKind::damaged(reason));
    }
    let start = LENGTH + header_len;
    let bytes = source.bytes(LENGTH, header_len);
    let bytes = bytes.map_err(|_| cut(source.len(), start))?;
    let header: Header = serde_json::from_slice(&bytes)
        .map_err(|error| ErrorKind::damaged(format!("its safetensors header: {error}")))?;
    drop(bytes);
    let Header {
        metadata,
        mut tensors,
    } = header;
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let end = tensors.last().map_or(0, |(_, info)| info.data_offsets.1);
    let all = start.saturating_add(end);
    if all > source.len() {
        return Err(cut(source.len(), all));
    }
    if all < source.len() {
        let reason = format!("{} extra bytes follow its last tensor", source.len() - all);
        return Err(ErrorKind::damaged(reason));
    }
    let mut opened = Opened {
        format: Format::Safetensors,
        tensors: Vec::new(),
        root: Value::Null,
        metadata,
    };
    let mut pairs = Vec::new();
    let mut at = 0;
    for (key, info) in tensors {
        let (from, to) = info.data_offsets;
        let reason = |reason: &str| format!("tensor {} {reason}", one_line(&key));
        let Some(dtype) = Dtype::from_safetensors(&info.dtype) else {
            let reason = reason(&format!("has the unknown type {}", one_line(&info.dtype)));
            return Err(ErrorKind::Unsupported(reason));
        };
        if from != at || to < from {
            return Err(ErrorKind::damaged(reason(
                "does not begin where the previous one ends",
            )));
        }
        at = to;
        let place = Place::File {
            source: source.clone(),
            offset: start + from,
            len: to - from,
        };
        let storage = Storage {
            place,
            order: Order::Little,
        };
        let view = View::new(Arc::new(storage), dtype, &info.shape, None, 0, source.len());
        let view = view.ok().filter(|view| view.bytes == to - from);
        let view = view.ok_or_else(|| {
            ErrorKind::damaged(reason("has a shape that does not match its byte count"))
        })?;
        pairs.push((Value::Text(key.clone()), Value::Tensor(pairs.len())));
        opened.tensors.push(Tensor::new(name, &[key], view));
    }
    opened.root = Value::Dict(Dict {
        class: None,
        pairs: pairs.into(),
    });
    Ok(opened)
}

fn cut(len: u64, all: u64) -> ErrorKind {
    ErrorKind::cut_off(format!("it has {len} of {all} bytes"))
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from keys to tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header {
            metadata: BTreeMap::new(),
            tensors: Vec::new(),
        };
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let key: Arc<str> = key.into();
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(format!(
                    "duplicate key {}",
                    one_line(&key)
                )));
            }
            if &*key == "__metadata__" {
                header.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
            } else {
                header.tensors.push((key, map.next_value()?));
            }
        }
        Ok(header)
    }
}
