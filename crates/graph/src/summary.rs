//! Shapes, parameters and multiply-accumulates per stage.

use burn::backend::ir::OperationIr;
use burn::tensor::Device;
use burn_zoo_core::{Classifier, Error};

use crate::cost::macs;
use crate::record::{record, record_built};

/// What a network is made of and costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// `[channels, height, width]`.
    pub input: [usize; 3],
    /// Trainable parameters without auxiliary heads; running statistics are none.
    pub params: usize,
    /// Trainable parameters that only training uses: those of auxiliary heads.
    pub params_aux: usize,
    /// Multiply-accumulates of convolutions and matrix products for one image.
    pub macs: u64,
    /// The stages that the network names, and `head` after them.
    pub stages: Vec<Stage>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The paper's name, or `head`.
    pub name: String,
    /// Output without the batch.
    pub shape: Vec<usize>,
    /// Trainable parameters.
    pub params: usize,
    /// Multiply-accumulates for one image.
    pub macs: u64,
}

/// Runs a network once on Burn's capture device and adds up what its operations cost.
///
/// # Errors
///
/// [`Error::Input`] if the size does not fit the network.
pub fn summarise<M: Classifier>(model: &M, height: usize, width: usize) -> Result<Summary, Error> {
    let channels = model.input().channels;
    let shape = [1, channels, height, width];
    model.input().check(shape)?;

    // The feature maps' pass is the beginning of the forward pass: it tells where stages end.
    let mut stages = Vec::new();
    let maps = record(model, shape, |model, input| {
        let maps = model.features(input);
        stages = maps
            .iter()
            .map(|map| {
                let shape = map.map.dims()[1..].to_vec();
                Stage {
                    name: map.name.clone().into_owned(),
                    shape,
                    params: 0,
                    macs: 0,
                }
            })
            .collect();
        maps.into_iter().map(|map| map.map).collect()
    });
    let computing: Vec<_> = maps.operations.iter().filter(|op| computes(op)).collect();
    let ends: Vec<usize> = maps
        .outputs
        .iter()
        .map(|id| {
            let made = |op: &&OperationIr| op.outputs().any(|output| output.id == *id);
            computing
                .iter()
                .position(made)
                .map_or(0, |position| position + 1)
        })
        .collect();

    let classes = vec![model.num_classes()];
    stages.push(Stage {
        name: "head".to_owned(),
        shape: classes,
        params: 0,
        macs: 0,
    });
    let forward = record(model, shape, |model, input| vec![model.forward(input)]);
    let mut unused = forward.parameters;
    for (position, operation) in forward
        .operations
        .iter()
        .filter(|op| computes(op))
        .enumerate()
    {
        let stage = ends.iter().take_while(|&&end| end <= position).count();
        let stage = &mut stages[stage];
        stage.macs += macs(operation);
        let read = operation
            .inputs()
            .filter_map(|input| unused.remove(&input.id))
            .map(|parameter| parameter.elements);
        stage.params += read.sum::<usize>();
    }
    Ok(Summary {
        input: [channels, height, width],
        params: stages.iter().map(|stage| stage.params).sum(),
        params_aux: unused.values().map(|parameter| parameter.elements).sum(),
        macs: stages.iter().map(|stage| stage.macs).sum(),
        stages,
    })
}

/// Multiply-accumulates of one image through the network that `build` makes on the device it is
/// given: [`Summary::macs`] without the stages, and without drawing any weight.
///
/// # Panics
///
/// If the network does not take images of `[channels, height, width]`.
pub fn macs_of<M: Classifier>(build: impl FnOnce(&Device) -> M, input: [usize; 3]) -> u64 {
    let [channels, height, width] = input;
    let shape = [1, channels, height, width];
    let forward = record_built(build, shape, |model, input| vec![model.forward(input)]);
    forward.operations.iter().map(macs).sum()
}

/// Whether an operation is part of the computation; when a tensor is dropped depends on who
/// still holds it.
fn computes(operation: &OperationIr) -> bool {
    !matches!(operation, OperationIr::Drop(_) | OperationIr::Init(_))
}
