//! The networks that train on two CPU cores.

use burn::tensor::Device;
use burn_zoo::{AnyClassifier, Options};
use burn_zoo_graph::summarise;
use burn_zoo_tests::digits::learn_by_heart;

fn grey(architecture: &str, device: &Device) -> AnyClassifier {
    let options = Options {
        classes: 10,
        channels: 1,
        aux_heads: true,
    };
    burn_zoo::create(architecture, options, device).expect("the registry has it")
}

#[test]
fn each_family_has_one_that_trains_in_minutes() {
    let device = Device::flex();
    // Parameters and millions of multiply-accumulates for 28x28 grey pixels.
    let rows = [
        ("highway_fc10", 90_760, 1),
        ("highway_a", 236_040, 36),
        ("resnet20_cifar", 269_434, 31),
        ("googlenet_cifar", 162_226, 25),
        ("inception_v2_cifar", 400_000, 25),
        ("inception_v3_cifar", 400_000, 25),
        ("inception_v4_cifar", 400_000, 25),
        ("inception_resnet_v2_cifar", 400_000, 25),
    ];
    for (name, params, millions) in rows {
        let summary = summarise(&grey(name, &device), 28, 28).expect("28 pixels are enough");
        println!(
            "{name}: {} parameters, {} macs",
            summary.params, summary.macs
        );
        assert!(summary.params <= params, "{name}: {}", summary.params);
        assert_eq!(summary.params_aux, 0, "{name}");
        assert!(
            summary.macs <= millions * 1_000_000,
            "{name}: {}",
            summary.macs
        );
    }
}

fn learns(architecture: &str) {
    let device = Device::flex();
    device.seed(7);
    let loss = learn_by_heart(grey(architecture, &device), 0.05, 0.05, &device);
    assert!(
        loss < 0.05,
        "{architecture} learns 64 digits to a loss of {loss}"
    );
}

#[test]
fn highway_fc10_learns_64_digits_by_heart() {
    learns("highway_fc10");
}

#[test]
fn highway_a_learns_64_digits_by_heart() {
    learns("highway_a");
}

#[test]
fn resnet20_cifar_learns_64_digits_by_heart() {
    learns("resnet20_cifar");
}

#[test]
fn googlenet_cifar_learns_64_digits_by_heart() {
    learns("googlenet_cifar");
}

#[test]
fn inception_v2_cifar_learns_64_digits_by_heart() {
    learns("inception_v2_cifar");
}

#[test]
fn inception_v3_cifar_learns_64_digits_by_heart() {
    learns("inception_v3_cifar");
}

#[test]
fn inception_v4_cifar_learns_64_digits_by_heart() {
    learns("inception_v4_cifar");
}

#[test]
fn inception_resnet_v2_cifar_learns_64_digits_by_heart() {
    learns("inception_resnet_v2_cifar");
}
