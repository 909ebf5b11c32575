//! The modules after the stem: Figure 15 of Szegedy et al. 2016 (arXiv:1602.07261), as released.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{ConvNormAct, FeatureMap, StochasticDepth};

use crate::blocks::{
    Mixed5b, Mixed5bWidths, ReductionA, ReductionAWidths, ReductionB, ReductionBWidths,
};
use crate::residual::{
    InceptionResNetA, InceptionResNetAWidths, InceptionResNetB, InceptionResNetBWidths,
    InceptionResNetC, InceptionResNetCWidths, Residual,
};
use burn_zoo_core::slim::same;

/// Rows of Figure 15: how many residual modules, their scale, and widths.
#[derive(Clone, Copy, Debug)]
pub struct TrunkWidths {
    /// The module before the residual ones.
    pub mixed_5b: Mixed5bWidths,
    /// Inception-ResNet-A.
    pub inception_resnet_a: (usize, f64, InceptionResNetAWidths),
    /// Reduction-A.
    pub reduction_a: ReductionAWidths,
    /// Inception-ResNet-B.
    pub inception_resnet_b: (usize, f64, InceptionResNetBWidths),
    /// Reduction-B.
    pub reduction_b: ReductionBWidths,
    /// Inception-ResNet-C, without the last one, which has the same widths.
    pub inception_resnet_c: (usize, f64, InceptionResNetCWidths),
    /// The 1x1 convolution after the last module.
    pub conv2d_7b: usize,
}

impl TrunkWidths {
    /// Channels after `mixed_5b` and the two reductions; the residual modules keep them.
    pub const fn channels(&self) -> [usize; 3] {
        let first = self.mixed_5b.output();
        let second = self.reduction_a.output(first);
        [first, second, self.reduction_b.output(second)]
    }

    /// Initialises the modules after a stem of `input` channels.
    pub fn init(&self, input: usize, device: &Device) -> Trunk {
        let [first, second, third] = self.channels();
        let (count_a, scale_a, a) = self.inception_resnet_a;
        let (count_b, scale_b, b) = self.inception_resnet_b;
        let (count_c, scale_c, c) = self.inception_resnet_c;
        Trunk {
            mixed_5b: self.mixed_5b.init(input, device),
            inception_resnet_a: (0..count_a)
                .map(|_| a.init(first, Residual::scaled(scale_a), device))
                .collect(),
            reduction_a: self.reduction_a.init(first, device),
            inception_resnet_b: (0..count_b)
                .map(|_| b.init(second, Residual::scaled(scale_b), device))
                .collect(),
            reduction_b: self.reduction_b.init(second, device),
            inception_resnet_c: (0..count_c)
                .map(|_| c.init(third, Residual::scaled(scale_c), device))
                .collect(),
            block8: c.init(third, Residual::PLAIN, device),
            conv2d_7b: same(self.conv2d_7b, [1, 1]).init(third, device),
        }
    }
}

/// The modules after the stem (Figure 15, as released).
///
/// `[batch, 192, 35, 35] -> [batch, 1536, 8, 8]`
#[derive(Module, Debug)]
pub struct Trunk {
    mixed_5b: Mixed5b,
    inception_resnet_a: Vec<InceptionResNetA>,
    reduction_a: ReductionA,
    inception_resnet_b: Vec<InceptionResNetB>,
    reduction_b: ReductionB,
    inception_resnet_c: Vec<InceptionResNetC>,
    block8: InceptionResNetC,
    conv2d_7b: ConvNormAct,
}

impl Trunk {
    /// Leaves the branches of residual modules out at random in training, the last module's with
    /// probability `rate`.
    pub(crate) fn set_stochastic_depth(&mut self, rate: f64) {
        let [a, b, c] = [
            self.inception_resnet_a.len(),
            self.inception_resnet_b.len(),
            self.inception_resnet_c.len() + 1,
        ];
        let mut depths =
            (0..a + b + c).map(|index| StochasticDepth::linear(rate, index, a + b + c));
        for (module, depth) in self
            .inception_resnet_a
            .iter_mut()
            .zip(depths.by_ref().take(a))
        {
            module.set_depth(depth);
        }
        for (module, depth) in self
            .inception_resnet_b
            .iter_mut()
            .zip(depths.by_ref().take(b))
        {
            module.set_depth(depth);
        }
        let last = self.inception_resnet_c.iter_mut().chain([&mut self.block8]);
        for (module, depth) in last.zip(depths) {
            module.set_depth(depth);
        }
    }

    /// The outputs of the stages after `stem`, and `stem` before them.
    pub fn forward(&self, stem: Tensor<4>) -> Vec<FeatureMap> {
        let mixed_5b = self.mixed_5b.forward(stem.clone());
        let a = self
            .inception_resnet_a
            .iter()
            .fold(mixed_5b.clone(), |x, module| module.forward(x));
        let reduced_a = self.reduction_a.forward(a.clone());
        let b = self
            .inception_resnet_b
            .iter()
            .fold(reduced_a.clone(), |x, module| module.forward(x));
        let reduced_b = self.reduction_b.forward(b.clone());
        let c = self
            .inception_resnet_c
            .iter()
            .fold(reduced_b.clone(), |x, module| module.forward(x));
        let block8 = self.block8.forward(c.clone());
        let last = self.conv2d_7b.forward(block8.clone());
        vec![
            FeatureMap::new("stem", stem),
            FeatureMap::new("mixed_5b", mixed_5b),
            FeatureMap::new("inception_resnet_a", a),
            FeatureMap::new("reduction_a", reduced_a),
            FeatureMap::new("inception_resnet_b", b),
            FeatureMap::new("reduction_b", reduced_b),
            FeatureMap::new("inception_resnet_c", c),
            FeatureMap::new("block8", block8),
            FeatureMap::new("conv2d_7b", last),
        ]
    }
}
