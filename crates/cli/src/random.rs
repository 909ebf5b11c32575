//! Seeded weights that are the same on every device: each device's own generator would draw
//! others.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use burn::tensor::Device;
use burn_zoo::weights::{Checkpoint, Slot};
use burn_zoo::{AnyClassifier, Entry};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use safetensors::tensor::{Dtype, TensorView};

use crate::model;

/// Scale of the last norm of a residual branch: with the others' scale, fifty residual blocks
/// would double the signal fifty times.
const RESIDUAL: f32 = 0.25;

/// An architecture with deterministic weights that let the signal through: matrices after He et
/// al. 2015 (arXiv:1502.01852, equation 10) by fan-in, norms about 1 and 0 with statistics to
/// match, so that an error anywhere shows in the logits.
pub(crate) fn network(entry: &Entry, device: &Device) -> Result<AnyClassifier> {
    device.seed(0);
    let model = burn_zoo::create(&entry.architecture, model::options(entry)?, device)?;
    let slots = model.slots();
    // Plain twins have the same blocks without the sum.
    let residual = !entry.architecture.starts_with("plain");
    let paths: HashSet<String> = slots.iter().map(|slot| slot.path.clone()).collect();
    let files: Vec<(Slot, Vec<u8>)> = (0..)
        .zip(slots)
        .map(|(seed, slot)| {
            let damped = residual && ends_branch(&slot.path, &paths);
            let gain = if damped { RESIDUAL } else { 1.0 };
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

/// Whether a path is that of the scale of the last norm in a `ResidualBlock`'s branch.
fn ends_branch(path: &str, paths: &HashSet<String>) -> bool {
    let layer = path.strip_suffix(".norm.gamma");
    let parts = layer.and_then(|layer| layer.rsplit_once(".branch."));
    let numbered = parts.and_then(|(block, layer)| Some((block, layer.parse::<usize>().ok()?)));
    numbered.is_some_and(|(block, layer)| {
        !paths.contains(&format!("{block}.branch.{}.norm.gamma", layer + 1))
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use burn_zoo_core::Classifier as _;

    use super::*;

    #[test]
    fn the_signal_neither_fades_nor_overflows_f16() {
        let device = Device::flex();
        for name in [
            "resnet110_cifar",
            "plain20_cifar",
            "inception_v4_cifar",
            "highway_a",
        ] {
            let entry = burn_zoo::find(name).unwrap();
            let model = network(&entry, &device).unwrap();
            let spec = model.input();
            let [height, width] = spec.size;
            let image = Tensor::ones([1, spec.channels, height, width], &device);
            let maps = model.features(image).into_iter();
            let greatest: Vec<f32> = maps.map(|map| map.map.abs().max().into_scalar()).collect();
            let fine = greatest.iter().all(|value| (1e-2..1e4).contains(value));
            assert!(fine, "{name}: {greatest:?}");
        }
    }
}
