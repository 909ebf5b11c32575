//! A safetensors file of computed values, one tensor per image.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use burn::tensor::TensorData;
use safetensors::tensor::{Dtype, TensorView};

/// Values under the name of their image.
#[derive(Debug)]
pub(crate) struct Named {
    /// The image as it was given.
    pub(crate) name: String,
    /// Without the batch.
    pub(crate) shape: Vec<usize>,
    /// In row-major order.
    pub(crate) values: Vec<f32>,
}

impl Named {
    /// Takes the values off a tensor of one image.
    pub(crate) fn new(name: String, shape: Vec<usize>, data: TensorData) -> Result<Self> {
        let values: Vec<f32> = data.iter::<f32>().collect();
        let expected: usize = shape.iter().product();
        if values.len() == expected {
            return Ok(Self {
                name,
                shape,
                values,
            });
        }
        Err(anyhow!(
            "{name}: {} values where {expected} were expected",
            values.len()
        ))
    }
}

/// A file of every tensor.
pub(crate) fn file<'a>(tensors: impl IntoIterator<Item = &'a Named>) -> Result<Vec<u8>> {
    let bytes: BTreeMap<&str, (&Named, Vec<u8>)> = tensors
        .into_iter()
        .map(|named| {
            let bytes = named
                .values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            (named.name.as_str(), (named, bytes))
        })
        .collect();
    let mut views = Vec::new();
    for (name, (named, bytes)) in &bytes {
        let view = TensorView::new(Dtype::F32, named.shape.clone(), bytes);
        views.push((*name, view.with_context(|| format!("cannot keep {name}"))?));
    }
    Ok(safetensors::serialize(views, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_come_back_under_their_names() {
        let named = Named {
            name: "a.png".into(),
            shape: vec![2],
            values: vec![1.0, -2.0],
        };
        let bytes = file(&[named]).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let view = file.tensor("a.png").unwrap();
        assert_eq!(view.shape(), [2]);
        assert_eq!(view.data(), [0, 0, 128, 63, 0, 0, 0, 192]);
    }
}
