//! Boxes of the Inception papers' figures as TF-Slim released them: a convolution, a norm with an
//! epsilon of 1e-3, a ReLU.

use burn::tensor::Device;

use crate::{ConvNormAct, ConvNormActConfig};

/// TF-Slim's; the paper gives none.
const EPSILON: f64 = 1e-3;

/// A box of a figure: a convolution with its norm and activation, of any number of inputs.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    width: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
}

/// Keeps the grid.
pub const fn same(width: usize, kernel: [usize; 2]) -> Layer {
    let [height, length] = kernel;
    Layer {
        padding: [height / 2, length / 2],
        ..valid(width, kernel)
    }
}

/// Pads nothing: "V" in the figures.
pub const fn valid(width: usize, kernel: [usize; 2]) -> Layer {
    Layer {
        width,
        kernel,
        stride: 1,
        padding: [0, 0],
    }
}

/// A 3x3 of stride 2 that pads nothing.
pub const fn strided(width: usize) -> Layer {
    Layer {
        stride: 2,
        ..valid(width, [3, 3])
    }
}

impl Layer {
    /// Initialises the layer.
    pub fn init(self, input: usize, device: &Device) -> ConvNormAct {
        ConvNormActConfig::new([input, self.width], self.kernel)
            .with_stride(self.stride)
            .with_padding(self.padding)
            .with_epsilon(EPSILON)
            .init(device)
    }
}

/// Layers one after the other, from `input` channels.
pub fn branch<const LAYERS: usize>(
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
