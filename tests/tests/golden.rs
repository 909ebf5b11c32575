//! Every network against PyTorch's, torchvision's and timm's numbers.

use burn::tensor::Device;
use burn_zoo::{Adapt, ZeroPad};
use burn_zoo_tests::golden::Golden;
use burn_zoo_tests::parity::{check, check_with, transform_input};

fn is_the_references(golden: &str) {
    let (architecture, _) = golden.split_once('.').unwrap_or((golden, ""));
    let file = Golden::read(golden);
    let checkpoint = file.checkpoint(golden);
    let adapt = Adapt {
        zero_pad: golden.ends_with(".both").then_some(ZeroPad::Both),
        ..Adapt::default()
    };
    let found = burn_zoo::load_adapted(architecture, &checkpoint, &adapt, &Device::flex());
    let model = found.expect("the golden keys fit").network;
    if golden.ends_with(".transform_input") {
        let input = transform_input(file.input(&Device::flex()));
        check_with(golden, &file, &model, model.slots(), input);
    } else {
        check(golden, &file, &model, model.slots());
    }
}

/// One test per golden file, so that a failure names it and all run side by side.
macro_rules! golden {
    ($($test:ident: $file:literal)*) => {
        $(
            #[test]
            fn $test() {
                is_the_references($file);
            }
        )*
    };
}

golden! {
    highway_fc10: "highway_fc10"
    resnet18: "resnet18"
    resnet34: "resnet34"
    resnet50: "resnet50"
    resnet101: "resnet101"
    resnet152: "resnet152"
    resnext50_32x4d: "resnext50_32x4d"
    resnext101_32x8d: "resnext101_32x8d"
    wide_resnet50_2: "wide_resnet50_2"
    wide_resnet101_2: "wide_resnet101_2"
    resnet50d: "resnet50d.timm"
    resnet101d: "resnet101d.timm"
    resnet20_cifar: "resnet20_cifar"
    resnet32_cifar: "resnet32_cifar"
    resnet44_cifar: "resnet44_cifar"
    resnet56_cifar: "resnet56_cifar"
    resnet110_cifar: "resnet110_cifar"
    resnet20_cifar_with_zeros_on_both_sides: "resnet20_cifar.both"
    resnet20_cifar_b: "resnet20_cifar_b"
    resnet18_small_stem: "resnet18_small_stem"
    plain20_cifar: "plain20_cifar"
    googlenet: "googlenet"
    googlenet_with_transformed_input: "googlenet.transform_input"
    inception_v2: "inception_v2"
    inception_v3: "inception_v3"
    inception_v3_with_transformed_input: "inception_v3.transform_input"
    inception_v4: "inception_v4.timm"
    inception_resnet_v2: "inception_resnet_v2.timm"
}
