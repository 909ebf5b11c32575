//! Reading out the transform gates.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use burn::tensor::Tensor;
use burn_zoo_core::FeatureMap;

/// How open one layer's transform gate is, as in Figure 2 of Srivastava et al. 2015: near 0 the
/// layer carries its input along, near 1 it transforms it.
#[derive(Clone, Debug)]
pub struct GateMean {
    /// The layer's name.
    pub name: &'static str,
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

/// `prefix` and `number` as one name. Maps have names that live forever and networks may have any
/// depth: each name is leaked once, however many networks use it.
pub(crate) fn numbered(prefix: &str, number: usize) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("{prefix}{number}");
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let name: &'static str = name.leak();
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_leaked_once() {
        let [first, second] = [(); 2].map(|()| numbered("layers.", 7));
        assert_eq!(first, "layers.7");
        assert_eq!(first.as_ptr(), second.as_ptr());
    }
}
