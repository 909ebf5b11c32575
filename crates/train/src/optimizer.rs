//! The optimizer of a recipe.

mod rmsprop;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamConfig, AdamWConfig, DynOptimizer, ModuleOptimizer, RmsPropConfig, SgdConfig,
};
use burn::tensor::Tensor;

use crate::recipe::{Algorithm, BETAS, Decayed, MOMENTUM, Optimizer};
use rmsprop::RmsPropTf;

/// The optimizer for a model, whose parameters must be the ones it will step: groups go by their
/// identifiers. Clipping is not its work, since Burn's clips each parameter for itself.
pub(crate) fn optimizer<M: Module>(settings: &Optimizer, model: &M) -> ModuleOptimizer {
    let spared = match settings.decayed {
        Decayed::Weights if settings.weight_decay > 0.0 => norms_and_biases(model),
        _ => Vec::new(),
    };
    let decay = settings.weight_decay;
    let group = ParamGroup::from_ids(spared);
    let momentum = settings.momentum.unwrap_or(MOMENTUM);
    let [beta_1, beta_2] = settings.betas.unwrap_or(BETAS);
    let (alpha, epsilon) = (settings.alpha(), settings.epsilon());
    let penalty = |decay: f32| (decay > 0.0).then(|| WeightDecayConfig::new(decay));
    match settings.kind {
        Algorithm::Sgd => {
            let nesterov = settings.nesterov.unwrap_or(false);
            let kept = MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(0.0)
                .with_nesterov(nesterov);
            let kept = (momentum > 0.0).then_some(kept);
            let sgd = SgdConfig::new().with_momentum(kept);
            both(group, decay, |decay| {
                sgd.clone().with_weight_decay(penalty(decay)).build()
            })
        }
        Algorithm::Rmsprop => {
            let rmsprop = RmsPropConfig::new()
                .with_alpha(alpha)
                .with_momentum(momentum as f32)
                .with_epsilon(epsilon);
            both(group, decay, |decay| {
                rmsprop.clone().with_weight_decay(penalty(decay)).build()
            })
        }
        Algorithm::RmspropTf => both(group, decay, |weight_decay| RmsPropTf {
            alpha,
            momentum,
            epsilon,
            weight_decay,
        }),
        Algorithm::Adam => {
            let adam = AdamConfig::new()
                .with_beta_1(beta_1)
                .with_beta_2(beta_2)
                .with_epsilon(epsilon);
            both(group, decay, |decay| {
                adam.clone().with_weight_decay(penalty(decay)).build()
            })
        }
        Algorithm::Adamw => {
            let adamw = AdamWConfig::new()
                .with_beta_1(beta_1)
                .with_beta_2(beta_2)
                .with_epsilon(epsilon);
            both(group, decay, |decay| {
                adamw.clone().with_weight_decay(decay).build()
            })
        }
    }
}

/// One algorithm with decay for all parameters, and without for those of `spared`.
fn both<O>(spared: ParamGroup, decay: f32, build: impl Fn(f32) -> O) -> ModuleOptimizer
where
    O: burn::optim::Optimizer + DynOptimizer + 'static,
{
    ModuleOptimizer::from(build(decay)).with_group(spared, build(0.0), None)
}

/// Parameters with fewer than two dimensions.
fn norms_and_biases<M: Module>(model: &M) -> Vec<ParamId> {
    struct Flat(Vec<ParamId>);
    impl ModuleVisitor for Flat {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if D < 2 {
                self.0.push(param.id);
            }
        }
    }
    let mut flat = Flat(Vec::new());
    model.visit(&mut flat);
    flat.0
}

#[cfg(test)]
mod tests {
    use burn::module::Module as _;
    use burn::tensor::Device;

    use super::*;
    use crate::gradients::tests::{GRADIENTS, assert_close, gradients, layer, values};
    use crate::recipe::Recipe;
    use crate::recipe::tests::SMALL;

    /// The parameters after three steps at a rate of 0.1, without decay for the bias.
    fn after_three_steps(kind: &str, settings: &[(&str, &str)]) -> Vec<f32> {
        let usual = [("optimizer.kind", kind), ("optimizer.weight_decay", "0.1")];
        let all: Vec<_> = usual
            .iter()
            .chain(settings)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let recipe = Recipe::parse("small", SMALL, &all).unwrap();
        let mut layer = layer(&Device::flex().autodiff());
        let mut optimizer = optimizer(&recipe.optimizer, &layer);
        for step in &GRADIENTS {
            let gradients = gradients(&layer, step);
            layer = optimizer.step(0.1, layer, gradients);
        }
        values(&layer.valid())
    }

    // Numbers are those of torch.optim and, for `rmsprop-tf`, of timm, with `weight_decay=0.1`
    // for the weight alone; printed by tools/reference/training_numbers.py.

    #[test]
    fn sgd_steps_as_in_pytorch() {
        let expected = [0.708024, -1.716048, -0.2012305, 2.858084, 0.0397, -0.1554];
        assert_close(&after_three_steps("sgd", &[]), &expected);
        let plain = [0.7960441, -1.892088, 0.2401295, 2.910645, 0.1, -0.24];
        let found = after_three_steps("sgd", &[("optimizer.momentum", "0.0")]);
        assert_close(&found, &plain);
        let nesterov = [
            0.5359061, -1.641812, -0.3792842, 2.784807, 0.04573, -0.19986,
        ];
        let found = after_three_steps("sgd", &[("optimizer.nesterov", "true")]);
        assert_close(&found, &nesterov);
    }

    #[test]
    fn rmsprop_steps_as_in_pytorch() {
        let settings = [("optimizer.alpha", "0.9"), ("optimizer.epsilon", "1e-3")];
        let expected = [
            0.03262213, -1.271448, -0.5568537, 2.317407, -0.6896061, 0.1979899,
        ];
        assert_close(&after_three_steps("rmsprop", &settings), &expected);
    }

    #[test]
    fn tensorflows_rmsprop_steps_as_in_timm() {
        let expected = [
            0.7924814, -1.800842, 0.03790346, 2.897257, 0.05728039, -0.1703112,
        ];
        let found = after_three_steps("rmsprop-tf", &[("optimizer.epsilon", "1.0")]);
        assert_close(&found, &expected);
    }

    #[test]
    fn adam_steps_as_in_pytorch() {
        let expected = [
            0.7821195,
            -1.808929,
            0.2486014,
            2.847169,
            -0.07870943,
            -0.09093403,
        ];
        assert_close(&after_three_steps("adam", &[]), &expected);
        let adamw = [
            0.7788717,
            -1.795633,
            0.2384876,
            2.859933,
            -0.07870943,
            -0.09093403,
        ];
        assert_close(&after_three_steps("adamw", &[]), &adamw);
    }

    #[test]
    fn all_parameters_decay_where_the_recipe_says_so() {
        let found = after_three_steps(
            "sgd",
            &[("optimizer.momentum", "0.0"), ("optimizer.decayed", "all")],
        );
        // By hand: b <- b - 0.1 (g + 0.1 b), three times from 0.1 and -0.2.
        let [mut first, mut second] = [0.1_f32, -0.2];
        for [one, two] in [[0.3, -0.6], [0.1, 0.2], [-0.4, 0.8]] {
            first -= 0.1 * (one + 0.1 * first);
            second -= 0.1 * (two + 0.1 * second);
        }
        assert_close(&found[4..], &[first, second]);
    }
}
