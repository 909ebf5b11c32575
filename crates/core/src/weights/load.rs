//! Checkpoint to module, strict both ways.

use std::collections::HashMap;

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter};

use super::checkpoint::shortened;
use super::{Checkpoint, KeyRow, slots};
use crate::Error;

/// Names listed of each kind in an error before "and n more".
const LISTED: usize = 5;

/// How a file may differ from a network without being an error: what its user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences<'a> {
    /// Beginnings of keys that only the file need have, such as auxiliary heads not wanted.
    pub ignored: &'a [&'a str],
    /// Beginnings of keys that stay as they are in the network, whatever the file has there,
    /// such as a new head.
    pub kept: &'a [&'a str],
}

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
    differences: Differences<'_>,
) -> Result<M, Error> {
    let Differences { ignored, kept } = differences;
    let begins = |key: &str, with: &[&str]| with.iter().any(|start| key.starts_with(start));
    let wanted = slots(&module, rows);
    let checkpoint = &checkpoint.under_reference_keys(&wanted)?;
    let mut found: HashMap<&str, _> = checkpoint
        .packed()
        .iter()
        .map(|tensor| (tensor.name.as_str(), tensor))
        .collect();
    let (mut missing, mut misshapen, mut tensors) = (Vec::new(), Vec::new(), Vec::new());
    for slot in wanted {
        let tensor = found.remove(slot.key.as_str());
        if begins(&slot.key, kept) {
            continue;
        }
        match tensor {
            None => missing.push(slot.key),
            Some(tensor) if tensor.shape.as_slice() != slot.shape => misshapen.push(format!(
                "{} is {:?}, expected {:?}",
                slot.key,
                tensor.shape.as_slice(),
                slot.shape
            )),
            Some(tensor) => {
                let mut tensor = tensor.clone();
                tensor.name = slot.path;
                tensors.push(tensor);
            }
        }
    }
    let mut unused: Vec<String> = found
        .into_keys()
        .filter(|key| !key.ends_with("num_batches_tracked") && !begins(key, ignored))
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
    let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32));
    let result = module.apply(tensors, None, Some(Box::new(adapter)), true);
    // Missing tensors were looked for above; what Burn misses here are those kept.
    match result.errors.first() {
        None => Ok(module),
        Some(error) => Err(checkpoint.broken(error)),
    }
}

fn summary((kind, list): &(&str, Vec<String>)) -> String {
    let shown = list
        .iter()
        .take(LISTED)
        .map(|item| shortened(item))
        .collect::<Vec<_>>()
        .join(", ");
    let more = match list.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {kind} ({shown}{more})", list.len())
}
