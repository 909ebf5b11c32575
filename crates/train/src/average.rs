//! An exponential moving average of a model's weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;

use crate::recipe::Ema;

/// The average, which begins as the model. Running statistics of norms are averaged too.
#[derive(Clone, Debug)]
pub(crate) struct Average<M> {
    settings: Ema,
    /// Number of steps that went into it.
    pub(crate) updates: usize,
    /// On the device without autodiff.
    pub(crate) model: M,
}

impl<M: Module> Average<M> {
    pub(crate) fn new(settings: Ema, model: &M) -> Self {
        Self {
            settings,
            updates: 0,
            // Not a clone, which would share its running statistics with the model.
            model: model.valid(),
        }
    }

    /// Takes in the model as it is after a step.
    pub(crate) fn update(&mut self, model: &M) {
        let kept = self.settings.kept(self.updates);
        let mut values = Values(TensorContainer::new());
        model.valid().visit(&mut values);
        let mut blend = Blend { values, kept };
        self.model = self.model.clone().map(&mut blend);
        self.updates += 1;
    }
}

struct Values(TensorContainer<ParamId>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val());
    }
}

struct Blend {
    values: Values,
    kept: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.values.0.remove::<Tensor<D>>(&param.id) else {
            return param;
        };
        let kept = self.kept;
        param.map(|average| average * kept + value * (1.0 - kept))
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNorm, BatchNormConfig};
    use burn::optim::SgdConfig;
    use burn::tensor::Device;

    use super::*;
    use crate::gradients::tests::{GRADIENTS, assert_close, gradients, layer, values};

    const NINE_TENTHS: Ema = Ema {
        decay: 0.9,
        warmup: false,
    };

    /// `AveragedModel(layer, multi_avg_fn=get_ema_multi_avg_fn(0.9))` over three steps of
    /// `SGD(lr=0.1)`, printed by tools/reference/training_numbers.py.
    #[test]
    fn the_average_is_pytorchs() {
        let mut layer = layer(&Device::flex().autodiff());
        let mut average = Average::new(NINE_TENTHS, &layer);
        let mut sgd = SgdConfig::new().init();
        for step in &GRADIENTS {
            let gradients = gradients(&layer, step);
            layer = sgd.step(0.1, layer, gradients);
            average.update(&layer);
        }
        let expected = [0.9762, -1.9824, 0.4318, 3.002475, 0.09397, -0.19554];
        assert_close(&values(&average.model), &expected);
        assert_eq!(average.updates, 3);
    }

    #[test]
    fn running_statistics_are_averaged_and_not_shared() {
        let device = Device::flex().autodiff();
        let norm = BatchNormConfig::new(1).with_momentum(0.5).init(&device);
        let mut average = Average::new(NINE_TENTHS, &norm);
        let mean = |norm: &BatchNorm| norm.running_mean.value_sync().into_scalar::<f32>();
        // The batch's mean is 2, half of which is taken: 1.
        norm.forward(Tensor::<2>::from_floats([[1.0], [3.0]], &device));
        assert_eq!(mean(&average.model), 0.0);
        average.update(&norm);
        assert_eq!(mean(&norm), 1.0);
        assert!((mean(&average.model) - 0.1).abs() < 1e-6);
    }

    /// `min(decay, (1 + n) / (10 + n))`, as `tf.train.ExponentialMovingAverage` documents.
    #[test]
    fn the_first_steps_may_count_more() {
        let warm = Ema {
            warmup: true,
            ..NINE_TENTHS
        };
        let found = [0, 5, 80, 1000].map(|updates| warm.kept(updates));
        assert_eq!(found, [0.1, 0.4, 0.9, 0.9]);
        assert_eq!(NINE_TENTHS.kept(0), 0.9);
    }
}
