//! The weights of a network from a file, and their adaptation to a different network.

use burn::tensor::{Bytes, DType, TensorData};
use burn_store::burn_pack::Tensor as PackTensor;

use super::checkpoint::broken;
use crate::Error;

/// The tensors of one network, with PyTorch's layout and the reference's keys. Values stay in the file
/// until a network takes them.
#[derive(Clone)]
pub struct StateDict {
    /// Path of the file, or what it was called.
    pub(super) file: String,
    pub(super) tensors: Vec<PackTensor>,
}

impl std::fmt::Debug for StateDict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "StateDict({}, {} tensors)",
            self.file,
            self.tensors.len()
        )
    }
}

impl StateDict {
    /// Keys and shapes.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let tensors = self.tensors.iter();
        tensors.map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice()))
    }

    /// The weights without the first class of each of `heads` (keys without `.weight`), because
    /// TensorFlow counts the background as class 0 of 1,001.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if values cannot be read.
    pub fn without_background(mut self, heads: &[&str]) -> Result<Self, Error> {
        let of_a_head = |key: &str| {
            heads.iter().any(|head| {
                let rest = key.strip_prefix(head);
                matches!(rest, Some(".weight" | ".bias"))
            })
        };
        for tensor in &mut self.tensors {
            if tensor.shape.first() != Some(&1001) || !of_a_head(&tensor.name) {
                continue;
            }
            let (mut shape, values) = values(&self.file, tensor)?;
            let row = values.len() / shape[0];
            shape[0] -= 1;
            *tensor = packed(&tensor.name, shape, values[row..].to_vec());
        }
        Ok(self)
    }

    /// The weights with the first layer's weight `key`, `[out, channels, height, width]`, adapted to
    /// another number of channels as in timm: one channel gets the sum of all; more channels repeat
    /// them, scaled to preserve the magnitude of the layer's outputs.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if values cannot be read or the weight is not a convolution's.
    pub fn with_channels(mut self, key: &str, channels: usize) -> Result<Self, Error> {
        let Some(tensor) = self.tensors.iter_mut().find(|tensor| tensor.name == key) else {
            return Ok(self);
        };
        let (shape, values) = values(&self.file, tensor)?;
        let [outputs, present, height, width] = shape[..] else {
            let reason = format!("{key} has shape {shape:?}, expected that of a convolution");
            return Err(broken(&self.file, reason));
        };
        let plane = height * width;
        let scale = present as f32 / channels as f32;
        let mut adapted = Vec::with_capacity(outputs * channels * plane);
        for filter in values.chunks(present * plane) {
            if channels == 1 {
                adapted.extend((0..plane).map(|pixel| {
                    let channels = filter.iter().skip(pixel).step_by(plane);
                    channels.sum::<f32>()
                }));
            } else {
                let repeated = filter.iter().cycle().take(channels * plane);
                adapted.extend(repeated.map(|value| value * scale));
            }
        }
        *tensor = packed(key, vec![outputs, channels, height, width], adapted);
        Ok(self)
    }
}

/// The transposed matrix, `[columns, rows]`.
pub(super) fn transposed(file: &str, tensor: &PackTensor) -> Result<PackTensor, Error> {
    let (shape, values) = values(file, tensor)?;
    let [rows, columns] = shape[..] else {
        return Ok(tensor.clone());
    };
    let turned = (0..columns)
        .flat_map(|column| (0..rows).map(move |row| (row, column)))
        .map(|(row, column)| values[row * columns + column])
        .collect();
    Ok(packed(&tensor.name, vec![columns, rows], turned))
}

/// The same values in another shape.
pub(super) fn reshaped(
    file: &str,
    tensor: &PackTensor,
    shape: Vec<usize>,
) -> Result<PackTensor, Error> {
    let (_, values) = values(file, tensor)?;
    Ok(packed(&tensor.name, shape, values))
}

/// A tensor of zeros.
pub(super) fn zeros(name: &str, size: usize) -> PackTensor {
    packed(name, vec![size], vec![0.0; size])
}

/// Shape and values of one tensor.
fn values(file: &str, tensor: &PackTensor) -> Result<(Vec<usize>, Vec<f32>), Error> {
    let (_, dtype, shape, _, bytes) = tensor
        .clone()
        .into_parts()
        .map_err(|error| broken(file, error))?;
    let sizes = shape.to_vec();
    let data = TensorData::from_bytes(bytes, shape, dtype).convert_dtype(DType::F32);
    let values: Vec<f32> = data.try_into_vec().map_err(|error| broken(file, error))?;
    if values.len() != sizes.iter().product::<usize>() || values.is_empty() {
        let reason = format!("{} has no {sizes:?} values", tensor.name);
        return Err(broken(file, reason));
    }
    Ok((sizes, values))
}

fn packed(name: &str, shape: Vec<usize>, values: Vec<f32>) -> PackTensor {
    let bytes = Bytes::from_elems(values);
    PackTensor::new(name.to_owned(), DType::F32, shape, None, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(name: &str, shape: Vec<usize>, values: Vec<f32>) -> StateDict {
        StateDict {
            file: "test".into(),
            tensors: vec![packed(name, shape, values)],
        }
    }

    fn only(weights: &StateDict) -> (Vec<usize>, Vec<f32>) {
        values("test", &weights.tensors[0]).unwrap()
    }

    #[test]
    fn one_channel_gets_the_sum_and_more_get_a_scaled_cycle() {
        let rgb = weights(
            "conv1.weight",
            vec![1, 3, 1, 2],
            vec![1., 2., 3., 4., 5., 6.],
        );
        let gray = rgb.clone().with_channels("conv1.weight", 1).unwrap();
        assert_eq!(only(&gray), (vec![1, 1, 1, 2], vec![9., 12.]));
        let four = rgb.with_channels("conv1.weight", 4).unwrap();
        let expected = [1., 2., 3., 4., 5., 6., 1., 2.].map(|value| value * 0.75);
        assert_eq!(only(&four), (vec![1, 4, 1, 2], expected.to_vec()));
    }

    #[test]
    fn the_background_is_the_first_row() {
        let values: Vec<f32> = (0_u16..1001).map(f32::from).collect();
        let tf = weights("fc.bias", vec![1001], values.clone());
        let without = tf.clone().without_background(&["fc"]).unwrap();
        assert_eq!(only(&without), (vec![1000], values[1..].to_vec()));
        let other = tf.without_background(&["classif"]).unwrap();
        assert_eq!(only(&other).0, [1001]);
    }

    #[test]
    fn burns_order_is_turned_round() {
        let ours = packed("fc.weight", vec![2, 3], vec![1., 2., 3., 4., 5., 6.]);
        let theirs = transposed("test", &ours).unwrap();
        let found = values("test", &theirs).unwrap();
        assert_eq!(found, (vec![3, 2], vec![1., 4., 2., 5., 3., 6.]));
    }
}
