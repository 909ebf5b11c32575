//! Counts parameters without drawing their values.

use burn::module::Module;
use burn_zoo::weights::slots;

/// Number of trainable parameters; running statistics are state, not parameters.
pub(crate) fn parameters<M: Module>(module: &M) -> u64 {
    let trainable = slots(module, &[]).into_iter().filter(|slot| slot.trainable);
    trainable
        .map(|slot| slot.shape.iter().product::<usize>() as u64)
        .sum()
}
