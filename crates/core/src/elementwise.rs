//! What is computed number by number, in training by our own kernels where those take it.

use burn::tensor::Tensor;
use burn::tensor::activation;

#[cfg(feature = "fast-cpu")]
use crate::fast_cpu;

/// `max(x, 0)`, and in training on a CPU by the kernels that [`TrainingKernels`] chooses, if this crate's
/// feature `fast-cpu` is on. Where no gradients are recorded, on any other backend than flex, and with
/// other numbers than `f32`, it is Burn's own.
///
/// [`TrainingKernels`]: crate::TrainingKernels
pub fn relu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "fast-cpu")]
    if let Some(output) = fast_cpu::relu(&input) {
        return output;
    }
    activation::relu(input)
}

/// `max(branch + shortcut, 0)`, by what [`relu`] is by: the end of a residual block (He et al. 2015,
/// arXiv:1512.03385, section 3.2).
///
/// # Panics
///
/// If the shapes differ and none extends to the other.
pub fn add_relu<const D: usize>(branch: Tensor<D>, shortcut: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "fast-cpu")]
    if let Some(output) = fast_cpu::add_relu(&branch, &shortcut) {
        return output;
    }
    activation::relu(branch + shortcut)
}

/// `transformed * gate + carried * (1 - gate)` and the gate, the sigmoid of `logits`, by what [`relu`] is
/// by: a highway layer (Srivastava et al. 2015, arXiv:1505.00387, equation 3). Gradients go through the
/// first of the two alone: the gate is there to be looked at.
///
/// # Panics
///
/// If the shapes differ and none extends to the other.
pub fn highway<const D: usize>(
    transformed: Tensor<D>,
    logits: Tensor<D>,
    carried: Tensor<D>,
) -> (Tensor<D>, Tensor<D>) {
    #[cfg(feature = "fast-cpu")]
    if let Some(found) = fast_cpu::highway(&transformed, &logits, &carried) {
        return found;
    }
    let gate = activation::sigmoid(logits);
    let carry = -gate.clone() + 1.0;
    let output = transformed * gate.clone() + carried * carry;
    (output, gate.detach())
}
