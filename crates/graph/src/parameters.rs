//! Which recorded tensors are trainable parameters.

use std::collections::HashMap;

use burn::backend::capture::CaptureBackend;
use burn::backend::ir::TensorId;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Number of elements of each trainable parameter of a module on the capture device, by the id
/// that operations read it by. Running statistics are no parameters.
pub(crate) fn trainable<M: Module>(module: &M) -> HashMap<TensorId, usize> {
    let mut found = Found {
        path: Vec::new(),
        sizes: HashMap::new(),
    };
    module.visit(&mut found);
    found.sizes
}

struct Found {
    path: Vec<String>,
    sizes: HashMap<TensorId, usize>,
}

impl ModuleVisitor for Found {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // A batch norm's running state is visited as if it were a parameter.
        if self
            .path
            .last()
            .is_some_and(|name| name.starts_with("running_"))
        {
            return;
        }
        let tensor = param.val();
        let size = tensor.shape().num_elements();
        if let Ok(primitive) = tensor.try_into_primitive::<CaptureBackend>() {
            self.sizes.insert(primitive.id(), size);
        }
    }
}
