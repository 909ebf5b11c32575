//! The reference's golden files, and checkpoints made of their keys.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo::weights::Checkpoint;
use regex::Regex;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::Deserialize;

use crate::synthetic;

/// `golden/<model>.json`; `tools/reference/generate.py` writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Golden {
    /// Trainable parameters, auxiliary heads included.
    pub parameters: usize,
    /// Multiply-accumulates of one image.
    pub macs: u64,
    /// Which scales are multiplied, and by what.
    pub residual_gain: Gain,
    /// `[batch, channels, height, width]`.
    pub input_shape: [usize; 4],
    /// The logits.
    pub output: Vec<f32>,
    /// Statistics of named activations.
    pub activations: BTreeMap<String, Activation>,
    /// Key, shape and type of each tensor.
    pub state_dict: Vec<(String, Vec<usize>, String)>,
}

/// The tensors whose key matches are multiplied after filling.
#[derive(Clone, Debug, Deserialize)]
pub struct Gain {
    /// Regular expression of whole keys.
    pub pattern: Option<String>,
    /// Factor.
    pub gain: f32,
}

/// Statistics of an activation.
#[derive(Clone, Debug, Deserialize)]
pub struct Activation {
    /// With the batch.
    pub shape: Vec<usize>,
    /// Mean over all elements.
    pub mean: f64,
    /// Standard deviation over all elements.
    pub std: f64,
}

/// A file below `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path)
}

impl Golden {
    /// Reads `golden/<name>.json`.
    ///
    /// # Panics
    ///
    /// Without the file.
    pub fn read(name: &str) -> Self {
        let path = fixture(&format!("golden/{name}.json"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_slice(&bytes).expect("a golden file has the form that we read")
    }

    /// The network's weights as a safetensors file in memory, under the reference's keys.
    pub fn checkpoint(&self, name: &str) -> Checkpoint {
        Checkpoint::from_bytes(name, self.safetensors()).expect("we wrote it")
    }

    /// The bytes of that file.
    ///
    /// # Panics
    ///
    /// If the golden file is none.
    pub fn safetensors(&self) -> Vec<u8> {
        let gained = self.residual_gain.pattern.as_ref().map(|pattern| {
            Regex::new(&format!("^(?:{pattern})$")).expect("the pattern is a regular expression")
        });
        let mut files: Vec<(&str, &[usize], Dtype, Vec<u8>)> = Vec::new();
        for (key, shape, dtype) in &self.state_dict {
            if dtype == "int64" {
                files.push((key, shape, Dtype::I64, vec![0; 8]));
                continue;
            }
            let gain = match &gained {
                Some(pattern) if pattern.is_match(key) => self.residual_gain.gain,
                _ => 1.0,
            };
            let values = synthetic::weight(key, shape);
            let bytes = values
                .iter()
                .flat_map(|value| (value * gain).to_le_bytes())
                .collect();
            files.push((key, shape, Dtype::F32, bytes));
        }
        let views = files.iter().map(|(key, shape, dtype, bytes)| {
            let view = TensorView::new(*dtype, shape.to_vec(), bytes);
            (*key, view.expect("shapes fit their bytes"))
        });
        let none: Option<HashMap<String, String>> = None;
        safetensors::serialize(views, none).expect("the keys differ")
    }

    /// The input that the golden numbers belong to.
    pub fn input(&self, device: &Device) -> Tensor<4> {
        let values = synthetic::image(self.input_shape.iter().product());
        Tensor::from_data(TensorData::new(values, self.input_shape), device)
    }

    /// The state dict's float entries.
    pub fn keys(&self) -> Vec<(String, Vec<usize>)> {
        let floats = self
            .state_dict
            .iter()
            .filter(|(_, _, dtype)| dtype == "float32");
        floats
            .map(|(key, shape, _)| (key.clone(), shape.clone()))
            .collect()
    }
}

/// All values of a tensor.
///
/// # Panics
///
/// If the device fails.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
