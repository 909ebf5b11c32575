//! Gradients between the backward pass and the step.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use burn::train::Learner;

use crate::recipe::Optimizer;
use crate::trainee::{Trainable, Trainee};

/// Averages the gradients of several batches, each by its number of images, so that they equal
/// those of one large batch.
pub(crate) struct Accumulation<M> {
    /// Batches that make a step.
    enough: usize,
    sum: GradientsAccumulator<M>,
    images: usize,
    batches: usize,
    /// Those of the only batch, where one is enough.
    whole: Option<GradientsParams>,
}

impl<M: Module> Accumulation<M> {
    /// Of so many batches a step.
    pub(crate) fn new(enough: usize) -> Self {
        Self {
            enough,
            sum: GradientsAccumulator::new(),
            images: 0,
            batches: 0,
            whole: None,
        }
    }

    /// Whether there are enough batches for a step.
    pub(crate) fn is_full(&self) -> bool {
        self.batches == self.enough
    }

    /// Whether nothing was added since the last step.
    pub(crate) fn is_empty(&self) -> bool {
        self.batches == 0
    }

    /// Adds the gradients of a batch's mean loss.
    pub(crate) fn add(&mut self, model: &M, mut gradients: GradientsParams, images: usize) {
        self.batches += 1;
        if self.enough == 1 {
            self.whole = Some(gradients);
            return;
        }
        change(model, &mut gradients, Change::Scale(images as f64));
        self.sum.accumulate(model, gradients);
        self.images += images;
    }

    /// The average of what was added since the last one.
    pub(crate) fn take(&mut self, model: &M) -> GradientsParams {
        self.batches = 0;
        self.whole.take().unwrap_or_else(|| {
            let factor = 1.0 / self.images as f64;
            self.images = 0;
            let mut gradients = self.sum.grads();
            change(model, &mut gradients, Change::Scale(factor));
            gradients
        })
    }
}

/// One step of the schedule and of the optimizer, with clipped gradients.
pub(crate) fn update<M: Trainable>(
    learner: &mut Learner<Trainee<M>>,
    mut gradients: GradientsParams,
    settings: &Optimizer,
) {
    if settings.clip_norm.is_some() || settings.clip_value.is_some() {
        clip(&learner.model(), &mut gradients, settings);
    }
    learner.lr_step();
    learner.optimizer_step(gradients);
}

/// Clips by value and then by norm, where the settings say so. The norm is that of all gradients
/// together, as in PyTorch; Burn's own clipping takes each parameter's.
fn clip<M: Module>(model: &M, gradients: &mut GradientsParams, settings: &Optimizer) {
    if let Some(limit) = settings.clip_value {
        change(model, gradients, Change::Limit(limit));
    }
    if let Some(longest) = settings.clip_norm {
        let factor = f64::from(longest) / (norm(model, gradients) + 1e-6);
        if factor < 1.0 {
            change(model, gradients, Change::Scale(factor));
        }
    }
}

/// The length of the vector of all gradients.
fn norm<M: Module>(model: &M, gradients: &GradientsParams) -> f64 {
    struct Squares<'a> {
        gradients: &'a GradientsParams,
        sum: Option<Tensor<1>>,
    }
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.get::<D>(param.id) {
                let squares = gradient.square().sum();
                self.sum = Some(match self.sum.take() {
                    Some(sum) => sum + squares,
                    None => squares,
                });
            }
        }
    }
    let mut squares = Squares {
        gradients,
        sum: None,
    };
    model.visit(&mut squares);
    let sum = squares.sum.map(|sum| sum.into_scalar::<f64>());
    sum.unwrap_or_default().sqrt()
}

/// What happens to each gradient.
#[derive(Clone, Copy, Debug)]
enum Change {
    Scale(f64),
    Limit(f32),
}

fn change<M: Module>(model: &M, gradients: &mut GradientsParams, change: Change) {
    struct Changed<'a>(&'a mut GradientsParams, Change);
    impl ModuleVisitor for Changed<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.remove::<D>(param.id) {
                let gradient = match self.1 {
                    Change::Scale(factor) => gradient * factor,
                    Change::Limit(limit) => gradient.clamp(-limit, limit),
                };
                self.0.register(param.id, gradient);
            }
        }
    }
    model.visit(&mut Changed(gradients, change));
}

