//! Reading out the transform gates.

use std::borrow::Cow;

use burn::tensor::Tensor;
use burn_zoo_core::FeatureMap;

/// How open one layer's transform gate is, as in Figure 2 of Srivastava et al. 2015: near 0 the
/// layer carries its input along, near 1 it transforms it.
#[derive(Clone, Debug)]
pub struct GateMean {
    /// The layer's name.
    pub name: Cow<'static, str>,
    /// `T(x)` averaged over the layer's units, `[batch]`.
    pub mean: Tensor<1>,
}

/// The means of the gates `[batch, units, height, width]` of each layer.
pub(crate) fn means(gates: Vec<FeatureMap>) -> Vec<GateMean> {
    let mean = |gate: FeatureMap| GateMean {
        name: gate.name,
        mean: gate.map.flatten::<2>(1, 3).mean_dim(1).squeeze_dim(1),
    };
    gates.into_iter().map(mean).collect()
}
