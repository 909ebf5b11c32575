//! How a call is recorded for its gradients.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::ops::{Backward, NodeGuard, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Flex};
use burn::tensor::{GradientCheckpointingStrategy, Tensor};
use burn_flex::FlexTensor;

type Plain = Autodiff<Flex, NoCheckpointing>;
type Balanced = Autodiff<Flex, BalancedCheckpointing>;

/// A tensor of flex that may be tracked; the same type for each strategy of checkpointing.
pub(super) type Recorded = FloatTensor<Plain>;

/// Records calls on flex by one strategy of checkpointing, which in Burn is a type.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Recording(pub(super) GradientCheckpointingStrategy);

impl Recording {
    /// Takes a tensor out of Burn's dispatch.
    pub(super) fn inside<const D: usize>(self, tensor: Tensor<D>) -> Recorded {
        match self.0 {
            GradientCheckpointingStrategy::Disabled => tensor.try_into_primitive::<Plain>(),
            GradientCheckpointingStrategy::Balanced => tensor.try_into_primitive::<Balanced>(),
        }
        .expect("the rule has seen that it is on flex under autodiff, with this strategy")
    }

    /// The reverse of [`inside`](Self::inside).
    pub(super) fn outside<const D: usize>(self, tensor: Recorded) -> Tensor<D> {
        match self.0 {
            GradientCheckpointingStrategy::Disabled => Tensor::from_primitive::<Plain>(tensor),
            GradientCheckpointingStrategy::Balanced => Tensor::from_primitive::<Balanced>(tensor),
        }
    }

    /// A result without gradients.
    pub(super) fn constant<const D: usize>(self, tensor: FlexTensor) -> Tensor<D> {
        self.outside(Plain::from_inner(tensor))
    }

    /// Records that `backward` finds the gradients of `nodes` from that of `output`, with the state that
    /// `keep` gives. Tensors that `keep` passes to its argument can be had again in the backward pass.
    pub(super) fn record<B, const NODES: usize>(
        self,
        backward: B,
        nodes: [NodeGuard; NODES],
        output: FlexTensor,
        keep: impl FnOnce(&mut dyn FnMut(&Recorded) -> NodeId) -> B::State,
    ) -> Recorded
    where
        B: Backward<Flex, NODES>,
    {
        match self.0 {
            GradientCheckpointingStrategy::Disabled => {
                record::<NoCheckpointing, B, NODES>(backward, nodes, output, keep)
            }
            GradientCheckpointingStrategy::Balanced => {
                record::<BalancedCheckpointing, B, NODES>(backward, nodes, output, keep)
            }
        }
    }
}

fn record<C, B, const NODES: usize>(
    backward: B,
    nodes: [NodeGuard; NODES],
    output: FlexTensor,
    keep: impl FnOnce(&mut dyn FnMut(&Recorded) -> NodeId) -> B::State,
) -> Recorded
where
    C: CheckpointStrategy,
    B: Backward<Flex, NODES>,
{
    match backward.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(mut prepared) => {
            let state = keep(&mut |tensor| prepared.checkpoint(tensor));
            prepared.finish(state, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}
