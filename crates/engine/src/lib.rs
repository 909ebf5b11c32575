//! Compiled inference on CPUs: a plain Burn network, its forward pass recorded once, becomes a plan
//! that runs without Burn's tensors in between.
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Device, Tensor, activation::relu};
//! use burn_zoo_engine::{Plan, Precision};
//!
//! #[derive(Module, Debug)]
//! struct Network {
//!     dense: Linear,
//! }
//!
//! let device = Device::flex();
//! let network = Network { dense: LinearConfig::new(12, 5).init(&device) };
//! let forward = |network: &Network, images: Tensor<4>| {
//!     relu(network.dense.forward(images.flatten::<2>(1, 3)))
//! };
//! let plan = Plan::capture(&network, [2, 3, 2, 2], Precision::Fast, forward).strict()?;
//! let images = Tensor::ones([2, 3, 2, 2], &device);
//! assert_eq!(plan.run(images)?.dims(), [2, 5]);
//! # Ok::<(), burn_zoo_core::Error>(())
//! ```
//!
//! A [`Classifier`](burn_zoo_core::Classifier) has it shorter: `model.compile([1, 3, 224, 224])?`,
//! by [`Compile`].
//!
//! How a plan comes about: `lower` turns what Burn's capture device recorded into a graph of few
//! operations; `passes` simplify it and decide where values lie; `memory` lets values share
//! buffers; `kernel` packs the weights for the kernels of `burn-zoo-kernels`; `program` runs the
//! steps. A network with an operation that has no kernel runs on Burn as it is, and
//! [`Plan::fell_back`] names that operation.

mod compile;
mod explain;
mod ir;
mod kernel;
mod lower;
mod memory;
mod passes;
mod plan;
mod plans;
mod program;
#[cfg(test)]
mod testing;

pub use burn_zoo_kernels::release_freed_memory;
pub use compile::Compile;
pub use explain::StepInfo;
pub use passes::Changes;
pub use plan::{Plan, Precision};
pub use plans::Plans;
