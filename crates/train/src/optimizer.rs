//! The optimizer of a recipe.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{ModuleOptimizer, SgdConfig};

use crate::recipe::Optimizer;

/// SGD without dampening, as PyTorch's.
pub(crate) fn optimizer(settings: &Optimizer) -> ModuleOptimizer {
    let mut config = SgdConfig::new();
    if settings.momentum > 0.0 {
        let momentum = MomentumConfig::new()
            .with_momentum(settings.momentum)
            .with_dampening(0.0)
            .with_nesterov(settings.nesterov);
        config = config.with_momentum(Some(momentum));
    }
    if settings.weight_decay > 0.0 {
        config = config.with_weight_decay(Some(WeightDecayConfig::new(settings.weight_decay)));
    }
    config.init()
}
