//! Files that fit a network in all but what their user wants to be different.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::{Device, Tensor};
use burn_zoo::weights::Checkpoint;
use burn_zoo::{Adapt, AnyClassifier, AuxHeads, Classifier, load_adapted};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::relative_error;

fn pooled(model: &AnyClassifier, golden: &Golden) -> Vec<f32> {
    values(model.pooled(golden.input(&Device::flex())))
}

fn heads(model: &AnyClassifier) -> Vec<&'static str> {
    let [height, width] = model.input().min_size;
    let images = Tensor::zeros([1, model.input().channels, height, width], &Device::flex());
    let heads = model.forward_train(images);
    heads.iter().map(|head| head.name).collect()
}

#[test]
fn another_number_of_classes_is_a_new_head_on_the_same_body() {
    let golden = Golden::read("resnet18");
    let (file, device) = (golden.checkpoint("resnet18.pth"), Device::flex());
    let adapt = Adapt {
        classes: Some(7),
        ..Adapt::default()
    };
    let model = load_adapted("resnet18", &file, &adapt, &device)
        .unwrap()
        .network;
    assert_eq!(model.num_classes(), 7);
    let whole = burn_zoo::load("resnet18", &file, &device).unwrap();
    assert_eq!(pooled(&model, &golden), pooled(&whole, &golden));
}

#[test]
fn one_channel_sees_what_three_equal_ones_did() {
    let golden = Golden::read("resnet18");
    let (file, device) = (golden.checkpoint("resnet18.pth"), Device::flex());
    let adapt = Adapt {
        channels: Some(1),
        ..Adapt::default()
    };
    let grey = load_adapted("resnet18", &file, &adapt, &device)
        .unwrap()
        .network;
    let rgb = burn_zoo::load("resnet18", &file, &device).unwrap();
    let image = golden.input(&device).slice([0..1, 0..1]);
    let found = values(grey.forward(image.clone()));
    let expected = values(rgb.forward(image.repeat_dim(1, 3)));
    assert!(relative_error(&found, &expected) < 1e-5);

    // Six channels with each colour twice give back the same, each at half its weight.
    let adapt = Adapt {
        channels: Some(6),
        ..Adapt::default()
    };
    let six = load_adapted("resnet18", &file, &adapt, &device)
        .unwrap()
        .network;
    let image = golden.input(&device);
    let found = values(six.forward(image.clone().repeat_dim(1, 2)));
    assert!(relative_error(&found, &values(rgb.forward(image))) < 1e-5);
}

#[test]
fn tensorflows_background_class_is_dropped() {
    let mut golden = Golden::read("inception_v4.timm");
    let expected = golden.output.clone();
    let device = Device::flex();
    let published = burn_zoo::load("inception_v4", &golden.checkpoint("1000"), &device).unwrap();
    for (key, shape, _) in &mut golden.state_dict {
        if key.starts_with("last_linear.") {
            shape[0] = 1001;
        }
    }
    let file = golden.checkpoint("1001");
    let model = burn_zoo::load("inception_v4", &file, &device).unwrap();
    assert_eq!(model.num_classes(), 1000);
    assert_eq!(published.num_classes(), expected.len());
    assert_eq!(pooled(&model, &golden), pooled(&published, &golden));

    // Kept where 1,001 classes are asked for: the first row is the one that was dropped.
    let adapt = Adapt {
        classes: Some(1001),
        ..Adapt::default()
    };
    let all = load_adapted("inception_v4", &file, &adapt, &device)
        .unwrap()
        .network;
    let input = golden.input(&device);
    let [all, without] = [all, model].map(|model| values(model.forward(input.clone())));
    assert_eq!(all[1..], without);
}

#[test]
fn auxiliary_heads_are_kept_dropped_or_drawn_by_choice() {
    let mut golden = Golden::read("googlenet");
    let with = golden.checkpoint("with.pth");
    golden
        .state_dict
        .retain(|(key, _, _)| !key.starts_with("aux"));
    let without = golden.checkpoint("without.pth");
    let device = Device::flex();
    let load = |file: &Checkpoint, aux_heads| {
        let adapt = Adapt {
            aux_heads,
            ..Adapt::default()
        };
        load_adapted("googlenet", file, &adapt, &device)
            .unwrap()
            .network
    };
    let all = ["main", "aux1", "aux2"];
    let rows = [
        (&with, AuxHeads::AsInFile, &all[..]),
        (&with, AuxHeads::Dropped, &all[..1]),
        (&with, AuxHeads::Kept, &all[..]),
        (&without, AuxHeads::AsInFile, &all[..1]),
        (&without, AuxHeads::Dropped, &all[..1]),
        (&without, AuxHeads::Kept, &all[..]),
    ];
    for (file, choice, expected) in rows {
        let model = load(file, choice);
        assert_eq!(heads(&model), expected, "{choice:?} of {}", file.name());
    }

    // Half a head is not a head.
    let mut half = Golden::read("googlenet");
    half.state_dict.retain(|(key, _, _)| key != "aux2.fc2.bias");
    let error = burn_zoo::load("googlenet", &half.checkpoint("half.pth"), &device).unwrap_err();
    assert!(
        error.to_string().contains("1 missing (aux2.fc2.bias)"),
        "{error}"
    );
}
