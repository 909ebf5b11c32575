//! The stack machine: every opcode of Python's `pickletools`.

use super::blob::Origin;
use super::stack::{HEAP, Machine, Result, bad, under};
use super::{Input, Items, Node, Pickle, Slot};
use crate::budget::Budget;

/// Reads one pickle to its end.
pub(crate) fn load(input: &mut Input, budget: &mut Budget) -> Result<Pickle> {
    let mut machine = Machine::new(input, budget);
    while machine.step()? {}
    let root = machine.pop()?;
    Ok(Pickle {
        nodes: machine.nodes,
        root,
    })
}

impl Machine<'_> {
    /// Runs one opcode; false after the last.
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
                let number = line.trim().parse().map_err(|_| bad("number"))?;
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
            // An out-of-band buffer, which is not in the file, and its read-only flag.
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
            0x94 => self.put(self.memo.len())?,
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
            _ => Err(bad("operation")),
        }
    }
}
