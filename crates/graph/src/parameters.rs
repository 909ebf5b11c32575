//! Which recorded tensors are trainable parameters, and what they are called.

use std::collections::HashMap;

use burn::backend::capture::CaptureBackend;
use burn::backend::ir::TensorId;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn_zoo_core::weights::slots;

/// A trainable parameter of a recorded module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its path in the module, under Burn's names (`layer1.0.conv1.weight`).
    pub path: String,
    /// How many numbers it is.
    pub elements: usize,
}

/// The trainable parameters of a module on the capture device, by the id that operations read
/// them by. Running statistics are no parameters.
pub(crate) fn trainable<M: Module>(module: &M) -> HashMap<TensorId, Parameter> {
    let trainable = slots(module, &[]).into_iter().filter(|slot| slot.trainable);
    let mut found = Found {
        paths: trainable.map(|slot| (slot.id, slot.path)).collect(),
        parameters: HashMap::new(),
    };
    module.visit(&mut found);
    found.parameters
}

struct Found {
    paths: HashMap<u64, String>,
    parameters: HashMap<TensorId, Parameter>,
}

impl ModuleVisitor for Found {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(path) = self.paths.get(&param.id.val()) else {
            return;
        };
        let tensor = param.val();
        let parameter = Parameter {
            path: path.clone(),
            elements: tensor.shape().num_elements(),
        };
        if let Ok(primitive) = tensor.try_into_primitive::<CaptureBackend>() {
            self.parameters.insert(primitive.id(), parameter);
        }
    }
}
