//! Weighs a pickle: what its objects would take in the reader's memory.
//!
//! A stack machine as the reader's, whose values are sizes only. It does not say whether a
//! pickle makes sense (the reader does), so it takes any callable by any name; none is called.

use std::collections::HashMap;
use std::io::{self, BufRead, Read as _};

/// Enough for a header such as a version or the machine's type sizes.
pub(super) const SMALL: u64 = 64 << 10;
/// The longest line of text: a number, or a name of a module or class.
const LINE: u64 = 64 << 10;

// Bytes per value in `pickle_reader.rs` of pytorch-reader 0.22.1, its collections grown.
/// On the stack or in the memo.
const PLACE: u64 = 160;
/// In a list or tuple.
const ITEM: u64 = 64;
/// In a dictionary, with its key.
const PAIR: u64 = 320;
/// A storage or a tensor: keys, shapes, where its bytes are.
const HANDLE: u64 = 300;
/// A tensor of a file that is open, ours of it and the reader's.
pub(super) const TENSOR: u64 = 1_200;
/// How many copies of a name there are until a tensor is in its network, and some.
const NAMES: u64 = 8;

/// What a pickle holds.
pub(super) struct Weighed {
    /// Bytes of its objects.
    pub(super) bytes: u64,
    /// Whether it is a list.
    pub(super) is_list: bool,
    /// The number that it is.
    pub(super) number: Option<u64>,
    /// The last class that it names.
    pub(super) global: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Other,
    Number(u64),
    /// A string of so many bytes.
    Text(u64),
    List,
    /// A function that makes a tensor of its arguments.
    Rebuild,
}

/// A value: what it takes apart from its place, and the tensors in it.
#[derive(Clone, Copy, Default)]
struct Value {
    kind: Kind,
    heap: u64,
    tensors: u64,
    /// Bytes of the tensors' names, which are their paths.
    names: u64,
    memo: Option<u32>,
}

impl Value {
    fn text(len: u64) -> Self {
        Self {
            kind: Kind::Text(len),
            heap: len + 32,
            ..Self::default()
        }
    }

    fn add(&mut self, other: Self, place: u64) {
        self.heap = self.heap.saturating_add(other.heap).saturating_add(place);
        self.tensors = self.tensors.saturating_add(other.tensors);
        self.names = self.names.saturating_add(other.names);
    }

    /// The names of the tensors below become longer by a key and a full stop.
    fn below(mut self, key: u64) -> Self {
        self.names = self
            .names
            .saturating_add((key + 1).saturating_mul(self.tensors));
        self
    }

    fn sequence(kind: Kind, items: &[Self]) -> Self {
        let mut sequence = Self {
            kind,
            ..Self::default()
        };
        for &item in items {
            // An index; or, of a pair in a list of pairs, the key.
            let key = match items {
                [
                    Self {
                        kind: Kind::Text(key),
                        ..
                    },
                    _,
                ] => *key,
                _ => 20,
            };
            sequence.add(item.below(key), ITEM);
        }
        sequence
    }

    fn insert(&mut self, items: &[Self]) {
        for pair in items.chunks(2) {
            let [key, value] = pair else { continue };
            let length = match key.kind {
                Kind::Text(length) => length,
                _ => 20,
            };
            self.add(*key, 0);
            self.add(value.below(length), PAIR);
        }
    }
}

struct Scale<'a, R> {
    stream: &'a mut R,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    live: u64,
    limit: u64,
    /// Bytes copied out of the memo and into it, for the time that it takes.
    copied: u64,
    global: String,
}

/// Reads one pickle to its end; an error if its objects would take more than `limit`.
pub(super) fn scan<R: BufRead>(stream: &mut R, limit: u64) -> Result<Weighed, String> {
    let mut scale = Scale {
        stream,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        live: 0,
        limit,
        copied: 0,
        global: String::new(),
    };
    scale.run()?;
    let root = scale.pop()?;
    scale.grow(
        root.heap
            .saturating_add(root.tensors.saturating_mul(TENSOR)),
    )?;
    Ok(Weighed {
        bytes: scale.live,
        is_list: root.kind == Kind::List,
        number: match root.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        },
        global: scale.global,
    })
}

