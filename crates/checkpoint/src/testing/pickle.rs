//! Pickles in every protocol.

use std::collections::HashMap;

use super::value::{Array, Py};

/// A pickle, and the storages that its tensors refer to.
#[derive(Clone, Debug, Default)]
pub struct Pickled {
    /// The pickle.
    pub bytes: Vec<u8>,
    /// Key, class without `Storage`, elements and bytes of each storage.
    pub storages: Vec<(String, &'static str, u64, Vec<u8>)>,
}

/// How a file refers to tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum References {
    /// `torch._utils._rebuild_tensor_v2` of a persistent storage.
    Zip,
    /// The same with the sixth item of legacy files.
    Legacy,
    /// A key: before PyTorch 0.1.10.
    Tar,
}

/// Pickles a value in a protocol of 0 to 5.
pub fn pickle(value: &Py, protocol: u8) -> Pickled {
    write(value, protocol, References::Zip)
}

pub(super) fn write(value: &Py, protocol: u8, references: References) -> Pickled {
    let mut writer = Writer {
        pickled: Pickled::default(),
        protocol,
        references,
        memo: 0,
        shared: HashMap::new(),
    };
    writer.value(value);
    writer.op(b'.');
    let mut pickled = writer.pickled;
    let mut head = Vec::new();
    if protocol >= 2 {
        head.extend([0x80, protocol]);
    }
    if protocol >= 4 {
        head.push(0x95);
        head.extend((pickled.bytes.len() as u64).to_le_bytes());
    }
    pickled.bytes.splice(0..0, head);
    pickled
}

struct Writer {
    pickled: Pickled,
    protocol: u8,
    references: References,
    memo: u32,
    shared: HashMap<u32, String>,
}

/// Numbers of values that are used again begin here.
const PUT: u32 = 1 << 20;

impl Writer {
    fn op(&mut self, code: u8) {
        self.pickled.bytes.push(code);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.pickled.bytes.extend(bytes);
    }

    fn remember(&mut self, number: u32) {
        match (self.protocol, u8::try_from(number)) {
            (0, _) => self.raw(format!("p{number}\n").as_bytes()),
            (_, Ok(small)) => self.raw(&[b'q', small]),
            _ => {
                self.op(b'r');
                self.raw(&number.to_le_bytes());
            }
        }
    }

    fn memoize(&mut self) {
        self.remember(self.memo);
        self.memo += 1;
    }

    fn value(&mut self, value: &Py) {
        match value {
            Py::None => self.op(b'N'),
            Py::Bool(value) if self.protocol >= 2 => self.op(0x89 - u8::from(*value)),
            Py::Bool(value) => self.raw(format!("I0{}\n", u8::from(*value)).as_bytes()),
            Py::Int(number) => self.int(*number),
            Py::Float(number) if self.protocol >= 1 => {
                self.op(b'G');
                self.raw(&number.to_be_bytes());
            }
            Py::Float(number) => self.raw(format!("F{number:?}\n").as_bytes()),
            Py::Text(text) => self.text(text),
            Py::Bytes(bytes) => self.bytes(bytes),
            Py::List(items) => {
                self.raw(if self.protocol == 0 { b"(l" } else { b"]" });
                self.memoize();
                self.items(items);
            }
            Py::Tuple(items) => self.tuple(items),
            Py::Set(items) if self.protocol >= 4 => {
                self.op(0x8f);
                self.memoize();
                self.marked(items);
                self.op(0x90);
            }
            Py::Set(items) => self.value(&super::call("builtins.set", [Py::List(items.clone())])),
            Py::Dict(pairs) => {
                self.raw(if self.protocol == 0 { b"(d" } else { b"}" });
                self.memoize();
                self.pairs(pairs);
            }
            Py::Global(module, name) => self.global(module, name),
            Py::Call(callable, arguments) => {
                self.value(callable);
                self.tuple(arguments);
                self.op(b'R');
                self.memoize();
            }
            Py::New(class, arguments) if self.protocol >= 2 => {
                self.value(class);
                self.tuple(arguments);
                self.op(0x81);
                self.memoize();
            }
            Py::New(class, arguments) => {
                let all = [vec![(**class).clone()], arguments.clone()].concat();
                self.value(&super::call("copy_reg.__newobj__", all));
            }
            Py::Build(object, state) => {
                self.value(object);
                self.value(state);
                self.op(b'b');
            }
            Py::Append(object, items) => {
                self.value(object);
                self.items(items);
            }
            Py::Fill(object, pairs) => {
                self.value(object);
                self.pairs(pairs);
            }
            Py::Persistent(id) => {
                self.value(id);
                self.op(b'Q');
            }
            Py::Tensor(array) => self.tensor(array),
            Py::Put(number, value) => {
                self.value(value);
                self.remember(PUT + number);
            }
            Py::Get(number) if self.protocol == 0 => {
                self.raw(format!("g{}\n", PUT + number).as_bytes());
            }
            Py::Get(number) => {
                self.op(b'j');
                self.raw(&(PUT + number).to_le_bytes());
            }
            Py::Raw(operations) => self.raw(operations),
        }
    }

