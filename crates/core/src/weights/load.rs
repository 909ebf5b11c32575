//! Weights to module, strict both ways.

use std::collections::HashMap;

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter};

use super::checkpoint::{Checkpoint, broken};
use super::place::{Mismatch, mismatch};
use super::{KeyRow, Layout, Select, StateDict, slots};
use crate::Error;

impl Checkpoint {
    /// Fills any module from the file, wherever in it the weights are; `layout` describes their keys,
    /// and `model` is the module's name in messages.
    ///
    /// # Errors
    ///
    /// Those of [`Checkpoint::find`] and [`load`].
    pub fn fill<M: Module>(&self, module: M, model: &str, layout: &Layout) -> Result<M, Error> {
        let slots = slots(&module, &layout.keys);
        let found = self.find(model, &slots, layout, &Select::default())?;
        load(module, model, &found.weights, &layout.keys, &[])
    }
}

/// Fills `module` from `weights`; parameters end as f32.
///
/// `rows` turn the module's paths into the reference's keys, `model` is the architecture's name
/// for messages. `kept` are beginnings of keys that stay as they are in the module, such as a new
/// head; `weights` may have more than the module takes.
///
/// # Errors
///
/// [`Error::Weights`] lists missing and wrong-shaped tensors; [`Error::Container`] if the file
/// turns out to be broken when its values are read. `module` is consumed, so no half-filled one is
/// left.
pub fn load<M: Module>(
    module: M,
    model: &str,
    weights: &StateDict,
    rows: &[KeyRow],
    kept: &[&str],
) -> Result<M, Error> {
    let mut found: HashMap<&str, _> = weights
        .tensors
        .iter()
        .map(|tensor| (tensor.name.as_str(), tensor))
        .collect();
    let (mut missing, mut misshapen, mut tensors) = (Vec::new(), Vec::new(), Vec::new());
    for slot in slots(&module, rows) {
        let tensor = found.remove(slot.key.as_str());
        if kept.iter().any(|start| slot.key.starts_with(start)) {
            continue;
        }
        match tensor {
            None => missing.push(slot.key),
            Some(tensor) if tensor.shape.as_slice() != slot.shape => {
                misshapen.push((slot.key, tensor.shape.to_vec(), slot.shape));
            }
            Some(tensor) => {
                let mut tensor = tensor.clone();
                tensor.name = slot.path;
                tensors.push(tensor);
            }
        }
    }
    if !(missing.is_empty() && misshapen.is_empty()) {
        let differs = Mismatch {
            missing: &missing,
            missing_count: missing.len(),
            unused: &[],
            misshapen: &misshapen,
        };
        return Err(Error::Weights {
            name: weights.file.clone(),
            model: model.to_owned(),
            mismatch: mismatch(&differs),
        });
    }

    let mut module = module;
    let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32));
    let result = module.apply(tensors, None, Some(Box::new(adapter)), true);
    // Missing tensors were looked for above; what Burn misses here are those kept.
    match result.errors.first() {
        None => Ok(module),
        Some(error) => Err(broken(&weights.file, error)),
    }
}
