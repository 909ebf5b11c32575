//! The state of the stack machine: values, marks, memo and the arena.

use std::sync::Arc;

use super::blob::{Blob, Coding, Origin, Place};
use super::memo::Memo;
use super::{Input, Items, Node, Object, Slot, text};
use crate::budget::Budget;
use crate::error::ErrorKind;

/// Longer strings and bytes stay in the file.
const SHORT: usize = 64 << 10;

// Memory per item in bytes; doubled for collections that reallocate as they grow.
const PLACE: u64 = 2 * size_of::<Slot>() as u64;
const NODE: u64 = 2 * size_of::<Node>() as u64;
pub(super) const HEAP: u64 = 32;

pub(super) type Result<T> = std::result::Result<T, ErrorKind>;

pub(super) struct Machine<'a> {
    pub(super) input: &'a mut Input,
    pub(super) budget: &'a mut Budget,
    pub(super) nodes: Vec<Node>,
    pub(super) stack: Vec<Slot>,
    /// The largest size of the stack so far.
    highest: usize,
    pub(super) marks: Vec<usize>,
    pub(super) memo: Memo,
}

impl<'a> Machine<'a> {
    pub(super) fn new(input: &'a mut Input, budget: &'a mut Budget) -> Self {
        Self {
            input,
            budget,
            nodes: Vec::new(),
            stack: Vec::new(),
            highest: 0,
            marks: Vec::new(),
            memo: Memo::default(),
        }
    }

    pub(super) fn push(&mut self, slot: Slot) -> Result<()> {
        self.stack.push(slot);
        if self.stack.len() > self.highest {
            self.highest = self.stack.len();
            self.budget.take(PLACE)?;
        }
        Ok(())
    }

    pub(super) fn push_node(&mut self, node: Node) -> Result<()> {
        self.budget.take(NODE)?;
        let index = u32::try_from(self.nodes.len()).map_err(|_| bad("size"))?;
        self.nodes.push(node);
        self.push(Slot::Node(index))
    }

    pub(super) fn push_global(&mut self, module: &str, name: &str) -> Result<()> {
        let name = format!("{module}.{name}");
        self.budget.take(name.len() as u64 + HEAP)?;
        self.push_node(Node::Global(name.into()))
    }

    pub(super) fn push_object(&mut self, callable: Slot, arguments: Slot) -> Result<()> {
        self.budget.take(size_of::<Object>() as u64 + HEAP)?;
        self.push_node(Node::Object(Box::new(Object {
            callable,
            arguments,
            state: None,
            items: Items::NONE,
            pairs: Vec::new(),
        })))
    }

    pub(super) fn top(&self) -> Result<Slot> {
        if self.marks.last() == Some(&self.stack.len()) {
            return Err(under());
        }
        self.stack.last().copied().ok_or_else(under)
    }

    pub(super) fn node(&mut self, slot: Slot) -> Option<&mut Node> {
        match slot {
            Slot::Node(index) => self.nodes.get_mut(index as usize),
            _ => None,
        }
    }

