//! How a figure's boxes become layers.

use burn::tensor::Device;
use burn_zoo_core::{ConvNormAct, ConvNormActConfig};

/// TF-Slim's; the paper gives none.
const EPSILON: f64 = 1e-3;

/// A box of a figure: a convolution with its norm and activation, of any number of inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    width: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
}

/// Keeps the grid.
pub(crate) const fn same(width: usize, kernel: [usize; 2]) -> Layer {
    let [height, length] = kernel;
    Layer {
        padding: [height / 2, length / 2],
        ..valid(width, kernel)
    }
}

/// Pads nothing: "V" in the figures.
pub(crate) const fn valid(width: usize, kernel: [usize; 2]) -> Layer {
    Layer {
        width,
        kernel,
        stride: 1,
        padding: [0, 0],
    }
}

/// A 3x3 of stride 2 that pads nothing.
pub(crate) const fn strided(width: usize) -> Layer {
    Layer {
        stride: 2,
        ..valid(width, [3, 3])
    }
}

impl Layer {
    /// Initialises the layer.
    pub(crate) fn init(self, input: usize, device: &Device) -> ConvNormAct {
        ConvNormActConfig::new([input, self.width], self.kernel)
            .with_stride(self.stride)
            .with_padding(self.padding)
            .with_epsilon(EPSILON)
            .init(device)
    }
}

/// Layers one after the other, from `input` channels.
pub(crate) fn branch<const LAYERS: usize>(
    input: usize,
    layers: [Layer; LAYERS],
    device: &Device,
) -> [ConvNormAct; LAYERS] {
    let mut channels = input;
    layers.map(|layer| {
        let made = layer.init(channels, device);
        channels = layer.width;
        made
    })
}
