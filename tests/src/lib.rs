//! What the workspace-wide tests share: deterministic weights and the reference's golden files.
#![expect(clippy::print_stdout, reason = "tests say what they measured")]

pub mod digits;
pub mod forms;
pub mod golden;
pub mod hostile;
pub mod parity;
pub mod resnet18;
pub mod steps;
pub mod synthetic;
pub mod torch;
pub mod training;

use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo::TrainingKernels;

use crate::synthetic::splitmix64;

/// Calls with these kernels. The choice is the process's, so that tests take turns.
pub fn with<T>(kernels: TrainingKernels, run: impl FnOnce() -> T) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    kernels.choose();
    let result = run();
    TrainingKernels::default().choose();
    result
}

/// Seeded numbers in `[-1, 1)`.
pub fn seeded<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let numbers = (0..count as u64).map(|index| {
        let bits = splitmix64(seed.wrapping_mul(0x1_0000_0000).wrapping_add(index)) >> 40;
        bits as f32 / (1 << 23) as f32 - 1.0
    });
    Tensor::from_data(TensorData::new(numbers.collect(), shape), device)
}

/// `max |a - b| / max |b|`.
///
/// # Panics
///
/// If the lengths differ or a value is not finite: `max` would pass over NaN.
pub fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    assert!(
        found.iter().all(|value| value.is_finite()),
        "a value is not finite"
    );
    let greatest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, f32::max);
    let difference = greatest(&mut found.iter().zip(expected).map(|(a, b)| (a - b).abs()));
    difference / greatest(&mut expected.iter().map(|b| b.abs()))
}

/// Mean and standard deviation.
pub fn statistics(values: &[f32]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let squares = values
        .iter()
        .map(|&value| (f64::from(value) - mean).powi(2))
        .sum::<f64>();
    (mean, (squares / count).sqrt())
}
