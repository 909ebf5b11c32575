//! Seeded weights that are the same on every device: each device's own generator would draw
//! others.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use burn::module::{Module as _, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use burn_zoo::weights::{Checkpoint, Slot};
use burn_zoo::{AnyClassifier, Entry};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use safetensors::tensor::{Dtype, TensorView};

use crate::model;

/// Scale of the norms that a network starts at zero, the last ones of residual branches: with the
/// others' scale, fifty residual blocks would double the signal fifty times.
const RESIDUAL: f32 = 0.25;

/// An architecture with deterministic weights that let the signal through: matrices after He et
/// al. 2015 (arXiv:1502.01852, equation 10) by fan-in, norms about 1 and 0 with statistics to
/// match, so that an error anywhere shows in the logits.
pub(crate) fn network(entry: &Entry, device: &Device) -> Result<AnyClassifier> {
    device.seed(0);
    let model = burn_zoo::create(&entry.architecture, model::options(entry)?, device)?;
    let mut zeros = Zeros::default();
    model.visit(&mut zeros);
    let files: Vec<(Slot, Vec<u8>)> = (0..)
        .zip(model.slots())
        .map(|(seed, slot)| {
            let last_of_branch = slot.key.ends_with("weight") && zeros.0.contains(&slot.id);
            let gain = if last_of_branch { RESIDUAL } else { 1.0 };
            let values = values(&slot, seed).map(|value| gain * value);
            let bytes = values.flat_map(f32::to_le_bytes).collect();
            (slot, bytes)
        })
        .collect();
    let views: Result<HashMap<&str, TensorView<'_>>, _> = files
        .iter()
        .map(|(slot, bytes)| {
            let view = TensorView::new(Dtype::F32, slot.shape.clone(), bytes)?;
            Ok::<_, safetensors::SafeTensorError>((slot.key.as_str(), view))
        })
        .collect();
    let file = safetensors::serialize(views?, None)?;
    let file = Checkpoint::from_bytes("random weights", file)?;
    Ok(burn_zoo::load(&entry.architecture, &file, device)?)
}

/// Numbers in `[0, 1)`, the same for the same seed.
pub(crate) fn stream(seed: u64) -> impl Iterator<Item = f32> {
    let mut generator = StdRng::seed_from_u64(seed);
    std::iter::repeat_with(move || generator.random::<f32>())
}

fn values(slot: &Slot, seed: u64) -> impl Iterator<Item = f32> {
    let [scale, shift] = match slot.shape.as_slice() {
        [_, inputs @ ..] if !inputs.is_empty() => {
            let bound = (6.0 / inputs.iter().product::<usize>().max(1) as f32).sqrt();
            [2.0 * bound, -bound]
        }
        _ if slot.key.ends_with("bias") || slot.key.ends_with("running_mean") => [0.2, -0.1],
        _ => [1.0, 0.5],
    };
    let count = slot.shape.iter().product();
    stream(seed)
        .map(move |unit| scale * unit + shift)
        .take(count)
}

/// Vectors that are zero in a new network, by identity.
#[derive(Default)]
struct Zeros(HashSet<u64>);

impl ModuleVisitor for Zeros {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D == 1
            && param
                .val()
                .into_data()
                .iter::<f32>()
                .all(|value| value == 0.0)
        {
            self.0.insert(param.id.val());
        }
    }
}