    fn int(&mut self, number: i64) {
        match (self.protocol, u16::try_from(number), i32::try_from(number)) {
            (0, ..) => self.raw(format!("I{number}\n").as_bytes()),
            (_, Ok(small), _) if small < 256 => self.raw(&[b'K', small as u8]),
            (_, Ok(small), _) => {
                self.op(b'M');
                self.raw(&small.to_le_bytes());
            }
            (_, _, Ok(middle)) => {
                self.op(b'J');
                self.raw(&middle.to_le_bytes());
            }
            (1, ..) => self.raw(format!("L{number}L\n").as_bytes()),
            _ => {
                self.raw(&[0x8a, 8]);
                self.raw(&number.to_le_bytes());
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.protocol == 0 {
            self.op(b'V');
            for c in text.chars() {
                match u32::from(c) {
                    code @ (0..32 | 92) => self.raw(format!("\\u{code:04x}").as_bytes()),
                    code @ 0..256 => self.op(code as u8),
                    code @ 0..0x1_0000 => self.raw(format!("\\u{code:04x}").as_bytes()),
                    code => self.raw(format!("\\U{code:08x}").as_bytes()),
                }
            }
            self.op(b'\n');
        } else if let (4.., Ok(len)) = (self.protocol, u8::try_from(text.len())) {
            self.raw(&[0x8c, len]);
            self.raw(text.as_bytes());
        } else {
            self.op(b'X');
            self.raw(&(text.len() as u32).to_le_bytes());
            self.raw(text.as_bytes());
        }
        self.memoize();
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.protocol < 3 {
            let latin1: String = bytes.iter().map(|&byte| char::from(byte)).collect();
            let arguments = [Py::Text(latin1), super::text("latin1")];
            return self.value(&super::call("_codecs.encode", arguments));
        }
        self.op(b'B');
        self.raw(&(bytes.len() as u32).to_le_bytes());
        self.raw(bytes);
        self.memoize();
    }

    fn tuple(&mut self, items: &[Py]) {
        match (self.protocol, items.len()) {
            (1.., 0) => self.op(b')'),
            (2.., len @ 1..=3) => {
                for item in items {
                    self.value(item);
                }
                self.op(0x84 + len as u8);
                self.memoize();
            }
            _ => {
                self.marked(items);
                self.op(b't');
                self.memoize();
            }
        }
    }

    fn marked(&mut self, items: &[Py]) {
        self.op(b'(');
        for item in items {
            self.value(item);
        }
    }

    fn items(&mut self, items: &[Py]) {
        if self.protocol == 0 {
            for item in items {
                self.value(item);
                self.op(b'a');
            }
        } else if !items.is_empty() {
            self.marked(items);
            self.op(b'e');
        }
    }

    fn pairs(&mut self, pairs: &[(Py, Py)]) {
        if self.protocol == 0 {
            for (key, value) in pairs {
                self.value(key);
                self.value(value);
                self.op(b's');
            }
        } else if !pairs.is_empty() {
            self.op(b'(');
            for (key, value) in pairs {
                self.value(key);
                self.value(value);
            }
            self.op(b'u');
        }
    }

    fn global(&mut self, module: &str, name: &str) {
        if self.protocol >= 4 {
            self.text(module);
            self.text(name);
            self.op(0x93);
        } else {
            self.raw(format!("c{module}\n{name}\n").as_bytes());
        }
        self.memoize();
    }

    fn tensor(&mut self, array: &Array) {
        let next = self.pickled.storages.len();
        let known = array
            .shared
            .and_then(|shared| self.shared.get(&shared).cloned());
        let key = known.unwrap_or_else(|| {
            let storage = (
                next.to_string(),
                array.kind,
                array.elements,
                array.bytes.clone(),
            );
            self.pickled.storages.push(storage);
            next.to_string()
        });
        if let Some(shared) = array.shared {
            self.shared.insert(shared, key.clone());
        }
        if self.references == References::Tar {
            self.value(&Py::Persistent(Box::new(Py::Text(key))));
            return;
        }
        let numbers =
            |values: &[u64]| super::tuple(values.iter().map(|&value| Py::Int(value as i64)));
        self.value(&super::global("torch._utils._rebuild_tensor_v2"));
        self.op(b'(');
        self.storage(&key, array);
        let rest = [
            Py::Int(array.offset as i64),
            numbers(&array.shape),
            numbers(&array.strides),
            Py::Bool(false),
            super::call("collections.OrderedDict", []),
        ];
        for value in &rest {
            self.value(value);
        }
        self.op(b't');
        self.memoize();
        self.op(b'R');
        self.memoize();
    }

    fn storage(&mut self, key: &str, array: &Array) {
        let class = format!("torch.{}Storage", array.kind);
        if self.protocol == 0 {
            let elements = array.elements;
            let id = format!("P('storage', <class '{class}'>, '{key}', 'cpu', {elements})\n");
            return self.raw(id.as_bytes());
        }
        let mut id = vec![
            super::text("storage"),
            super::global(&class),
            super::text(key),
            super::text("cpu"),
            Py::Int(array.elements as i64),
        ];
        if self.references == References::Legacy {
            id.push(Py::None);
        }
        self.value(&Py::Persistent(Box::new(Py::Tuple(id))));
    }
}
