//! Checkpoint to module, strict both ways.

use std::collections::HashMap;

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter};

use super::keys::{adapted, keyed};
use super::{Checkpoint, Container, KeyRow};
use crate::Error;

/// Names listed of each kind in an error before "and n more".
const LISTED: usize = 5;

/// Fills `module` from `checkpoint`; parameters end as f32.
///
/// `rows` turn the module's paths into the checkpoint's keys, `model` is the architecture's name
/// for messages.
///
/// # Errors
///
/// [`Error::Weights`] lists missing, unused and wrong-shaped tensors (`num_batches_tracked` is
/// no tensor of ours and may be there or not); [`Error::Container`] if the file turns out to be
/// broken when its values are read. `module` is consumed, so no half-filled one is left.
pub fn load<M: Module>(
    module: M,
    model: &str,
    checkpoint: &Checkpoint,
    rows: &[KeyRow],
) -> Result<M, Error> {
    let mut found: HashMap<&str, _> = checkpoint
        .packed()
        .iter()
        .map(|tensor| (tensor.name.as_str(), tensor))
        .collect();
    // A burnpack file holds our own paths and Burn's layout, every other one PyTorch's.
    let to_f32 = FloatCastAdapter::to(DType::F32);
    let (wanted, adapter): (_, Box<dyn ModuleAdapter>) = match checkpoint.container() {
        Container::Burnpack => (adapted(&module, &[], None), Box::new(to_f32)),
        _ => (
            keyed(&module, rows),
            Box::new(PyTorchToBurnAdapter.chain(to_f32)),
        ),
    };
    let (mut missing, mut misshapen, mut tensors) = (Vec::new(), Vec::new(), Vec::new());
    for (path, expected) in wanted {
        match found.remove(expected.name.as_str()) {
            None => missing.push(expected.name),
            Some(tensor) if tensor.shape != expected.shape => misshapen.push(format!(
                "{} is {:?}, expected {:?}",
                expected.name,
                tensor.shape.as_slice(),
                expected.shape.as_slice()
            )),
            Some(tensor) => {
                let mut tensor = tensor.clone();
                tensor.name = path;
                tensors.push(tensor);
            }
        }
    }
    let mut unused: Vec<String> = found
        .into_keys()
        .filter(|key| !key.ends_with("num_batches_tracked"))
        .map(str::to_owned)
        .collect();
    unused.sort_unstable();
    if !(missing.is_empty() && misshapen.is_empty() && unused.is_empty()) {
        let parts = [
            ("missing", missing),
            ("unused", unused),
            ("of another shape", misshapen),
        ];
        let mismatch = parts
            .iter()
            .filter(|(_, list)| !list.is_empty())
            .map(summary);
        return Err(Error::Weights {
            name: checkpoint.name().to_owned(),
            model: model.to_owned(),
            mismatch: mismatch.collect::<Vec<_>>().join("; "),
        });
    }

    let mut module = module;
    let result = module.apply(tensors, None, Some(adapter), true);
    match result.errors.first() {
        None => Ok(module),
        Some(error) => Err(checkpoint.broken(error)),
    }
}

fn summary((kind, list): &(&str, Vec<String>)) -> String {
    let shown = list
        .iter()
        .take(LISTED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let more = match list.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {kind} ({shown}{more})", list.len())
}