#[cfg(test)]
pub(crate) mod tests {
    use burn::module::Param;
    use burn::nn::Linear;
    use burn::tensor::Device;

    use super::*;

    pub(crate) type Step = ([[f32; 2]; 2], [f32; 2]);

    /// Those of tools/reference/training_numbers.py, as are the parameters of [`layer`].
    pub(crate) const GRADIENTS: [Step; 3] = [
        ([[0.5, -1.0], [2.0, 0.25]], [0.3, -0.6]),
        ([[-0.25, 0.5], [1.0, -0.75]], [0.1, 0.2]),
        ([[1.5, 0.0], [-0.5, 0.5]], [-0.4, 0.8]),
    ];

    pub(crate) fn layer(device: &Device) -> Linear {
        Linear {
            weight: Param::from_tensor(Tensor::from_floats([[1.0, -2.0], [0.5, 3.0]], device)),
            bias: Some(Param::from_tensor(Tensor::from_floats([0.1, -0.2], device))),
        }
    }

    pub(crate) fn gradients(layer: &Linear, (weight, bias): &Step) -> GradientsParams {
        let device = layer.weight.device().inner();
        let mut gradients = GradientsParams::new();
        gradients.register(layer.weight.id, Tensor::<2>::from_floats(*weight, &device));
        let id = layer.bias.as_ref().unwrap().id;
        gradients.register(id, Tensor::<1>::from_floats(*bias, &device));
        gradients
    }

    /// Weight, then bias.
    pub(crate) fn values(layer: &Linear) -> Vec<f32> {
        let weight = layer.weight.val().into_data();
        let bias = layer.bias.as_ref().unwrap().val().into_data();
        weight.iter::<f32>().chain(bias.iter::<f32>()).collect()
    }

    fn listed(layer: &Linear, mut gradients: GradientsParams) -> Vec<f32> {
        let weight = gradients.remove::<2>(layer.weight.id).unwrap().into_data();
        let bias = gradients.remove::<1>(layer.bias.as_ref().unwrap().id);
        let bias = bias.unwrap().into_data();
        weight.iter::<f32>().chain(bias.iter::<f32>()).collect()
    }

    #[track_caller]
    pub(crate) fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            // A few roundings of f32.
            assert!((a - b).abs() < 2e-6, "{found:?} is not {expected:?}");
        }
    }

    fn clipped(norm: Option<f32>, value: Option<f32>) -> Vec<f32> {
        let layer = layer(&Device::flex().autodiff());
        let mut found = gradients(&layer, &GRADIENTS[0]);
        let settings = Optimizer {
            clip_norm: norm,
            clip_value: value,
            ..toml::from_str("lr = 1.0").unwrap()
        };
        clip(&layer, &mut found, &settings);
        listed(&layer, found)
    }

    /// `clip_grad_norm_(p, 1)`, `clip_grad_norm_(p, 100)` and `clip_grad_value_(p, 0.4)` of
    /// `torch.nn.utils`, printed by tools/reference/training_numbers.py.
    #[test]
    fn clipping_is_pytorchs() {
        let short = [
            0.2082881, -0.4165761, 0.8331522, 0.104144, 0.1249728, -0.2499457,
        ];
        assert_close(&clipped(Some(1.0), None), &short);
        let whole = [0.5, -1.0, 2.0, 0.25, 0.3, -0.6];
        assert_close(&clipped(Some(100.0), None), &whole);
        assert_close(
            &clipped(None, Some(0.4)),
            &[0.4, -0.4, 0.4, 0.25, 0.3, -0.4],
        );
    }

    #[test]
    fn batches_are_averaged_by_their_images() {
        let layer = layer(&Device::flex().autodiff());
        let mut sum = Accumulation::new(3);
        for (step, images) in GRADIENTS.iter().zip([1, 2, 1]) {
            sum.add(&layer, gradients(&layer, step), images);
        }
        assert!(sum.is_full());
        // By hand: (first + 2 second + third) / 4.
        let expected = [0.375, 0.0, 0.875, -0.1875, 0.025, 0.15];
        assert_close(&listed(&layer, sum.take(&layer)), &expected);
        assert!(!sum.is_full());
    }
}
