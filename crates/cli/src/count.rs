//! Counts parameters without drawing their values, which for every model would take minutes.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Number of trainable parameters; running statistics are state, not parameters.
pub(crate) fn parameters<M: Module>(module: &M) -> u64 {
    let mut counter = Counter {
        path: Vec::new(),
        count: 0,
    };
    module.visit(&mut counter);
    counter.count
}

struct Counter {
    path: Vec<String>,
    count: u64,
}

impl ModuleVisitor for Counter {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self
            .path
            .last()
            .is_some_and(|name| name.starts_with("running_"))
        {
            self.count += param.lazy_shape().num_elements() as u64;
        }
    }
}
