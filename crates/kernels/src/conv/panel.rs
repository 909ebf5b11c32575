//! Weights in the order in which the tiles read them.

use crate::{Buffer, Isa, LANES};
use std::ops::Range;

/// The weights of one or more blocks of output channels, as many as fit in a register tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panel {
    /// The first block of output channels.
    pub(crate) first_out: usize,
    /// Blocks of output channels.
    pub(crate) width: usize,
    /// The first block of input channels that has a weight.
    pub(crate) first_in: usize,
    /// Blocks of input channels from there on.
    pub(crate) blocks: usize,
    /// Where its rows, each of `width * 16` weights, begin in the packed weights.
    pub(crate) weight: usize,
}

impl Panel {
    /// Its channels of a layer that has `outputs`.
    pub(crate) fn outputs(&self, outputs: usize) -> Range<usize> {
        let first = self.first_out * LANES;
        first..(first + self.width * LANES).min(outputs)
    }
}

/// All weights and biases of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    pub(crate) panels: Vec<Panel>,
    pub(crate) weight: Buffer,
    /// One for each output channel, and zeros to whole blocks.
    pub(crate) bias: Buffer,
}

/// How many weights a layer has, and in what order.
pub(crate) struct Packing<Inputs> {
    /// Channels of the output.
    pub(crate) outputs: usize,
    /// Most blocks side by side.
    pub(crate) width: usize,
    /// The blocks of input channels for a range of output channels.
    pub(crate) inputs: Inputs,
    /// Rows of weights for each block of input channels.
    pub(crate) rows: usize,
}

impl Panels {
    /// Panels whose weights are still any numbers; one bias for each output channel, or none.
    pub(crate) fn stale<Inputs>(packing: &Packing<Inputs>, bias: Option<&[f32]>) -> Self
    where
        Inputs: Fn(Range<usize>) -> Range<usize>,
    {
        let Packing { outputs, width, .. } = *packing;
        let out_blocks = outputs.div_ceil(LANES);
        let mut len = 0;
        let panels: Vec<_> = (0..out_blocks)
            .step_by(width)
            .map(|first_out| {
                let width = width.min(out_blocks - first_out);
                let end = ((first_out + width) * LANES).min(outputs);
                let inputs = (packing.inputs)(first_out * LANES..end);
                let panel = Panel {
                    first_out,
                    width,
                    first_in: inputs.start,
                    blocks: inputs.len(),
                    weight: len,
                };
                len += inputs.len() * packing.rows * width * LANES;
                panel
            })
            .collect();
        let mut biases = Buffer::zeros(out_blocks * LANES);
        if let Some(bias) = bias {
            biases[..outputs].copy_from_slice(bias);
        }
        Self {
            panels,
            weight: Buffer::stale(len),
            bias: biases,
        }
    }

    /// Each panel with its weights, to write.
    pub(crate) fn parts(&mut self) -> Vec<(Panel, &mut [f32])> {
        let mut rest = &mut *self.weight;
        let mut parts = Vec::with_capacity(self.panels.len());
        for panel in self.panels.iter().rev() {
            let (before, part) = rest.split_at_mut(panel.weight);
            parts.push((*panel, part));
            rest = before;
        }
        parts.reverse();
        parts
    }

    /// Bytes of it all.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.weight) + size_of_val(&*self.bias)
    }

    /// Rows from `start` on, `len` of them, of a panel.
    #[inline(always)]
    pub(crate) fn rows(&self, panel: &Panel, start: usize, len: usize) -> &[f32] {
        let row = panel.width * LANES;
        &self.weight[panel.weight + start * row..][..len * row]
    }

    /// The biases of a panel.
    #[inline(always)]
    pub(crate) fn bias(&self, panel: &Panel) -> &[f32] {
        &self.bias[panel.first_out * LANES..][..panel.width * LANES]
    }
}

/// Blocks of output channels in a panel.
pub(crate) fn width(isa: Isa) -> usize {
    isa.tile()[1]
}
