//! CPU kernels of convolutional networks on plain `f32` slices: no tensor type, no framework.
//!
//! Activations are *blocked*, `[batch, ceil(channels / 16), height, width, 16]`: the 16 channels of
//! one pixel lie side by side, which is one AVX-512 register, two of AVX2, four of NEON. [`pack`] and
//! [`unpack`] convert from and to `[batch, channels, height, width]`.
//!
//! - **Padding lanes.** The last block of a tensor whose channels are no multiple of 16 ends in
//!   padding lanes. They are zero: every kernel here writes zeros there, and every kernel may rely on
//!   it. (Where NaN or infinity went into a pixel, they may be NaN like its other lanes.)
//! - **Windows.** A [`View`] may be a run of whole blocks of a joint tensor. Concatenation costs
//!   nothing then: each branch stores into its own blocks. What does not start at a multiple of 16
//!   channels is placed by [`copy_channels`].
//! - **Instruction sets.** An [`Isa`] is an argument, found once by [`Isa::detect`]. The layout of
//!   activations does not depend on it, that of packed weights does.
//! - **Threads.** Work runs on rayon's current pool. Nothing allocates but the packing of weights and
//!   what is for training: other kernels that need scratch memory tell how much, and take it as an
//!   argument.
//! - **Not a number.** NaN and infinity in the input give a non-finite output wherever the plain formula
//!   does. A convolution may spread them further, to the channels of one block and, by Winograd, to
//!   the pixels of one 4x4 tile.
//! - **Bad arguments** (dims that do not fit, slices too short) panic: only a programmer can cause
//!   them.

mod awake;
mod blocked;
mod buffer;
mod conv;
mod elementwise;
mod isa;
mod layout;
mod linear;
mod memory;
mod norm;
mod outer;
mod pool;
mod simd;
mod tasks;
mod tile;
mod train;

pub use awake::{awake, awake_in_place, enlist};
pub use blocked::{Dims, LANES, Rows, RowsMut, View, ViewMut, copy_channels};
pub use buffer::Buffer;
pub use conv::{Activation, Algorithm, Conv2dSpec, ConvWeights, Epilogue, PackedConv};
pub use elementwise::{Binary, Unary, affine, binary, gate, unary, unary_in_place};
pub use isa::Isa;
pub use layout::{pack, unpack};
pub use linear::PackedLinear;
pub use memory::{keep_freed_memory, release_freed_memory};
pub use norm::{ResponseNorm, response_norm};
pub use pool::{
    PadCount, Padding, PoolSpec, Rounding, adaptive_average_pool, average_pool,
    global_average_pool, max_pool,
};

pub use train::{
    BatchNorm, BatchNormGradients, Highway, HighwayGradients, Maxima, TrainConv, TrainPool,
    add_relu, bias_gradient, relu, relu_gradient,
};

/// The README's example, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
