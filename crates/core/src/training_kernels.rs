//! The switch between our own kernels and Burn's operations in training.

use std::sync::atomic::{AtomicU8, Ordering};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// What computes convolutions, batch norms, pools, rectifiers and gates, forward and backward, where
/// gradients are recorded on Burn's CPU backend, flex.
///
/// One choice for the whole process, to be made between training steps. Without this crate's feature
/// `fast-cpu`, and on every other device, it changes nothing: there everything is Burn's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrainingKernels {
    /// Our own, 3x3 convolutions by Winograd's algorithm where that is faster: relative errors of
    /// about 1e-5.
    #[default]
    Fast,
    /// Our own, never by Winograd: errors as of any sum of 32-bit numbers.
    Exact,
    /// Burn's own operations.
    Off,
}

static CHOSEN: AtomicU8 = AtomicU8::new(TrainingKernels::Fast as u8);

impl TrainingKernels {
    /// Chooses it for the steps that begin from now on.
    pub fn choose(self) {
        CHOSEN.store(self as u8, Ordering::Relaxed);
    }

    /// The choice that holds.
    pub fn chosen() -> Self {
        let number = CHOSEN.load(Ordering::Relaxed);
        [Self::Fast, Self::Exact]
            .into_iter()
            .find(|it| *it as u8 == number)
            .unwrap_or(Self::Off)
    }

    /// Runs a step of training, whose tensors are on `device`. Where the kernels compute it, and the calling
    /// thread is one of rayon's pool ([`Self::enlist`]), the pool's other threads stay awake until it ends;
    /// and from the first step on, glibc keeps up to 2 GB that the process frees, instead of asking the
    /// system for it at each step.
    pub fn step<R>(device: &Device, step: impl FnOnce() -> R) -> R {
        #[cfg(feature = "fast-cpu")]
        if crate::fast_cpu::computes_on(device) {
            burn_zoo_kernels::keep_freed_memory();
            return burn_zoo_kernels::awake_in_place(step);
        }
        let _ = device;
        step()
    }

    /// Makes the calling thread, a program's main one, work for the kernels where it would wait for rayon's
    /// threads: small steps are faster then. To be called before any tensor is made; without the feature
    /// `fast-cpu` it does nothing.
    pub fn enlist() {
        #[cfg(feature = "fast-cpu")]
        burn_zoo_kernels::enlist();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_holds_until_the_next() {
        assert_eq!(TrainingKernels::chosen(), TrainingKernels::Fast);
        for choice in [
            TrainingKernels::Exact,
            TrainingKernels::Off,
            TrainingKernels::Fast,
        ] {
            choice.choose();
            assert_eq!(TrainingKernels::chosen(), choice);
        }
    }
}
