//! The first stage in which two devices part.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use safetensors::SafeTensors;
use serde::Serialize;

use super::difference::greatest;

/// A stage's feature map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stage {
    name: String,
    values: Vec<f32>,
}

/// How far each stage is from the other device's.
#[derive(Debug)]
pub(super) struct Parting {
    /// Shallow to deep.
    pub(super) stages: Vec<Distance>,
    /// The first stage above the tolerance.
    pub(super) first: Option<String>,
}

/// How far one stage is from the other device's.
#[derive(Debug, Serialize)]
pub(super) struct Distance {
    name: String,
    max_abs_diff: f64,
    max_rel_diff: f64,
}

/// Reads the stages that a measurement wrote, in the order of `names`.
pub(super) fn read(path: &Path, names: &[String]) -> Result<Vec<Stage>> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let file = SafeTensors::deserialize(&bytes).with_context(|| format!("cannot read {shown}"))?;
    let stage = |name: &String| {
        let tensor = file
            .tensor(name)
            .with_context(|| format!("cannot read {shown}"))?;
        let words = tensor.data().as_chunks().0.iter();
        Ok(Stage {
            name: name.clone(),
            values: words.map(|word| f32::from_le_bytes(*word)).collect(),
        })
    };
    names.iter().map(stage).collect()
}

/// Compares stage by stage; a stage differs above the relative `tolerance`.
pub(super) fn part(expected: &[Stage], found: &[Stage], tolerance: f64) -> Result<Parting> {
    let same = expected.len() == found.len()
        && expected
            .iter()
            .zip(found)
            .all(|(a, b)| a.name == b.name && a.values.len() == b.values.len());
    ensure!(same, "the stages are not the first device's");
    let distances = found.iter().zip(expected).map(|(found, expected)| {
        let [max_abs_diff, max_rel_diff] = greatest(&found.values, &expected.values);
        Distance {
            name: found.name.clone(),
            max_abs_diff,
            max_rel_diff,
        }
    });
    let stages: Vec<_> = distances.collect();
    let mut above = stages.iter().filter(|stage| stage.max_rel_diff > tolerance);
    Ok(Parting {
        first: above.next().map(|stage| stage.name.clone()),
        stages,
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use burn_zoo::weights::{Checkpoint, Dtype};
    use burn_zoo::{AnyClassifier, Classifier as _};
    use safetensors::tensor::TensorView;

    use super::*;

    fn stages(model: &AnyClassifier) -> Vec<Stage> {
        let [height, width] = model.input().size;
        let channels = model.input().channels;
        let image = Tensor::<4>::ones([1, channels, height, width], &Device::flex());
        let maps = model.features(image).into_iter();
        let stage = |map: burn_zoo::FeatureMap| Stage {
            name: map.name.into_owned(),
            values: map.map.into_data().iter::<f32>().collect(),
        };
        maps.map(stage).collect()
    }

    /// The shipped weights, with 1 % added to every value of `key`.
    fn perturbed(key: &str) -> AnyClassifier {
        let device = Device::flex();
        let whole = burn_zoo::pretrained("resnet20_cifar.digits", &device).unwrap();
        let bytes = whole.to_safetensors(Dtype::F32).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut changed = 0;
        let tensors: Vec<(String, safetensors::Dtype, Vec<usize>, Vec<u8>)> = file
            .tensors()
            .into_iter()
            .map(|(name, tensor)| {
                let mut data = tensor.data().to_vec();
                if name == key {
                    for word in data.as_chunks_mut::<4>().0 {
                        *word = (1.01 * f32::from_le_bytes(*word)).to_le_bytes();
                    }
                    changed += 1;
                }
                (name, tensor.dtype(), tensor.shape().to_vec(), data)
            })
            .collect();
        assert_eq!(changed, 1, "{key} is a tensor");
        let views = tensors.iter().map(|(name, dtype, shape, data)| {
            (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let bytes = safetensors::serialize(views, None).unwrap();
        let file = Checkpoint::from_bytes("perturbed", bytes).unwrap();
        burn_zoo::load("resnet20_cifar", &file, &device).unwrap()
    }

    #[test]
    fn a_perturbed_tensor_is_found_in_its_stage() {
        let device = Device::flex();
        let whole = burn_zoo::pretrained("resnet20_cifar.digits", &device).unwrap();
        let whole = stages(&whole);
        assert_eq!(part(&whole, &whole, 0.0).unwrap().first, None);
        for (key, stage) in [
            ("conv1.weight", "conv1"),
            ("layer1.2.conv2.weight", "stage1"),
            ("layer2.0.conv1.weight", "stage2"),
            ("layer3.1.bn2.weight", "stage3"),
            ("fc.weight", "none"),
        ] {
            let parting = part(&whole, &stages(&perturbed(key)), 1e-4).unwrap();
            assert_eq!(parting.first.as_deref().unwrap_or("none"), stage, "{key}");
        }
    }

    #[test]
    fn other_stages_are_an_error() {
        let stage = |name: &str| Stage {
            name: name.to_owned(),
            values: vec![1.0],
        };
        assert!(part(&[stage("a")], &[stage("b")], 1.0).is_err());
    }
}
