//! Our parameters' paths and the reference implementation's key names.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn_store::burn_pack::Tensor as PackTensor;
use burn_store::{BurnToPyTorchAdapter, ModuleSnapshot};
use regex::Regex;

/// A rule that turns our path into the checkpoint's key: regular expression and replacement.
pub type KeyRow = (&'static str, &'static str);

/// Where one tensor of a module stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its key in the file.
    pub key: String,
    /// Its path in our module, under Burn's names (`gamma`, `beta`).
    pub path: String,
    /// Its shape in the file's layout.
    pub shape: Vec<usize>,
    /// Identity of the parameter, by which gradients are found.
    pub id: u64,
    /// Whether training changes it; a batch norm's running statistics are state, no parameters.
    pub trainable: bool,
}

/// Every float tensor of a module in a file of PyTorch's layout under the reference's keys, in
/// the order of our fields. Draws no values: a network of 1,202 layers takes milliseconds.
pub fn slots<M: Module>(module: &M, rows: &[KeyRow]) -> Vec<Slot> {
    let table = KeyTable::new(rows);
    let mut walk = Walk::default();
    module.visit(&mut walk);
    for slot in &mut walk.slots {
        let Slot { key, shape, .. } = slot;
        // Linear weights are the only matrices of our networks; Burn's are `[in, out]`.
        if shape.len() == 2 {
            shape.reverse();
        }
        *key = table.key(&torch_names(key));
    }
    walk.slots
}

/// The module's tensors with their values in PyTorch's layout, under the reference's keys.
pub(super) fn keyed<M: Module>(module: &M, rows: &[KeyRow]) -> Vec<PackTensor> {
    let table = KeyTable::new(rows);
    module
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .filter(|tensor| tensor.dtype.is_float())
        .map(|mut tensor| {
            tensor.name = table.key(&tensor.name);
            tensor
        })
        .collect()
}

pub(super) struct KeyTable(Vec<(Regex, &'static str)>);

impl KeyTable {
    pub(super) fn new(rows: &[KeyRow]) -> Self {
        let compile = |pattern| Regex::new(pattern).expect("the rows of a crate are valid");
        Self(
            rows.iter()
                .map(|&(pattern, key)| (compile(pattern), key))
                .collect(),
        )
    }

    pub(super) fn key(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |key, (rule, to)| {
            rule.replace_all(&key, *to).into_owned()
        })
    }
}

/// PyTorch's names of a norm's scale and shift.
fn torch_names(path: &str) -> String {
    match path.rsplit_once('.') {
        Some((norm, "gamma")) => format!("{norm}.weight"),
        Some((norm, "beta")) => format!("{norm}.bias"),
        _ => path.to_owned(),
    }
}

#[derive(Default)]
struct Walk {
    /// Names from the root; those of enum variants belong to no path.
    names: Vec<Option<String>>,
    slots: Vec<Slot>,
}

impl ModuleVisitor for Walk {
    fn enter_module(&mut self, name: &str, container: &str) {
        let variant = container.starts_with("Enum:");
        self.names.push((!variant).then(|| name.to_owned()));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.names.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let names: Vec<&str> = self.names.iter().flatten().map(String::as_str).collect();
        let path = names.join(".");
        self.slots.push(Slot {
            key: path.clone(),
            shape: param.lazy_shape().to_vec(),
            id: param.id.val(),
            trainable: !names
                .last()
                .is_some_and(|name| name.starts_with("running_")),
            path,
        });
    }
}
