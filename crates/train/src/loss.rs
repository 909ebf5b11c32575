//! Cross entropy against shares of several classes.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

/// Mean cross entropy of `logits` against `targets`, shares of each class that add up to 1, both
/// `[batch, classes]`. `smoothing` is the share of a target that is spread over all classes
/// (Szegedy et al. 2015, arXiv:1512.00567, section 7), as in PyTorch's `CrossEntropyLoss`.
pub(crate) fn soft_cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<2>,
    smoothing: f32,
) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    let targets = targets * (1.0 - smoothing) + smoothing / classes as f32;
    (log_softmax(logits, 1) * targets).sum() / -(batch as f32)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::augment::tests::Reference;

    #[test]
    fn losses_are_pytorchs() {
        let reference = Reference::read();
        let matrix = |key| {
            let rows = reference.value(&["losses", key]).as_array().unwrap();
            let values = rows.iter().flat_map(|row| row.as_array().unwrap());
            let values: Vec<f32> = values.map(|value| value.as_f64().unwrap() as f32).collect();
            Tensor::<2>::from_data(TensorData::new(values, [3, 4]), &Device::flex())
        };
        let rows = reference.value(&["losses", "losses"]).as_array().unwrap();
        assert_eq!(rows.len(), 3);
        for row in rows {
            let [smoothing, expected] = [0, 1].map(|column: usize| row[column].as_f64().unwrap());
            let loss = soft_cross_entropy(matrix("logits"), matrix("targets"), smoothing as f32);
            let found: f32 = loss.into_scalar();
            // f32 against double precision.
            assert!((f64::from(found) - expected).abs() < 1e-6, "{found}");
        }
    }
}
