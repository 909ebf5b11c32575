//! Which recorded tensors are trainable parameters.

use std::collections::{HashMap, HashSet};

use burn::backend::capture::CaptureBackend;
use burn::backend::ir::TensorId;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn_zoo_core::weights::slots;

/// Number of elements of each trainable parameter of a module on the capture device, by the id
/// that operations read it by. Running statistics are no parameters.
pub(crate) fn trainable<M: Module>(module: &M) -> HashMap<TensorId, usize> {
    let trainable = slots(module, &[]).into_iter().filter(|slot| slot.trainable);
    let mut found = Found {
        trainable: trainable.map(|slot| slot.id).collect(),
        sizes: HashMap::new(),
    };
    module.visit(&mut found);
    found.sizes
}

struct Found {
    trainable: HashSet<u64>,
    sizes: HashMap<TensorId, usize>,
}

impl ModuleVisitor for Found {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.trainable.contains(&param.id.val()) {
            return;
        }
        let tensor = param.val();
        let size = tensor.shape().num_elements();
        if let Ok(primitive) = tensor.try_into_primitive::<CaptureBackend>() {
            self.sizes.insert(primitive.id(), size);
        }
    }
}
