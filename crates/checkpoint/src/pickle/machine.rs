//! The stack machine: every operation of Python's `pickletools`.

use std::collections::HashMap;
use std::sync::Arc;

use super::blob::{Blob, Coding, Origin, Place};
use super::{Input, Items, Node, Object, Pickle, Slot, text};
use crate::budget::Budget;
use crate::error::ErrorKind;

/// Longer texts and bytes stay in the file.
const SHORT: usize = 64 << 10;

// Bytes that things take, growing collections counted twice.
const PLACE: u64 = 2 * size_of::<Slot>() as u64;
const NODE: u64 = 2 * size_of::<Node>() as u64;
const MEMO: u64 = 56;
const HEAP: u64 = 32;

type Result<T> = std::result::Result<T, ErrorKind>;

struct Machine<'a> {
    input: &'a mut Input,
    budget: &'a mut Budget,
    nodes: Vec<Node>,
    stack: Vec<Slot>,
    /// The most that the stack has held.
    highest: usize,
    marks: Vec<usize>,
    memo: HashMap<u64, Slot>,
}

/// Reads one pickle to its end.
pub(crate) fn load(input: &mut Input, budget: &mut Budget) -> Result<Pickle> {
    let mut machine = Machine {
        input,
        budget,
        nodes: Vec::new(),
        stack: Vec::new(),
        highest: 0,
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    while machine.step()? {}
    let root = machine.pop()?;
    Ok(Pickle {
        nodes: machine.nodes,
        root,
    })
}

impl Machine<'_> {
    /// One operation; false after the last.
    fn step(&mut self) -> Result<bool> {
        match self.input.byte()? {
            b'.' => return Ok(false),
            // Protocol and frame.
            0x80 => drop(self.input.byte()?),
            0x95 => drop(self.input.array::<8>()?),
            // Constants and numbers.
            b'N' => self.push(Slot::None)?,
            0x88 => self.push(Slot::Bool(true))?,
            0x89 => self.push(Slot::Bool(false))?,
            b'J' => {
                let number = i32::from_le_bytes(self.input.array()?);
                self.push(Slot::Int(number.into()))?;
            }
            b'K' => {
                let number = self.input.byte()?;
                self.push(Slot::Int(number.into()))?;
            }
            b'M' => {
                let number = u16::from_le_bytes(self.input.array()?);
                self.push(Slot::Int(number.into()))?;
            }
            b'G' => {
                let number = f64::from_be_bytes(self.input.array()?);
                self.push(Slot::Float(number))?;
            }
            b'F' => {
                let line = self.short_line()?;
                let number = line.trim().parse().map_err(|_| bad("a number"))?;
                self.push(Slot::Float(number))?;
            }
            b'I' | b'L' => self.decimal()?,
            0x8a => {
                let len = self.input.byte()?;
                self.long(len.into())?;
            }
            0x8b => {
                let len = u32::from_le_bytes(self.input.array()?);
                self.long(len.into())?;
            }
            // Text and bytes.
            b'V' => self.text_line()?,
            b'S' => self.quoted_line()?,
            0x8c => {
                let len = self.input.byte()?;
                self.text(len.into())?;
            }
            b'X' => {
                let len = u32::from_le_bytes(self.input.array()?);
                self.text(len.into())?;
            }
            0x8d => {
                let len = u64::from_le_bytes(self.input.array()?);
                self.text(len)?;
            }
            b'U' => {
                let len = self.input.byte()?;
                self.bytes(len.into(), Origin::String)?;
            }
            b'T' => {
                let len = u32::from_le_bytes(self.input.array()?);
                self.bytes(len.into(), Origin::String)?;
            }
            b'C' => {
                let len = self.input.byte()?;
                self.bytes(len.into(), Origin::Bytes)?;
            }
            b'B' => {
                let len = u32::from_le_bytes(self.input.array()?);
                self.bytes(len.into(), Origin::Bytes)?;
            }
            0x8e | 0x96 => {
                let len = u64::from_le_bytes(self.input.array()?);
                self.bytes(len, Origin::Bytes)?;
            }
            // A buffer that is not in the file, and whether it may be written.
            0x97 => self.push_node(Node::Large)?,
            0x98 => {}
            other => return self.step_of_collections(other),
        }
        Ok(true)
    }

    fn step_of_collections(&mut self, code: u8) -> Result<bool> {
        match code {
            b'(' => {
                self.budget.take(16)?;
                self.marks.push(self.stack.len());
            }
            b')' => self.push_node(Node::Tuple(Items::NONE))?,
            b']' => self.push_node(Node::List(Items::NONE))?,
            b'}' => self.push_node(Node::Dict(Vec::new()))?,
            0x8f => self.push_node(Node::Set(Items::NONE))?,
            b't' => {
                let items = self.collect()?;
                self.push_node(Node::Tuple(items))?;
            }
            b'l' => {
                let items = self.collect()?;
                self.push_node(Node::List(items))?;
            }
            0x91 => {
                let items = self.collect()?;
                self.push_node(Node::Set(items))?;
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let items = self.take(count)?;
                let items = self.gather(&items[..count])?;
                self.push_node(Node::Tuple(items))?;
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
                self.push_node(Node::Dict(Vec::new()))?;
                self.set(&items)?;
            }
            b's' => {
                let items = self.take(2)?;
                self.set(&items[..2])?;
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
                let top = self.top()?;
                self.push(top)?;
            }
            b'g' => {
                let index = self.index()?;
                self.get(index)?;
            }
            b'h' => {
                let index = self.input.byte()?;
                self.get(index.into())?;
            }
            b'j' => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.get(index.into())?;
            }
            b'p' => {
                let index = self.index()?;
                self.put(index)?;
            }
            b'q' => {
                let index = self.input.byte()?;
                self.put(index.into())?;
            }
            b'r' => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.put(index.into())?;
            }
            0x94 => self.put(self.memo.len() as u64)?,
            other => self.step_of_objects(other)?,
        }
        Ok(true)
    }

    fn step_of_objects(&mut self, code: u8) -> Result<()> {
        match code {
            b'c' => {
                let (module, name) = (self.short_line()?, self.short_line()?);
                self.push_global(&module, &name)
            }
            0x93 => {
                let items = self.take(2)?;
                let name = self.text_of(items[1])?;
                let module = self.text_of(items[0])?;
                self.push_global(&module, &name)
            }
            0x82 => {
                let code = self.input.byte()?;
                self.push_global("extension", &code.to_string())
            }
            0x83 => {
                let code = u16::from_le_bytes(self.input.array()?);
                self.push_global("extension", &code.to_string())
            }
            0x84 => {
                let code = u32::from_le_bytes(self.input.array()?);
                self.push_global("extension", &code.to_string())
            }
            b'P' => {
                let line = self.short_line()?;
                self.budget.take(line.len() as u64 + HEAP)?;
                self.push_node(Node::Text(line.into()))?;
                let id = self.pop()?;
                self.push_node(Node::Persistent(id))
            }
            b'Q' => {
                let id = self.pop()?;
                self.push_node(Node::Persistent(id))
            }
            // A callable or class with arguments.
            b'R' | 0x81 => {
                let items = self.take(2)?;
                self.push_object(items[0], items[1])
            }
            0x92 => {
                let items = self.take(3)?;
                self.push_object(items[0], items[1])
            }
            b'i' => {
                let (module, name) = (self.short_line()?, self.short_line()?);
                let arguments = self.collect()?;
                self.push_global(&module, &name)?;
                let class = self.pop()?;
                self.push_node(Node::Tuple(arguments))?;
                let arguments = self.pop()?;
                self.push_object(class, arguments)
            }
            b'o' => {
                let items = self.pop_to_mark()?;
                let (&class, arguments) = items.split_first().ok_or_else(under)?;
                let arguments = self.gather(arguments)?;
                self.push_node(Node::Tuple(arguments))?;
                let arguments = self.pop()?;
                self.push_object(class, arguments)
            }
            b'b' => {
                let state = self.pop()?;
                let top = self.top()?;
                if let Some(Node::Object(object)) = self.node(top) {
                    object.state = Some(state);
                }
                Ok(())
            }
            _ => Err(bad("an operation")),
        }
    }

    fn push(&mut self, slot: Slot) -> Result<()> {
        self.stack.push(slot);
        if self.stack.len() > self.highest {
            self.highest = self.stack.len();
            self.budget.take(PLACE)?;
        }
        Ok(())
    }

    fn push_node(&mut self, node: Node) -> Result<()> {
        self.budget.take(NODE)?;
        let index = u32::try_from(self.nodes.len()).map_err(|_| bad("a size"))?;
        self.nodes.push(node);
        self.push(Slot::Node(index))
    }

    fn push_global(&mut self, module: &str, name: &str) -> Result<()> {
        let name = format!("{module}.{name}");
        self.budget.take(name.len() as u64 + HEAP)?;
        self.push_node(Node::Global(name.into()))
    }

    fn push_object(&mut self, callable: Slot, arguments: Slot) -> Result<()> {
        self.budget.take(size_of::<Object>() as u64 + HEAP)?;
        self.push_node(Node::Object(Box::new(Object {
            callable,
            arguments,
            state: None,
            items: Items::NONE,
            pairs: Vec::new(),
        })))
    }

    fn top(&self) -> Result<Slot> {
        if self.marks.last() == Some(&self.stack.len()) {
            return Err(under());
        }
        self.stack.last().copied().ok_or_else(under)
    }

    fn node(&mut self, slot: Slot) -> Option<&mut Node> {
        match slot {
            Slot::Node(index) => self.nodes.get_mut(index as usize),
            _ => None,
        }
    }

    fn pop(&mut self) -> Result<Slot> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// The uppermost values, at most three, the lowest first.
    fn take(&mut self, count: usize) -> Result<[Slot; 3]> {
        let mut items = [Slot::None; 3];
        for item in items[..count].iter_mut().rev() {
            *item = self.pop()?;
        }
        Ok(items)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Slot>> {
        let mark = self.marks.pop().ok_or_else(under)?;
        if mark > self.stack.len() {
            return Err(under());
        }
        Ok(self.stack.split_off(mark))
    }

    fn collect(&mut self) -> Result<Items> {
        let items = self.pop_to_mark()?;
        self.gather(&items)
    }

    fn gather(&mut self, slots: &[Slot]) -> Result<Items> {
        self.budget.take(slots.len() as u64 * PLACE)?;
        let mut items = Items::NONE;
        for &slot in slots {
            items.push(slot);
        }
        Ok(items)
    }

    fn append(&mut self, items: &[Slot]) -> Result<()> {
        self.budget.take(items.len() as u64 * PLACE)?;
        let top = self.top()?;
        let list = match self.node(top) {
            Some(Node::List(list) | Node::Set(list)) => list,
            Some(Node::Object(object)) => &mut object.items,
            _ => return Err(bad("a list")),
        };
        for &item in items {
            list.push(item);
        }
        Ok(())
    }

    fn set(&mut self, items: &[Slot]) -> Result<()> {
        self.budget.take(items.len() as u64 * PLACE)?;
        let top = self.top()?;
        let pairs = match self.node(top) {
            Some(Node::Dict(pairs)) => pairs,
            Some(Node::Object(object)) => &mut object.pairs,
            _ => return Err(bad("a dictionary")),
        };
        let (all, []) = items.as_chunks::<2>() else {
            return Err(bad("a dictionary"));
        };
        pairs.extend(all.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn get(&mut self, index: u64) -> Result<()> {
        let slot = self.memo.get(&index).copied();
        self.push(slot.ok_or_else(|| bad("a reference"))?)
    }

    fn put(&mut self, index: u64) -> Result<()> {
        let top = self.top()?;
        if self.memo.insert(index, top).is_none() {
            self.budget.take(MEMO)?;
        }
        Ok(())
    }

    fn short_line(&mut self) -> Result<String> {
        let line = self.input.line(SHORT)?.bytes;
        let line = line.ok_or_else(|| bad("a name"))?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn index(&mut self) -> Result<u64> {
        self.short_line()?
            .trim()
            .parse()
            .map_err(|_| bad("a reference"))
    }

    fn text_of(&self, slot: Slot) -> Result<Arc<str>> {
        let node = match slot {
            Slot::Node(index) => self.nodes.get(index as usize),
            _ => None,
        };
        match node {
            Some(Node::Text(text)) => Some(text.clone()),
            Some(Node::Blob(blob)) => blob.text(),
            _ => None,
        }
        .ok_or_else(|| bad("a name"))
    }

    /// `I` and `L`, whose booleans are `01` and `00`.
    fn decimal(&mut self) -> Result<()> {
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
                Err(_) => Err(bad("a number")),
            },
        }
    }

    /// Two's complement of any length.
    fn long(&mut self, len: u64) -> Result<()> {
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

    /// UTF-8.
    fn text(&mut self, len: u64) -> Result<()> {
        if len > SHORT as u64 {
            return self.leave(len, Coding::Utf8, Origin::Text);
        }
        let bytes = self.input.take(len)?;
        self.push_text(&String::from_utf8_lossy(&bytes))
    }

    fn push_text(&mut self, text: &str) -> Result<()> {
        self.budget.take(text.len() as u64 + HEAP)?;
        self.push_node(Node::Text(text.into()))
    }

    fn bytes(&mut self, len: u64, origin: Origin) -> Result<()> {
        if len > SHORT as u64 {
            return self.leave(len, Coding::Raw, origin);
        }
        let bytes = self.input.take(len)?;
        self.push_bytes(&bytes, origin)
    }

    fn push_bytes(&mut self, bytes: &[u8], origin: Origin) -> Result<()> {
        self.budget
            .take(bytes.len() as u64 + size_of::<Blob>() as u64 + HEAP)?;
        self.push_node(Node::Blob(Box::new(Blob::memory(bytes, origin))))
    }

    /// Bytes that stay in the file.
    fn leave(&mut self, len: u64, coding: Coding, origin: Origin) -> Result<()> {
        let offset = self.input.position();
        self.input.skip(len)?;
        self.push_left(offset, len, coding, origin)
    }

    fn push_left(&mut self, offset: u64, len: u64, coding: Coding, origin: Origin) -> Result<()> {
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

    fn text_line(&mut self) -> Result<()> {
        let line = self.input.line(SHORT)?;
        let Some(bytes) = line.bytes else {
            return self.push_left(line.start, line.len, Coding::UnicodeEscape, Origin::Text);
        };
        let text = text::unescape_unicode(&bytes).ok_or_else(|| bad("a text"))?;
        self.push_text(&text)
    }

    fn quoted_line(&mut self) -> Result<()> {
        let line = self.input.line(SHORT)?;
        let Some(bytes) = line.bytes else {
            return self.push_left(line.start, line.len, Coding::Quoted, Origin::String);
        };
        let bytes = text::unquote(&bytes).ok_or_else(|| bad("a text"))?;
        self.push_bytes(&bytes, Origin::String)
    }
}

fn under() -> ErrorKind {
    ErrorKind::damaged("its pickle takes what it has not put")
}

fn bad(what: &str) -> ErrorKind {
    ErrorKind::damaged(format!("its pickle has {what} that does not make sense"))
}
