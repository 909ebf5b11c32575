//! Which calls the kernels take. All others are Burn's own operations.

use burn::backend::DispatchDevice;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AvgPool2d, MaxPool2d};
use burn::nn::{BatchNorm, PaddingConfig2d};
use burn::tensor::{DType, Device, Tensor};
use burn_zoo_kernels::{Conv2dSpec, Dims, Isa, Padding, PoolSpec, Rounding, TrainConv, TrainPool};

use super::recording::Recording;
use crate::TrainingKernels;

/// A convolution that the kernels take: on flex under autodiff, of 32-bit numbers, without dilation,
/// without groups, and with padding that is spelt out and no wider than [`TrainConv`] takes it.
pub(super) fn convolution(layer: &Conv2d, input: &Tensor<4>) -> Option<(TrainConv, Recording)> {
    let weight = layer.weight.val();
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    let recording = recorded([
        Some((input.device(), input.dtype())),
        Some((weight.device(), weight.dtype())),
        bias.as_ref().map(|bias| (bias.device(), bias.dtype())),
    ])?;
    let [outputs, inputs, kernel_height, kernel_width] = weight.dims();
    let dims = Dims::new(input.dims());
    // What does not fit panics with Burn's words.
    let fits = dims.channels == inputs && bias.is_none_or(|bias| bias.dims() == [outputs]);
    if !fits || layer.dilation != [1, 1] || layer.groups != 1 {
        return None;
    }
    let spec = Conv2dSpec {
        channels: [inputs, outputs],
        kernel: [kernel_height, kernel_width],
        stride: layer.stride,
        padding: explicit(&layer.padding)?,
        groups: layer.groups,
    };
    let exact = TrainingKernels::chosen() == TrainingKernels::Exact;
    Some((TrainConv::new(Isa::detect(), spec, dims, exact)?, recording))
}

/// A batch norm that the kernels take: on flex under autodiff, of 32-bit numbers. That it trains is
/// the caller's to see.
pub(super) fn norm(norm: &BatchNorm, input: &Tensor<4>) -> Option<Recording> {
    let [gamma, beta] = [&norm.gamma, &norm.beta].map(|param| param.val());
    let dims = Dims::new(input.dims());
    let fits = [&gamma, &beta].map(Tensor::dims) == [[dims.channels]; 2];
    if !fits || dims.plain_len() == 0 {
        return None;
    }
    recorded([
        Some((input.device(), input.dtype())),
        Some((gamma.device(), gamma.dtype())),
        Some((beta.device(), beta.dtype())),
    ])
}

/// A max pool that the kernels take: on flex under autodiff, of 32-bit numbers, without dilation, as
/// [`TrainPool`] takes it.
pub(super) fn max_pool(layer: &MaxPool2d, input: &Tensor<4>) -> Option<(TrainPool, Recording)> {
    if layer.dilation != [1, 1] {
        return None;
    }
    let sizes = [layer.kernel_size, layer.stride];
    pool(sizes, &layer.padding, layer.ceil_mode, input)
}

/// An average pool that the kernels take, as [`max_pool`].
pub(super) fn average_pool(layer: &AvgPool2d, input: &Tensor<4>) -> Option<(TrainPool, Recording)> {
    let sizes = [layer.kernel_size, layer.stride];
    pool(sizes, &layer.padding, layer.ceil_mode, input)
}

fn pool(
    [kernel, stride]: [[usize; 2]; 2],
    padding: &PaddingConfig2d,
    ceil: bool,
    input: &Tensor<4>,
) -> Option<(TrainPool, Recording)> {
    let recording = recorded([Some((input.device(), input.dtype()))])?;
    let spec = PoolSpec {
        kernel,
        stride,
        padding: explicit(padding)?,
        rounding: if ceil {
            Rounding::Ceil
        } else {
            Rounding::Floor
        },
    };
    let dims = Dims::new(input.dims());
    Some((TrainPool::new(Isa::detect(), spec, dims)?, recording))
}

/// What is computed number by number, which the kernels take on flex under autodiff, of as many 32-bit
/// numbers in each tensor.
pub(super) fn elementwise<const D: usize, const N: usize>(
    tensors: [&Tensor<D>; N],
) -> Option<Recording> {
    let dims = tensors[0].dims();
    if tensors.iter().any(|it| it.dims() != dims) {
        return None;
    }
    recorded(tensors.map(|it| Some((it.device(), it.dtype()))))
}

/// Padding that is spelt out.
fn explicit(padding: &PaddingConfig2d) -> Option<Padding> {
    let [top, left, bottom, right] = match *padding {
        PaddingConfig2d::Valid => [0; 4],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [top, left, bottom, right],
        PaddingConfig2d::Same => return None,
    };
    Some(Padding {
        top,
        left,
        bottom,
        right,
    })
}

/// Whether the kernels compute where gradients of a device's tensors are recorded.
pub(crate) fn computes_on(device: &Device) -> bool {
    TrainingKernels::chosen() != TrainingKernels::Off && on_flex(device)
}

/// How gradients of a call with these tensors are recorded, where the kernels may compute them.
fn recorded<const N: usize>(tensors: [Option<(Device, DType)>; N]) -> Option<Recording> {
    let mut recordings = tensors.into_iter().flatten().map(|(device, dtype)| {
        let strategy = device.gradient_checkpointing_strategy()?;
        (computes_on(&device) && dtype == DType::F32).then_some(Recording(strategy))
    });
    let first = recordings.next()??;
    recordings.all(|it| it == Some(first)).then_some(first)
}

fn on_flex(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        _ => false,
    }
}