impl<R: BufRead> Scale<'_, R> {
    fn run(&mut self) -> Result<(), String> {
        loop {
            let [code] = self.array()?;
            match code {
                b'.' => return Ok(()),
                // Protocol and frame.
                0x80 => drop(self.array::<1>()?),
                0x95 => drop(self.array::<8>()?),
                // Constants and numbers.
                b'N' | 0x88 | 0x89 => self.push(Value::default())?,
                b'J' => {
                    let number = i32::from_le_bytes(self.array()?);
                    self.push_number(u64::try_from(number).ok())?;
                }
                b'K' => {
                    let [number] = self.array()?;
                    self.push_number(Some(number.into()))?;
                }
                b'M' => {
                    let number = u16::from_le_bytes(self.array()?);
                    self.push_number(Some(number.into()))?;
                }
                b'G' => {
                    self.array::<8>()?;
                    self.push(Value::default())?;
                }
                0x8a => {
                    let [len] = self.array()?;
                    let mut bytes = vec![0; len.into()];
                    self.stream.read_exact(&mut bytes).map_err(cut)?;
                    let mut number = [0; 8];
                    let low = bytes.len().min(8);
                    number[..low].copy_from_slice(&bytes[..low]);
                    let fits = bytes.iter().skip(8).all(|&byte| byte == 0);
                    self.push_number(fits.then_some(u64::from_le_bytes(number)))?;
                }
                0x8b => {
                    let len = u32::from_le_bytes(self.array()?);
                    self.skip(len.into())?;
                    self.push(Value::text(len.into()))?;
                }
                b'I' | b'L' | b'F' => {
                    let line = self.line()?;
                    let line = line.trim_end_matches('L');
                    self.push_number(line.parse().ok())?;
                }
                // Text and bytes.
                b'V' => {
                    let len = self.line()?.len() as u64;
                    self.push(Value::text(len))?;
                }
                0x8c | b'U' | b'C' => {
                    let [len] = self.array()?;
                    self.text(len.into())?;
                }
                b'X' | b'T' | b'B' => {
                    let len = u32::from_le_bytes(self.array()?);
                    self.text(len.into())?;
                }
                0x8d | 0x8e | 0x96 => {
                    let len = u64::from_le_bytes(self.array()?);
                    self.text(len)?;
                }
                // Collections.
                b'(' => {
                    self.marks.push(self.stack.len());
                    self.grow(16)?;
                }
                b')' | b'}' => self.push(Value::default())?,
                b']' | 0x8f => self.push(Value::sequence(Kind::List, &[]))?,
                b't' => self.collect(Kind::Other)?,
                b'l' | 0x91 => self.collect(Kind::List)?,
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let mut items = [Value::default(); 3];
                    for item in items[..count].iter_mut().rev() {
                        *item = self.pop()?;
                    }
                    self.push(Value::sequence(Kind::Other, &items[..count]))?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(&[item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_to_mark()?;
                    self.append(&items)?;
                }
                b'd' => {
                    let items = self.pop_to_mark()?;
                    let mut dict = Value::default();
                    dict.insert(&items);
                    self.push(dict)?;
                }
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.set(&[key, value])?;
                }
                b'u' => {
                    let items = self.pop_to_mark()?;
                    self.set(&items)?;
                }
                // Stack and memo.
                b'0' => {
                    if self.marks.last() == Some(&self.stack.len()) {
                        self.marks.pop();
                    } else {
                        self.pop()?;
                    }
                }
                b'1' => drop(self.pop_to_mark()?),
                b'2' => {
                    let top = *self.top()?;
                    self.copy(top)?;
                    self.push(top)?;
                }
                b'g' => {
                    let line = self.line()?;
                    self.get(line.parse().ok())?;
                }
                b'h' => {
                    let [index] = self.array()?;
                    self.get(Some(index.into()))?;
                }
                b'j' => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.get(Some(index))?;
                }
                b'p' => {
                    let line = self.line()?;
                    self.put(line.parse().ok())?;
                }
                b'q' => {
                    let [index] = self.array()?;
                    self.put(Some(index.into()))?;
                }
                b'r' => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.put(Some(index))?;
                }
                0x94 => self.put(u32::try_from(self.memo.len()).ok())?,
                // Classes and what is made of them.
                b'c' => {
                    let module = self.line()?.len();
                    self.global = self.line()?;
                    self.push_class(module as u64 + self.global.len() as u64)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    // Which one is not known here; it may make a tensor or not.
                    let mut class = Value::default();
                    class.add(name, 0);
                    class.add(module, 0);
                    self.push(class)?;
                }
                b'P' => {
                    self.line()?;
                    self.push_tensor(HANDLE)?;
                }
                b'Q' => {
                    self.pop()?;
                    self.push_tensor(HANDLE)?;
                }
                b'R' => {
                    let (arguments, callable) = (self.pop()?, self.pop()?);
                    if callable.kind == Kind::Rebuild {
                        self.push_tensor(HANDLE + arguments.heap / 4)?;
                    } else {
                        let mut made = arguments;
                        made.memo = None;
                        made.add(callable, PAIR);
                        self.push(made)?;
                    }
                }
                0x81 => {
                    self.pop()?;
                    let class = self.pop()?;
                    self.push(Value {
                        memo: None,
                        ..class
                    })?;
                }
                0x92 => {
                    self.pop()?;
                    self.pop()?;
                    let class = self.pop()?;
                    self.push(Value {
                        memo: None,
                        ..class
                    })?;
                }
                b'b' => {
                    let (state, object) = (self.pop()?, self.pop()?);
                    let mut built = object;
                    built.add(state, PAIR);
                    if let Some(index) = object.memo {
                        self.store(index, built)?;
                    }
                    self.push(Value {
                        memo: None,
                        ..built
                    })?;
                }
                _ => return Err(format!("its pickle has the unknown code 0x{code:02x}")),
            }
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).map_err(cut)?;
        Ok(bytes)
    }

    fn skip(&mut self, len: u64) -> Result<(), String> {
        let mut part = (&mut *self.stream).take(len);
        let skipped = io::copy(&mut part, &mut io::sink()).map_err(cut)?;
        if skipped == len {
            Ok(())
        } else {
            Err("its pickle is cut off".into())
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        let mut part = (&mut *self.stream).take(LINE);
        part.read_until(b'\n', &mut line).map_err(cut)?;
        if line.pop() != Some(b'\n') {
            return Err("its pickle has an endless line".into());
        }
        String::from_utf8(line).map_err(|_| "its pickle has a line that is no text".into())
    }

    fn text(&mut self, len: u64) -> Result<(), String> {
        self.skip(len)?;
        self.push(Value::text(len))
    }

    fn grow(&mut self, by: u64) -> Result<(), String> {
        self.live = self.live.saturating_add(by);
        if self.live > self.limit {
            return Err("its pickle would take far more memory than the file is long".into());
        }
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        self.named(value.names)?;
        self.grow(PLACE.saturating_add(value.heap))?;
        self.stack.push(value);
        Ok(())
    }

    fn push_number(&mut self, number: Option<u64>) -> Result<(), String> {
        let kind = number.map_or(Kind::Other, Kind::Number);
        self.push(Value {
            kind,
            ..Value::default()
        })
    }

    fn push_class(&mut self, length: u64) -> Result<(), String> {
        let kind = if self.global.starts_with("_rebuild_tensor") {
            Kind::Rebuild
        } else {
            Kind::Other
        };
        self.push(Value {
            kind,
            heap: 64 + length,
            ..Value::default()
        })
    }

    fn push_tensor(&mut self, heap: u64) -> Result<(), String> {
        self.push(Value {
            heap,
            tensors: 1,
            ..Value::default()
        })
    }

    fn top(&mut self) -> Result<&mut Value, String> {
        if self.marks.last() == Some(&self.stack.len()) {
            return Err(under());
        }
        self.stack.last_mut().ok_or_else(under)
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.top()?;
        let value = self.stack.pop().ok_or_else(under)?;
        self.live = self.live.saturating_sub(PLACE.saturating_add(value.heap));
        Ok(value)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or_else(under)?;
        if mark > self.stack.len() {
            return Err(under());
        }
        let items = self.stack.split_off(mark);
        for item in &items {
            self.live = self.live.saturating_sub(PLACE.saturating_add(item.heap));
        }
        Ok(items)
    }

    fn collect(&mut self, kind: Kind) -> Result<(), String> {
        let items = self.pop_to_mark()?;
        self.push(Value::sequence(kind, &items))
    }

    fn append(&mut self, items: &[Value]) -> Result<(), String> {
        let items = Value::sequence(Kind::List, items);
        let top = self.top()?;
        top.add(items, ITEM);
        let names = top.names;
        self.named(names)?;
        self.grow(items.heap.saturating_add(ITEM))
    }

    fn set(&mut self, items: &[Value]) -> Result<(), String> {
        let mut more = Value::default();
        more.insert(items);
        let top = self.top()?;
        top.add(more, 0);
        let names = top.names;
        self.named(names)?;
        self.grow(more.heap)
    }

    fn named(&self, names: u64) -> Result<(), String> {
        if names > self.limit / NAMES {
            return Err("its pickle has endless names".into());
        }
        Ok(())
    }

    fn copy(&mut self, value: Value) -> Result<(), String> {
        self.copied = self.copied.saturating_add(PLACE + value.heap);
        if self.copied > self.limit.saturating_mul(4) {
            return Err("its pickle copies objects without end".into());
        }
        Ok(())
    }

    fn get(&mut self, index: Option<u32>) -> Result<(), String> {
        let value = index.and_then(|index| self.memo.get(&index)).copied();
        let value = value.ok_or("its pickle refers to what it has not")?;
        self.copy(value)?;
        self.push(value)
    }

    fn put(&mut self, index: Option<u32>) -> Result<(), String> {
        let index = index.ok_or("its pickle refers to what it has not")?;
        let top = self.top()?;
        top.memo = Some(index);
        let value = *top;
        self.store(index, value)
    }

    fn store(&mut self, index: u32, value: Value) -> Result<(), String> {
        self.copy(value)?;
        self.grow(PLACE.saturating_add(value.heap))?;
        if let Some(old) = self.memo.insert(index, value) {
            self.live = self.live.saturating_sub(PLACE.saturating_add(old.heap));
        }
        Ok(())
    }
}

fn under() -> String {
    "its pickle takes what it has not put".into()
}

fn cut(error: io::Error) -> String {
    format!("its pickle is cut off: {error}")
}
