//! The networks that train on two CPU cores.

use burn::tensor::Device;
use burn_zoo::{AnyClassifier, Options, ZeroPad};
use burn_zoo_graph::summarise;
use burn_zoo_tests::digits::learn_by_heart;

fn grey(architecture: &str, device: &Device) -> AnyClassifier {
    let options = Options {
        classes: 10,
        channels: 1,
        aux_heads: true,
        zero_pad: ZeroPad::End,
    };
    burn_zoo::create(architecture, options, device).expect("the registry has it")
}

#[test]
fn each_family_has_one_that_trains_in_minutes() {
    let device = Device::flex();
    // Parameters, and multiply-accumulates for 28x28 grey pixels: at most those of ResNet-20.
    let rows = [
        ("highway_fc10", 90_760, 89_700),
        ("highway_a", 236_040, 24_381_764),
        ("resnet20_cifar", 269_434, 30_821_248),
        ("googlenet_cifar", 89_354, 6_897_664),
        ("inception_v2_cifar", 272_866, 10_465_920),
        ("inception_v3_cifar", 243_154, 9_412_096),
        ("inception_v4_cifar", 185_706, 6_401_344),
        ("inception_resnet_v2_cifar", 197_786, 7_031_840),
    ];
    for (name, params, macs) in rows {
        let summary = summarise(&grey(name, &device), 28, 28).expect("28 pixels are enough");
        assert_eq!((summary.params, summary.macs), (params, macs), "{name}");
        assert_eq!(summary.params_aux, 0, "{name}");
    }
}

fn learns(architecture: &str) {
    let device = Device::flex();
    device.seed(7);
    let loss = learn_by_heart(grey(architecture, &device), 2e-3, 0.05, &device);
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