    pub(super) fn pop(&mut self) -> Result<Slot> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// The top values of the stack, at most three, the lowest first.
    pub(super) fn take(&mut self, count: usize) -> Result<[Slot; 3]> {
        let mut items = [Slot::None; 3];
        for item in items[..count].iter_mut().rev() {
            *item = self.pop()?;
        }
        Ok(items)
    }

    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Slot>> {
        let mark = self.marks.pop().ok_or_else(under)?;
        if mark > self.stack.len() {
            return Err(under());
        }
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn collect(&mut self) -> Result<Items> {
        let items = self.pop_to_mark()?;
        self.gather(&items)
    }

    pub(super) fn gather(&mut self, slots: &[Slot]) -> Result<Items> {
        self.budget.take(slots.len() as u64 * PLACE)?;
        let mut items = Items::NONE;
        for &slot in slots {
            items.push(slot);
        }
        Ok(items)
    }

    pub(super) fn append(&mut self, items: &[Slot]) -> Result<()> {
        self.budget.take(items.len() as u64 * PLACE)?;
        let top = self.top()?;
        let list = match self.node(top) {
            Some(Node::List(list) | Node::Set(list)) => list,
            Some(Node::Object(object)) => &mut object.items,
            _ => return Err(bad("list")),
        };
        for &item in items {
            list.push(item);
        }
        Ok(())
    }

    pub(super) fn set(&mut self, items: &[Slot]) -> Result<()> {
        self.budget.take(items.len() as u64 * PLACE)?;
        let top = self.top()?;
        let pairs = match self.node(top) {
            Some(Node::Dict(pairs)) => pairs,
            Some(Node::Object(object)) => &mut object.pairs,
            _ => return Err(bad("dictionary")),
        };
        let (all, []) = items.as_chunks::<2>() else {
            return Err(bad("dictionary"));
        };
        pairs.extend(all.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    pub(super) fn get(&mut self, index: u64) -> Result<()> {
        let slot = self.memo.get(index);
        self.push(slot.ok_or_else(|| bad("reference"))?)
    }

    pub(super) fn put(&mut self, index: u64) -> Result<()> {
        let top = self.top()?;
        let bytes = self.memo.put(index, top);
        self.budget.take(bytes)
    }

    pub(super) fn short_line(&mut self) -> Result<String> {
        let line = self.input.line(SHORT)?.bytes;
        let line = line.ok_or_else(|| bad("name"))?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    pub(super) fn index(&mut self) -> Result<u64> {
        self.short_line()?
            .trim()
            .parse()
            .map_err(|_| bad("reference"))
    }

    pub(super) fn text_of(&self, slot: Slot) -> Result<Arc<str>> {
        let node = match slot {
            Slot::Node(index) => self.nodes.get(index as usize),
            _ => None,
        };
        match node {
            Some(Node::Text(text)) => Some(text.clone()),
            Some(Node::Blob(blob)) => blob.text(),
            _ => None,
        }
        .ok_or_else(|| bad("name"))
    }

    /// The opcodes `I` and `L`; `01` and `00` are booleans.
    pub(super) fn decimal(&mut self) -> Result<()> {
        let line = self.short_line()?;
        let line = line.trim();
        match line.trim_end_matches('L') {
            "01" if line == "01" => self.push(Slot::Bool(true)),
            "00" if line == "00" => self.push(Slot::Bool(false)),
            digits => match digits.parse() {
                Ok(number) => self.push(Slot::Int(number)),
                Err(_)
                    if digits
                        .trim_start_matches('-')
                        .bytes()
                        .all(|b| b.is_ascii_digit()) =>
                {
                    self.push_node(Node::Large)
                }
                Err(_) => Err(bad("number")),
            },
        }
    }

    /// A two's-complement integer of any length.
    pub(super) fn long(&mut self, len: u64) -> Result<()> {
        if len > 8 {
            self.input.skip(len)?;
            return self.push_node(Node::Large);
        }
        let bytes = self.input.take(len)?;
        let sign = bytes
            .last()
            .map_or(0, |&last| if last < 128 { 0 } else { 255 });
        let mut number = [sign; 8];
        number[..bytes.len()].copy_from_slice(&bytes);
        self.push(Slot::Int(i64::from_le_bytes(number)))
    }

    /// A UTF-8 string.
    pub(super) fn text(&mut self, len: u64) -> Result<()> {
        if len > SHORT as u64 {
            return self.leave(len, Coding::Utf8, Origin::Text);
        }
        let bytes = self.input.take(len)?;
        self.push_text(&String::from_utf8_lossy(&bytes))
    }

    pub(super) fn push_text(&mut self, text: &str) -> Result<()> {
        self.budget.take(text.len() as u64 + HEAP)?;
        self.push_node(Node::Text(text.into()))
    }

    pub(super) fn bytes(&mut self, len: u64, origin: Origin) -> Result<()> {
        if len > SHORT as u64 {
            return self.leave(len, Coding::Raw, origin);
        }
        let bytes = self.input.take(len)?;
        self.push_bytes(&bytes, origin)
    }

    pub(super) fn push_bytes(&mut self, bytes: &[u8], origin: Origin) -> Result<()> {
        self.budget
            .take(bytes.len() as u64 + size_of::<Blob>() as u64 + HEAP)?;
        self.push_node(Node::Blob(Box::new(Blob::memory(bytes, origin))))
    }

    /// Bytes that stay in the file.
    pub(super) fn leave(&mut self, len: u64, coding: Coding, origin: Origin) -> Result<()> {
        let offset = self.input.position();
        self.input.skip(len)?;
        self.push_left(offset, len, coding, origin)
    }

    pub(super) fn push_left(
        &mut self,
        offset: u64,
        len: u64,
        coding: Coding,
        origin: Origin,
    ) -> Result<()> {
        self.budget.take(size_of::<Blob>() as u64 + HEAP)?;
        let source = self.input.source.clone();
        let place = Place::File {
            source,
            offset,
            len,
        };
        self.push_node(Node::Blob(Box::new(Blob {
            place,
            coding,
            origin,
        })))
    }

    pub(super) fn text_line(&mut self) -> Result<()> {
        let line = self.input.line(SHORT)?;
        let Some(bytes) = line.bytes else {
            return self.push_left(line.start, line.len, Coding::UnicodeEscape, Origin::Text);
        };
        let text = text::unescape_unicode(&bytes).ok_or_else(|| bad("text"))?;
        self.push_text(&text)
    }

    pub(super) fn quoted_line(&mut self) -> Result<()> {
        let line = self.input.line(SHORT)?;
        let Some(bytes) = line.bytes else {
            return self.push_left(line.start, line.len, Coding::Quoted, Origin::String);
        };
        let bytes = text::unquote(&bytes).ok_or_else(|| bad("text"))?;
        self.push_bytes(&bytes, Origin::String)
    }
}

pub(super) fn under() -> ErrorKind {
    ErrorKind::damaged("its pickle uses a value that it never stored")
}

pub(super) fn bad(what: &str) -> ErrorKind {
    ErrorKind::damaged(format!("its pickle has an invalid {what}"))
}
