//! RMSprop as TensorFlow has it.

use burn::optim::{AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

/// Burn's RMSprop is PyTorch's. TensorFlow's begins with an average of 1, adds epsilon before it
/// takes the root, and puts the learning rate into what the momentum keeps.
#[derive(Clone, Debug)]
pub(super) struct RmsPropTf {
    /// Share of the average of squares that is kept.
    pub(super) alpha: f32,
    /// Share of the last update that is kept.
    pub(super) momentum: f64,
    /// Added to the average of squares.
    pub(super) epsilon: f32,
    /// Penalty on the squared parameters.
    pub(super) weight_decay: f32,
}

impl Optimizer for RmsPropTf {
    /// The last update as first moment, the average of squares as second.
    type State<const D: usize> = AdaptiveMomentumState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let state = state
            .unwrap_or_else(|| AdaptiveMomentumState::new(0, grad.zeros_like(), grad.ones_like()));
        let grad = match self.weight_decay {
            0.0 => grad,
            decay => grad + tensor.clone() * decay,
        };
        let squares = state.moment_2 * self.alpha + grad.clone().square() * (1.0 - self.alpha);
        let scaled = grad / (squares.clone() + self.epsilon).sqrt();
        let update = state.moment_1 * self.momentum + scaled * lr;
        let state = AdaptiveMomentumState::new(state.time + 1, update.clone(), squares);
        (tensor - update, Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.to_device(device)
    }
}
