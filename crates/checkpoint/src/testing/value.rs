//! Values as Python has them.

/// A value that is pickled.
#[derive(Clone, Debug)]
pub enum Py {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// `[…]`.
    List(Vec<Py>),
    /// `(…)`.
    Tuple(Vec<Py>),
    /// `{a, b}`.
    Set(Vec<Py>),
    /// `{a: b}`.
    Dict(Vec<(Py, Py)>),
    /// A class or function: module and name.
    Global(String, String),
    /// What a callable makes of a tuple (`REDUCE`).
    Call(Box<Py>, Vec<Py>),
    /// An object of a class (`NEWOBJ`).
    New(Box<Py>, Vec<Py>),
    /// An object with a state (`BUILD`).
    Build(Box<Py>, Box<Py>),
    /// An object with items (`APPENDS`).
    Append(Box<Py>, Vec<Py>),
    /// An object with pairs (`SETITEMS`).
    Fill(Box<Py>, Vec<(Py, Py)>),
    /// A persistent object.
    Persistent(Box<Py>),
    /// A tensor.
    Tensor(Array),
    /// A value that is remembered under a number, and where it is used again.
    Put(u32, Box<Py>),
    /// The value of a number.
    Get(u32),
    /// Operations as they are.
    Raw(Vec<u8>),
}

/// A tensor and the storage that it is a view of.
#[derive(Clone, Debug)]
pub struct Array {
    /// PyTorch's class without `Storage`: `Float`, `Long`, …
    pub kind: &'static str,
    /// Sizes.
    pub shape: Vec<u64>,
    /// Steps in elements.
    pub strides: Vec<u64>,
    /// First element in the storage.
    pub offset: u64,
    /// Elements that the storage is said to have.
    pub elements: u64,
    /// The storage.
    pub bytes: Vec<u8>,
    /// The key of a storage that several tensors have; none for one of its own.
    pub shared: Option<u32>,
}

impl Array {
    /// A contiguous tensor of its own storage.
    pub fn new(kind: &'static str, shape: &[u64], bytes: Vec<u8>) -> Self {
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        Self {
            kind,
            shape: shape.to_vec(),
            strides,
            offset: 0,
            elements: shape.iter().product(),
            bytes,
            shared: None,
        }
    }

    /// 32-bit floats.
    pub fn floats(shape: &[u64], values: &[f32]) -> Self {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self::new("Float", shape, bytes)
    }

    /// 64-bit whole numbers.
    pub fn longs(shape: &[u64], values: &[i64]) -> Self {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self::new("Long", shape, bytes)
    }
}

/// Text.
pub fn text(text: &str) -> Py {
    Py::Text(text.to_owned())
}

/// A tuple.
pub fn tuple(items: impl IntoIterator<Item = Py>) -> Py {
    Py::Tuple(items.into_iter().collect())
}

/// A dictionary with text keys.
pub fn dict<'a>(pairs: impl IntoIterator<Item = (&'a str, Py)>) -> Py {
    Py::Dict(
        pairs
            .into_iter()
            .map(|(key, value)| (text(key), value))
            .collect(),
    )
}

/// A class or function by `module.name`.
pub fn global(path: &str) -> Py {
    let (module, name) = path.rsplit_once('.').unwrap_or(("builtins", path));
    Py::Global(module.to_owned(), name.to_owned())
}

/// What a function makes of arguments.
pub fn call(path: &str, arguments: impl IntoIterator<Item = Py>) -> Py {
    Py::Call(Box::new(global(path)), arguments.into_iter().collect())
}

/// An object of a class with fields.
pub fn object<'a>(class: &str, fields: impl IntoIterator<Item = (&'a str, Py)>) -> Py {
    let new = Py::New(Box::new(global(class)), Vec::new());
    Py::Build(Box::new(new), Box::new(dict(fields)))
}

/// An `OrderedDict` of tensors.
pub fn state_dict<'a>(tensors: impl IntoIterator<Item = (&'a str, Array)>) -> Py {
    let pairs = tensors
        .into_iter()
        .map(|(key, array)| (text(key), Py::Tensor(array)));
    Py::Fill(
        Box::new(call("collections.OrderedDict", [])),
        pairs.collect(),
    )
}

/// A module of PyTorch: class, parameters, buffers, sub-modules and plain attributes.
pub fn module<'a>(
    class: &str,
    parameters: Vec<(&'a str, Array)>,
    buffers: Vec<(&'a str, Array)>,
    modules: Vec<(&'a str, Py)>,
    attributes: Vec<(&'a str, Py)>,
) -> Py {
    let ordered = |pairs: Vec<(&str, Py)>| {
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| (text(key), value))
            .collect();
        Py::Fill(Box::new(call("collections.OrderedDict", [])), pairs)
    };
    let parameters = parameters.into_iter().map(|(key, array)| {
        let arguments = [
            Py::Tensor(array),
            Py::Bool(true),
            call("collections.OrderedDict", []),
        ];
        (key, call("torch._utils._rebuild_parameter", arguments))
    });
    let buffers = buffers
        .into_iter()
        .map(|(key, array)| (key, Py::Tensor(array)));
    let mut fields = vec![
        ("training", Py::Bool(false)),
        ("_parameters", ordered(parameters.collect())),
        ("_buffers", ordered(buffers.collect())),
        (
            "_non_persistent_buffers_set",
            call("builtins.set", [Py::List(vec![text("passing")])]),
        ),
        ("_backward_hooks", call("collections.OrderedDict", [])),
        ("_modules", ordered(modules)),
    ];
    fields.extend(attributes);
    object(class, fields)
}
