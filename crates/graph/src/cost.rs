//! What one operation costs.

use burn::backend::ir::{FloatOperationIr, ModuleOperationIr, OperationIr, TensorIr};

/// Multiply-accumulates of a convolution or matrix product, 0 for anything else, for the whole
/// batch.
pub(crate) fn macs(operation: &OperationIr) -> u64 {
    let product = |sizes: &[usize]| sizes.iter().product::<usize>() as u64;
    let each = |out: &TensorIr, inner: u64| product(&out.shape) * inner;
    match operation {
        // A convolution's weight is [out, in / groups, height, width].
        OperationIr::Module(ModuleOperationIr::Conv2d(conv)) => {
            each(&conv.out, product(&conv.weight.shape[1..]))
        }
        OperationIr::Module(ModuleOperationIr::Linear(linear)) => {
            each(&linear.out, linear.weight.shape[0] as u64)
        }
        OperationIr::Float(_, FloatOperationIr::Matmul(matmul)) => each(
            &matmul.out,
            matmul.lhs.shape[matmul.lhs.shape.len() - 1] as u64,
        ),
        _ => 0,
    }
}
