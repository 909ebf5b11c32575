//! The modules after the stem: Figure 9 of Szegedy et al. 2016 (arXiv:1602.07261).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_zoo_core::FeatureMap;

use crate::blocks::{
    InceptionA, InceptionAWidths, InceptionB, InceptionBWidths, InceptionC, InceptionCWidths,
    ReductionA, ReductionAWidths, ReductionB, ReductionBWidths,
};

/// Rows of Figure 9: how many modules, and their widths.
#[derive(Clone, Copy, Debug)]
pub struct TrunkWidths {
    /// Inception-A.
    pub inception_a: (usize, InceptionAWidths),
    /// Reduction-A.
    pub reduction_a: ReductionAWidths,
    /// Inception-B.
    pub inception_b: (usize, InceptionBWidths),
    /// Reduction-B.
    pub reduction_b: ReductionBWidths,
    /// Inception-C.
    pub inception_c: (usize, InceptionCWidths),
}

impl TrunkWidths {
    /// Channels of the output.
    pub const fn output(&self) -> usize {
        self.inception_c.1.output()
    }

    /// Initialises the modules after a stem of `input` channels. Each kind of Inception module
    /// stands there at least once.
    pub fn init(&self, input: usize, device: &Device) -> Trunk {
        let (count_a, a) = self.inception_a;
        let (count_b, b) = self.inception_b;
        let (count_c, c) = self.inception_c;
        let after_reduction_a = self.reduction_a.output(a.output());
        let after_reduction_b = self.reduction_b.output(b.output());
        Trunk {
            inception_a: inputs(input, a.output(), count_a)
                .map(|input| a.init(input, device))
                .collect(),
            reduction_a: self.reduction_a.init(a.output(), device),
            inception_b: inputs(after_reduction_a, b.output(), count_b)
                .map(|input| b.init(input, device))
                .collect(),
            reduction_b: self.reduction_b.init(b.output(), device),
            inception_c: inputs(after_reduction_b, c.output(), count_c)
                .map(|input| c.init(input, device))
                .collect(),
        }
    }
}

/// Input channels of `count` equal modules one after the other.
fn inputs(first: usize, output: usize, count: usize) -> impl Iterator<Item = usize> {
    std::iter::once(first)
        .chain(std::iter::repeat(output))
        .take(count)
}

/// The modules after the stem (Figure 9).
///
/// `[batch, 384, 35, 35] -> [batch, 1536, 8, 8]`
#[derive(Module, Debug)]
pub struct Trunk {
    inception_a: Vec<InceptionA>,
    reduction_a: ReductionA,
    inception_b: Vec<InceptionB>,
    reduction_b: ReductionB,
    inception_c: Vec<InceptionC>,
}

impl Trunk {
    /// The outputs of the five stages, each with as many channels as [`TrunkWidths`] say.
    pub fn forward(&self, stem: Tensor<4>) -> [FeatureMap; 5] {
        let a = self
            .inception_a
            .iter()
            .fold(stem, |x, module| module.forward(x));
        let reduced_a = self.reduction_a.forward(a.clone());
        let b = self
            .inception_b
            .iter()
            .fold(reduced_a.clone(), |x, module| module.forward(x));
        let reduced_b = self.reduction_b.forward(b.clone());
        let c = self
            .inception_c
            .iter()
            .fold(reduced_b.clone(), |x, module| module.forward(x));
        [
            FeatureMap::new("inception_a", a),
            FeatureMap::new("reduction_a", reduced_a),
            FeatureMap::new("inception_b", b),
            FeatureMap::new("reduction_b", reduced_b),
            FeatureMap::new("inception_c", c),
        ]
    }
}
