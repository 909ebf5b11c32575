//! Recording on the capture device.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

use burn::backend::capture::CaptureBackend;
use burn::backend::ir::{OperationIr, TensorId};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::parameters::{Parameter, trainable};

/// The capture device. One recording at a time may be under way on it, and Burn gives a process no more
/// than 65,536 of them.
static DEVICE: LazyLock<Mutex<Device>> = LazyLock::new(|| Mutex::new(Device::capture()));

/// The operations of one forward pass.
#[derive(Debug)]
pub struct Recording {
    /// In the order in which they ran.
    pub operations: Vec<OperationIr>,
    /// What was known before anything ran: parameters, running statistics, constants.
    pub values: BTreeMap<TensorId, TensorData>,
    /// The trainable parameters, by the id that operations read them by.
    pub parameters: HashMap<TensorId, Parameter>,
    /// Id of the images.
    pub input: TensorId,
    /// Ids of the outputs.
    pub outputs: Vec<TensorId>,
}

/// Runs `forward` on a copy of the module that records instead of computing, with an input of
/// `[batch, channels, height, width]`. The module itself stays as it is.
///
/// # Panics
///
/// If `forward` does, brings a tensor from another device, or gives one output twice.
pub fn record<M: Module, const D: usize>(
    module: &M,
    shape: [usize; 4],
    forward: impl FnOnce(&M, Tensor<4>) -> Vec<Tensor<D>>,
) -> Recording {
    // `valid` gives running statistics of its own: a plain clone shares them, and moving the
    // clone would move the original's.
    let copy = module.valid();
    record_built(|device| copy.to_device(device), shape, forward)
}

/// As [`record`], of a module that `build` makes on the recording device, so that not one value
/// is ever drawn.
///
/// # Panics
///
/// As [`record`].
pub fn record_built<M: Module, const D: usize>(
    build: impl FnOnce(&Device) -> M,
    shape: [usize; 4],
    forward: impl FnOnce(&M, Tensor<4>) -> Vec<Tensor<D>>,
) -> Recording {
    let alone = DEVICE.lock().unwrap_or_else(PoisonError::into_inner);
    let device = &*alone;
    let mut parameters = HashMap::new();
    let mut graph = device
        .capture_scope(|scope| {
            let copy = build(device);
            let zeros = TensorData::zeros::<f32, _>(shape);
            let input = Tensor::<4>::from_data(zeros, device);
            let start = id(&input);
            parameters = trainable(&copy);
            let outputs = forward(&copy, input);
            scope.complete([start], outputs.iter().map(id))
        })
        .expect("the outputs are of this recording, and each is another one");
    let input = graph.graph.inputs[0];
    // The zeros that stand for the images are no constant.
    graph.values.remove(&input);
    Recording {
        operations: graph.graph.operations,
        values: graph.values,
        parameters,
        input,
        outputs: graph.graph.outputs,
    }
}

fn id<const D: usize>(tensor: &Tensor<D>) -> TensorId {
    let Ok(primitive) = tensor.clone().try_into_primitive::<CaptureBackend>() else {
        panic!("a tensor of the forward pass is on another device");
    };
    primitive.id()
}
