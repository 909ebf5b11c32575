//! Objects of classes: dictionary and list types, and objects with fields.

use std::sync::Arc;

use super::{Builder, Pairs, Reference, Result, Role, opaque};
use crate::dtype::Dtype;
use crate::pickle::{Items, Node, Object, Slot};
use crate::value::{Dict, Value};

/// The most arguments of a call to look at.
const ARGUMENTS: usize = 64;

/// Dictionary classes that add no meaning.
const DICTIONARIES: [&str; 5] = [
    "builtins.dict",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "torch.jit._pickle.build_dict",
];

/// List, set and tuple classes built from their first argument.
const LISTS: [&str; 12] = [
    "builtins.list",
    "builtins.tuple",
    "builtins.set",
    "builtins.frozenset",
    "collections.deque",
    "torch.Size",
    "torch.jit._pickle.build_intlist",
    "torch.jit._pickle.build_tensorlist",
    "torch.jit._pickle.build_doublelist",
    "torch.jit._pickle.build_boollist",
    "torch.jit._pickle.restore_type_tag",
    "torch.utils._ordered_set.OrderedSet",
];

impl Builder<'_> {
    /// Name and first arguments of the constructor of an object, with `copyreg` calls resolved.
    pub(super) fn call(&self, object: &Object) -> Option<(Arc<str>, Vec<Slot>)> {
        let arguments = self.pickle.each(object.arguments);
        let arguments: Vec<_> = arguments.take(ARGUMENTS).collect();
        let name = self.class(object.callable)?;
        let first = arguments.first().copied().unwrap_or(Slot::None);
        match &*name {
            "copyreg.__newobj__" => Some((self.class(first)?, arguments[1..].to_vec())),
            "copyreg.__newobj_ex__" => {
                let inner = arguments.get(1).copied().unwrap_or(Slot::None);
                let inner = self.pickle.each(inner).take(ARGUMENTS);
                Some((self.class(first)?, inner.collect()))
            }
            // Class, its built-in base, and the value of that base.
            "copyreg._reconstructor" => {
                let content = arguments.get(2).copied().filter(|&slot| slot != Slot::None);
                Some((self.class(first)?, content.into_iter().collect()))
            }
            _ => Some((name, arguments)),
        }
    }

    /// A class by its name in Python 3.
    pub(super) fn class(&self, slot: Slot) -> Option<Arc<str>> {
        let name = match self.pickle.node(slot)? {
            Node::Global(name) => name.clone(),
            Node::Persistent(id) => match Reference::read(&self.pickle, *id)? {
                Reference::Class(class) => self.pickle.global(class)?.clone(),
                Reference::ClassName(name) => name,
                _ => return None,
            },
            _ => return None,
        };
        let renamed = name
            .strip_prefix("__builtin__.")
            .map(|rest| format!("builtins.{rest}"))
            .or_else(|| Some(format!("copyreg.{}", name.strip_prefix("copy_reg.")?)));
        Some(renamed.map_or(name, Into::into))
    }

    pub(super) fn object(&mut self, index: u32, object: &Object) -> Result<Value> {
        let pickle = self.pickle.clone();
        let Some((name, arguments)) = self.call(object) else {
            return self.fields_alone(object);
        };
        if let Some(value) = self.scalar(object) {
            return Ok(value);
        }
        if let Some(list) = self.texts(&name, &arguments, object.state) {
            return Ok(list);
        }
        if let Some(items) = self.objects(&name, &arguments, object.state) {
            return self.value(items);
        }
        // A `torch.fx` graph module is a function call with the fields of a module.
        let first = arguments
            .first()
            .copied()
            .filter(|&first| self.has_modules(first));
        let (fields, rest) = self.fields(first.or(object.state));
        if let Some(module) = self.module(&name, &fields)? {
            return Ok(module);
        }
        if let Some(module) = self.script(&name, &fields)? {
            return Ok(module);
        }
        let is_dict = DICTIONARIES.contains(&&*name);
        let is_list = LISTS.contains(&&*name);
        let mut pairs = Vec::new();
        // Protocols 0 and 1 put the content of a dictionary there.
        let maker = self.class(object.callable);
        if is_dict || maker.as_deref() == Some("copyreg._reconstructor") {
            for &argument in &arguments {
                pairs.extend(self.pairs(argument, is_dict));
            }
        }
        pairs.extend(&object.pairs);
        // The module versions in a state dict.
        pairs.extend(
            fields
                .into_iter()
                .filter(|&(key, _)| !is_dict || pickle.text(key).as_deref() != Some("_metadata")),
        );
        let class = (!is_dict).then(|| name.clone());
        if is_dict || !pairs.is_empty() || rest.is_some() {
            let mut more = Vec::new();
            if object.items.len() > 0 {
                more.push(("items", self.list(None, &object.items)?));
            }
            if let Some(rest) = rest {
                more.push(("state", self.below("state".into(), rest)?));
            }
            let dict = self.dict(class, &pairs)?;
            return Ok(with(dict, more));
        }
        if object.items.len() > 0 {
            return self.list(Some(index), &object.items);
        }
        match arguments.as_slice() {
            [list, ..] if is_list => self.value(*list),
            [] if is_list => self.list(None, &Items::NONE),
            // The result of a function differs from its arguments.
            _ if is_function(&name) => Ok(Value::Opaque(name)),
            [] => Ok(Value::Opaque(name)),
            [one] => self.value(*one),
            _ => match pickle.items(object.arguments) {
                Some(items) => self.list(None, items),
                None => Ok(Value::Opaque(name)),
            },
        }
    }

    fn fields_alone(&mut self, object: &Object) -> Result<Value> {
        let (fields, _) = self.fields(object.state);
        let pairs: Vec<_> = object.pairs.iter().copied().chain(fields).collect();
        if pairs.is_empty() {
            return Ok(opaque("an object"));
        }
        self.dict(None, &pairs)
    }

    /// Fields that a state sets: one dictionary, or two (the second for slots); otherwise the state itself.
    pub(super) fn fields(&self, state: Option<Slot>) -> (Pairs, Option<Slot>) {
        let Some(state) = state.filter(|&state| state != Slot::None) else {
            return (Vec::new(), None);
        };
        if self.is_dict(state) {
            return (self.pairs(state, false), None);
        }
        if let Some(Node::Tuple(Items::Slots(items))) = self.pickle.node(state)
            && let [first, second] = items[..]
            && [first, second]
                .iter()
                .all(|&slot| slot == Slot::None || self.is_dict(slot))
        {
            let mut pairs = self.pairs(first, false);
            pairs.extend(self.pairs(second, false));
            return (pairs, None);
        }
        (Vec::new(), Some(state))
    }

    fn is_dict(&self, slot: Slot) -> bool {
        match self.pickle.node(slot) {
            Some(Node::Dict(_)) => true,
            Some(Node::Object(object)) => {
                let call = self.call(object);
                call.is_some_and(|(name, _)| DICTIONARIES.contains(&&*name))
            }
            _ => false,
        }
    }

    /// Pairs of a dictionary of any class; with `is_dict`, also those of a list of pairs.
    pub(super) fn pairs(&self, slot: Slot, is_dict: bool) -> Pairs {
        let pairs = self.pairs_of(slot, is_dict);
        self.spend(pairs.len());
        pairs
    }

    fn pairs_of(&self, slot: Slot, is_dict: bool) -> Pairs {
        match self.pickle.node(slot) {
            Some(Node::Dict(pairs)) => pairs.clone(),
            Some(Node::Object(object)) if !is_dict || !object.pairs.is_empty() => {
                let mut pairs = Vec::new();
                if let Some((name, arguments)) = self.call(object)
                    && DICTIONARIES.contains(&&*name)
                {
                    for argument in arguments {
                        // Only one level: an object built from itself would recurse forever.
                        pairs.extend(self.pairs_of_lists(argument));
                        pairs.extend(self.pickle.dict(argument).unwrap_or_default());
                    }
                }
                pairs.extend(&object.pairs);
                pairs
            }
            Some(Node::List(_)) if is_dict => self.pairs_of_lists(slot),
            _ => Vec::new(),
        }
    }

    /// Python 2 builds an `OrderedDict` from a list of two-item lists.
    fn pairs_of_lists(&self, slot: Slot) -> Pairs {
        self.spend(self.pickle.items(slot).map_or(0, |items| items.len()));
        let pair = |slot| {
            let pair = self.pickle.items(slot).filter(|pair| pair.len() == 2)?;
            Some((pair.get(0)?, pair.get(1)?))
        };
        self.pickle.each(slot).filter_map(pair).collect()
    }

    /// Objects that hold a single value: paths, devices, enum members, NumPy numbers.
    pub(super) fn scalar(&self, object: &Object) -> Option<Value> {
        let (name, arguments) = self.call(object)?;
        let first = arguments.first().copied();
        let text = |slot| self.pickle.text(slot);
        if let Some(number) = self.numpy_scalar(&name, &arguments) {
            return Some(number);
        }
        match &*name {
            "torch.device" => {
                let kind = text(first?)?;
                Some(Value::Text(match arguments.get(1) {
                    Some(Slot::Int(index)) => format!("{kind}:{index}").into(),
                    _ => kind,
                }))
            }
            "numpy.dtype" => text(first?).map(Value::Text),
            "_codecs.encode" => Some(opaque("bytes")),
            _ if name.starts_with("pathlib.") => {
                let parts: Option<Vec<_>> = arguments.iter().map(|&part| text(part)).collect();
                let path = parts?.join("/");
                let path = path
                    .strip_prefix("//")
                    .map_or(path.clone(), |rest| format!("/{rest}"));
                Some(Value::Text(path.into()))
            }
            _ if object.state.is_some() || !object.pairs.is_empty() || is_function(&name) => None,
            _ => match (first?, arguments.len()) {
                (Slot::Int(number), 1) => Some(Value::Int(number)),
                (Slot::Float(number), 1) => Some(Value::Float(number)),
                (Slot::Bool(value), 1) => Some(Value::Bool(value)),
                (slot, 1) => text(slot).map(Value::Text),
                _ => None,
            },
        }
    }

    /// Runs `show` for values that are not weights.
    pub(super) fn as_attribute<T>(&mut self, show: impl FnOnce(&mut Self) -> T) -> T {
        let role = std::mem::replace(&mut self.role, Role::Attribute);
        let shown = show(self);
        self.role = role;
        shown
    }
}

/// `torch.float32` becomes text; other names are classes and functions.
pub(super) fn text_of_global(name: &Arc<str>) -> Option<Arc<str>> {
    let dtype = name.strip_prefix("torch.").and_then(Dtype::from_torch);
    dtype.map(|_| name.clone())
}

/// Whether a name is a function or built-in type: those begin with a lowercase letter.
fn is_function(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    name.starts_with("torch.") || !last.starts_with(|c: char| c.is_uppercase())
}

/// Adds pairs to a dictionary.
pub(super) fn with(value: Value, more: Vec<(&'static str, Value)>) -> Value {
    match value {
        Value::Dict(dict) if !more.is_empty() => {
            let more = more
                .into_iter()
                .map(|(key, value)| (Value::Text(key.into()), value));
            let pairs = dict.pairs.iter().cloned().chain(more).collect();
            Value::Dict(Dict {
                class: dict.class,
                pairs,
            })
        }
        other => other,
    }
}
