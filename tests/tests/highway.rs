//! Highway networks that are no row of the registry, and what they cost.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::backend::ir::{ModuleOperationIr, OperationIr};
use burn::tensor::Device;
use burn_zoo::Pretrained as _;
use burn_zoo::highway::{
    Activation, ConvHighwayLayerConfig, HighwayConvNetConfig, HighwayNetConfig, Variant,
};
use burn_zoo::weights::{Layout, slots};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::{parity, relative_error};

#[test]
fn fifty_layers_with_tanh_are_the_references() {
    let name = "highway_fc50_tanh";
    let config = HighwayNetConfig::new(50).with_activation(Activation::Tanh);
    let golden = Golden::read(name);
    let checkpoint = golden.checkpoint(name);
    let model = config.init(&Device::flex());
    let layout = model.layout();
    let model = checkpoint.fill(model, name, &layout).unwrap();
    parity::check(name, &golden, &model, slots(&model, &model.keys()));
}

#[test]
fn a_highway_layer_has_5100_parameters() {
    let model = HighwayNetConfig::new(10).init(&Device::flex());
    let summary = burn_zoo_graph::summarise(&model, 28, 28).unwrap();
    assert_eq!(summary.stages.len(), 12);
    let [input, layers @ .., _head] = summary.stages.as_slice() else {
        panic!("there are twelve stages");
    };
    assert_eq!((input.params, input.macs), (39_250, 39_200));
    for layer in layers {
        assert_eq!((layer.params, layer.macs), (5_100, 5_000), "{}", layer.name);
    }
}

#[test]
fn a_convolutional_layer_is_the_references() {
    let golden = Golden::read("highway_conv");
    let device = Device::flex();
    let layer = ConvHighwayLayerConfig::new(16).init(&device);
    let checkpoint = golden.checkpoint("highway_conv");
    let layout = Layout::new(Vec::new(), "", &[]);
    let layer = checkpoint.fill(layer, "layer", &layout).unwrap();
    let slots = slots(&layer, &[]);
    let found: Vec<_> = slots
        .iter()
        .map(|slot| (slot.key.clone(), slot.shape.clone()))
        .collect();
    assert_eq!(found, golden.keys());
    let sizes = slots
        .iter()
        .map(|slot| slot.shape.iter().product::<usize>());
    assert_eq!(sizes.sum::<usize>(), golden.parameters);

    let recording = burn_zoo_graph::record(&layer, golden.input_shape, |layer, input| {
        vec![layer.forward(input)]
    });
    let macs = |operation: &OperationIr| match operation {
        OperationIr::Module(ModuleOperationIr::Conv2d(conv)) => {
            let kernel = conv.weight.shape[1..].iter().product::<usize>();
            conv.out.shape.iter().product::<usize>() * kernel
        }
        _ => 0,
    };
    let macs: usize = recording.operations.iter().map(macs).sum();
    assert_eq!(macs as u64, golden.macs);

    let error = relative_error(
        &values(layer.forward(golden.input(&device))),
        &golden.output,
    );
    assert!(error < 1e-4, "differs by {error}");
}

#[test]
fn the_networks_for_cifar_add_up() {
    let device = Device::flex();
    // Multiply-accumulates worked out by hand: pixels times kernel times channels, gates twice.
    let rows = [
        (Variant::A, 1024, [9_648, 41_472, 165_888], 64 * 250, 250),
        (
            Variant::B,
            1024,
            [74_592, 599_040, 1_566_720],
            128 * 100,
            100,
        ),
    ];
    for (variant, pixels, stages, hidden, features) in rows {
        let model = HighwayConvNetConfig::new(variant).init(&device);
        let summary = burn_zoo_graph::summarise(&model, 32, 32).unwrap();
        assert_eq!(summary.params_aux, 0);
        let names: Vec<_> = summary.stages.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["stage1", "stage2", "stage3", "head"]);
        println!("{variant:?}: {:?}", summary.stages);
        let expected = [
            pixels * stages[0],
            pixels / 4 * stages[1],
            pixels / 16 * stages[2],
            pixels / 16 * hidden + features * 10,
        ];
        let found: Vec<_> = summary.stages.iter().map(|s| s.macs as usize).collect();
        assert_eq!(found, expected, "{variant:?}");
    }
}
