//! Our parameters' paths and the reference implementation's key names.

use burn::module::Module;
use burn_store::burn_pack::Tensor as PackTensor;
use burn_store::{BurnToPyTorchAdapter, ModuleAdapter, ModuleSnapshot};
use regex::Regex;

/// A rule that turns our path into the checkpoint's key: regular expression and replacement.
pub type KeyRow = (&'static str, &'static str);

/// The module's tensors, in PyTorch's layout and order, each with the reference's key: the key
/// stands in `name`, the path in our module beside it.
pub(super) fn keyed<M: Module>(module: &M, rows: &[KeyRow]) -> Vec<(String, PackTensor)> {
    adapted(module, rows, Some(Box::new(BurnToPyTorchAdapter)))
}

/// As [`keyed`], in the layout that `adapter` makes.
pub(super) fn adapted<M: Module>(
    module: &M,
    rows: &[KeyRow],
    adapter: Option<Box<dyn ModuleAdapter>>,
) -> Vec<(String, PackTensor)> {
    let rules: Vec<_> = rows
        .iter()
        .map(|(pattern, key)| (Regex::new(pattern).expect("rows of KEYS are valid"), *key))
        .collect();
    module
        .collect(None, adapter, true)
        .into_iter()
        .filter(|tensor| tensor.dtype.is_float())
        .map(|mut tensor| {
            let path = tensor.name.clone();
            tensor.name = rules.iter().fold(path.clone(), |key, (rule, replacement)| {
                rule.replace_all(&key, *replacement).into_owned()
            });
            (path, tensor)
        })
        .collect()
}

/// The reference's keys with shapes in PyTorch's layout, in the reference's order, without
/// `num_batches_tracked`.
pub fn reference_keys<M: Module>(module: &M, rows: &[KeyRow]) -> Vec<(String, Vec<usize>)> {
    keyed(module, rows)
        .into_iter()
        .map(|(_, t)| (t.name.clone(), t.shape.to_vec()))
        .collect()
}

/// The reference's keys by parameter id: how to find one tensor's gradient by its published name.
pub fn keyed_parameters<M: Module>(module: &M, rows: &[KeyRow]) -> Vec<(String, u64)> {
    keyed(module, rows)
        .into_iter()
        .filter_map(|(_, tensor)| tensor.param_id.map(|id| (tensor.name, id)))
        .collect()
}
