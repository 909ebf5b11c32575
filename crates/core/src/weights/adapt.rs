//! A file made to fit a network that differs from the one it was trained for.

use std::borrow::Cow;

use burn::tensor::{Bytes, DType, TensorData};
use burn_store::burn_pack::Tensor as PackTensor;

use super::{Checkpoint, Slot};
use crate::Error;

impl Checkpoint {
    /// A burnpack file, which holds our paths and Burn's layout, as PyTorch would have written
    /// it; any other file as it is.
    ///
    /// `slots` are those of the network it is for; tensors that it does not have stay.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if values cannot be read.
    pub fn under_reference_keys(&self, slots: &[Slot]) -> Result<Cow<'_, Self>, Error> {
        if !self.is_ours {
            return Ok(Cow::Borrowed(self));
        }
        let mut file = self.clone();
        file.is_ours = false;
        for tensor in &mut file.tensors {
            if let Some(slot) = slots.iter().find(|slot| slot.path == tensor.name) {
                tensor.name.clone_from(&slot.key);
            }
            if tensor.shape.len() == 2 {
                let (shape, values) = self.values(tensor)?;
                let (rows, columns) = (shape[0], shape[1]);
                let transposed = (0..columns)
                    .flat_map(|column| (0..rows).map(move |row| (row, column)))
                    .map(|(row, column)| values[row * columns + column])
                    .collect();
                *tensor = packed(&tensor.name, vec![columns, rows], transposed);
            }
        }
        Ok(Cow::Owned(file))
    }

    /// The file without the first class of each of `heads` (keys without `.weight`): TensorFlow
    /// counts the background as class 0 of 1,001.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if values cannot be read.
    pub fn without_background(&self, heads: &[&str]) -> Result<Self, Error> {
        let mut file = self.clone();
        let of_a_head = |tensor: &&mut PackTensor| {
            heads.iter().any(|head| {
                let rest = tensor.name.strip_prefix(head);
                matches!(rest, Some(".weight" | ".bias"))
            })
        };
        for tensor in file.tensors.iter_mut().filter(of_a_head) {
            let (mut shape, values) = self.values(tensor)?;
            if let Some(classes @ 2..) = shape.first_mut() {
                let row = values.len() / *classes;
                *classes -= 1;
                *tensor = packed(&tensor.name, shape, values[row..].to_vec());
            }
        }
        Ok(file)
    }

    /// The file with the first layer's weight `key`, `[out, channels, height, width]`, made for
    /// another number of channels as timm does: one channel gets the sum of all; more get them
    /// over and over, scaled so that the layer's outputs keep their size.
    ///
    /// # Errors
    ///
    /// [`Error::Container`] if values cannot be read or the weight is none of a convolution.
    pub fn with_channels(&self, key: &str, channels: usize) -> Result<Self, Error> {
        let mut file = self.clone();
        let Some(tensor) = file.tensors.iter_mut().find(|tensor| tensor.name == key) else {
            return Ok(file);
        };
        let (shape, values) = self.values(tensor)?;
        let [outputs, present, height, width] = shape[..] else {
            let reason = format!("{key} has shape {shape:?}, expected that of a convolution");
            return Err(self.broken(reason));
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
        Ok(file)
    }

    /// Shape and values of one tensor.
    fn values(&self, tensor: &PackTensor) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let (_, dtype, shape, _, bytes) = tensor
            .clone()
            .into_parts()
            .map_err(|error| self.broken(error))?;
        let sizes = shape.to_vec();
        let data = TensorData::from_bytes(bytes, shape, dtype).convert_dtype(DType::F32);
        let values: Vec<f32> = data.try_into_vec().map_err(|error| self.broken(error))?;
        if values.len() != sizes.iter().product::<usize>() || values.is_empty() {
            let reason = format!("{} has no {sizes:?} values", tensor.name);
            return Err(self.broken(reason));
        }
        Ok((sizes, values))
    }
}

fn packed(name: &str, shape: Vec<usize>, values: Vec<f32>) -> PackTensor {
    let bytes = Bytes::from_elems(values);
    PackTensor::new(name.to_owned(), DType::F32, shape, None, bytes)
}

#[cfg(test)]
mod tests {
    use super::super::Container;
    use super::*;

    fn file(name: &str, shape: Vec<usize>, values: Vec<f32>) -> Checkpoint {
        let tensors = vec![packed(name, shape, values)];
        Checkpoint::new("test".into(), Container::Safetensors, tensors, 1 << 10).unwrap()
    }

    fn only(file: &Checkpoint) -> (Vec<usize>, Vec<f32>) {
        file.values(&file.packed()[0]).unwrap()
    }

    #[test]
    fn one_channel_gets_the_sum_and_more_get_a_scaled_cycle() {
        let rgb = file(
            "conv1.weight",
            vec![1, 3, 1, 2],
            vec![1., 2., 3., 4., 5., 6.],
        );
        let grey = rgb.with_channels("conv1.weight", 1).unwrap();
        assert_eq!(only(&grey), (vec![1, 1, 1, 2], vec![9., 12.]));
        let four = rgb.with_channels("conv1.weight", 4).unwrap();
        let expected = [1., 2., 3., 4., 5., 6., 1., 2.].map(|value| value * 0.75);
        assert_eq!(only(&four), (vec![1, 4, 1, 2], expected.to_vec()));
    }

    #[test]
    fn the_background_is_the_first_row() {
        let tf = file("fc.weight", vec![3, 2], vec![9., 9., 1., 2., 3., 4.]);
        let without = tf.without_background(&["fc"]).unwrap();
        assert_eq!(only(&without), (vec![2, 2], vec![1., 2., 3., 4.]));
        let other = tf.without_background(&["classif"]).unwrap();
        assert_eq!(only(&other).0, [3, 2]);
    }

    #[test]
    fn burns_layout_is_turned_round_under_the_references_key() {
        let values = vec![1., 2., 3., 4., 5., 6.];
        let tensors = vec![packed("classifier.weight", vec![2, 3], values)];
        let ours = Checkpoint::new("test".into(), Container::Burnpack, tensors, 1 << 10).unwrap();
        let slot = Slot {
            key: "fc.weight".into(),
            path: "classifier.weight".into(),
            shape: vec![3, 2],
            id: 0,
            trainable: true,
        };
        let theirs = ours.under_reference_keys(&[slot]).unwrap();
        assert_eq!(theirs.packed()[0].name, "fc.weight");
        assert_eq!(only(&theirs), (vec![3, 2], vec![1., 4., 2., 5., 3., 6.]));
    }
}
