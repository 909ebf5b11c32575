//! `--engine` and `--exact`, where a network is trained.

use burn_zoo_core::TrainingKernels;

use crate::engine::Switch;

/// The choice of what computes a training step.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct KernelArgs {
    /// On flex, our kernels for training steps (`bench`: and compiled forward passes): on, or off for Burn's
    /// own operations
    #[arg(long, value_name = "SWITCH", value_enum, default_value_t = Switch::On, hide_possible_values = true)]
    engine: Switch,
    /// Training without Winograd's algorithm: slower, with the rounding errors of plain sums (1e-6
    /// instead of 1e-5 relative)
    #[arg(long)]
    exact: bool,
}

impl KernelArgs {
    /// What was chosen.
    pub(crate) fn choice(self) -> TrainingKernels {
        match (self.engine, self.exact) {
            (Switch::Off, _) => TrainingKernels::Off,
            (Switch::On, true) => TrainingKernels::Exact,
            (Switch::On, false) => TrainingKernels::Fast,
        }
    }
}
