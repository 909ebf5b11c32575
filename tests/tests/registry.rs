//! Names, published sizes and the rows' own consistency.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo::resnet::{CifarResNet, ResNet};
use burn_zoo::weights::{Checkpoint, Dtype};
use burn_zoo::{Classifier, Options, Preprocess, Pretrained, Resize, create, find, fits, list};

fn options(architecture: &str) -> Options {
    burn_zoo::architecture(architecture).unwrap().options()
}

fn parameters(architecture: &str, aux_heads: bool) -> usize {
    let options = Options {
        aux_heads,
        ..options(architecture)
    };
    let model = create(architecture, options, &Device::flex()).unwrap();
    let trainable = model.slots().into_iter().filter(|slot| slot.trainable);
    trainable
        .map(|slot| slot.shape.iter().product::<usize>())
        .sum()
}

/// A network for colour takes grey images of its own size, by the mean of its statistics.
#[test]
fn other_channels_keep_the_size_of_the_images() {
    let preprocess = |name, channels| burn_zoo::architecture(name).unwrap().preprocess(channels);
    let grey = preprocess("resnet50", 1);
    assert_eq!(
        (grey.resize, grey.crop, grey.channels),
        (Resize::Shorter(256), [224; 2], 1)
    );
    assert!((grey.mean[0] - 0.449).abs() < 1e-3 && (grey.std[0] - 0.226).abs() < 1e-3);
    assert_eq!(preprocess("resnet20_cifar", 1), Preprocess::GREY);
    assert_eq!(preprocess("highway_fc10", 1), Preprocess::GREY);
    let colour = preprocess("highway_fc10", 3);
    assert_eq!((colour.crop, colour.channels), ([28; 2], 3));
    assert_eq!(preprocess("resnet50", 3), Preprocess::IMAGENET);
}

/// Types without published weights, and architectures without a tag, have files of their own.
#[test]
fn a_file_is_loaded_by_the_type_under_the_name_of_its_architecture() {
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.safetensors");
    let model = create("resnet20_cifar", options("resnet20_cifar"), &device).unwrap();
    model.save(&path, Dtype::F32).unwrap();
    let same = CifarResNet::from_file("resnet20_cifar", &path, &device).unwrap();
    assert_eq!(same.slots().len(), model.slots().len());
    let said = |name| CifarResNet::weights(name).unwrap_err().to_string();
    assert!(said("resnet20_cifar").contains("none are published"));
    let named = ResNet::weights("resnet18").unwrap_err().to_string();
    assert!(named.contains("as in resnet18."), "{named}");
    let nearest = ResNet::weights("resnet18.tv9_in1k")
        .unwrap_err()
        .to_string();
    assert!(nearest.contains("did you mean resnet18.tv"), "{nearest}");
}

#[test]
fn parameters_are_the_published_ones() {
    // torchvision's `num_params`; He et al. 2015, Table 6, to the digit for the CIFAR nets.
    let rows = [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("resnext50_32x4d", 25_028_904),
        ("resnext101_32x8d", 88_791_336),
        ("resnext101_64x4d", 83_455_272),
        ("wide_resnet50_2", 68_883_240),
        ("wide_resnet101_2", 126_886_696),
        ("resnet20_cifar", 269_722),
        ("resnet32_cifar", 464_154),
        ("resnet44_cifar", 658_586),
        ("resnet56_cifar", 853_018),
        ("resnet110_cifar", 1_727_962),
        ("resnet1202_cifar", 19_421_274),
        ("plain20_cifar", 269_722),
        // timm's `param_count`.
        ("resnet50d", 25_576_264),
        ("resnet101d", 44_568_392),
        ("inception_v2", 11_295_240),
        ("inception_v4", 42_679_816),
        ("inception_resnet_v2", 55_843_464),
        // Srivastava et al. 2015, section 3.1: 5,100 a highway layer and 5,112 a plain one.
        ("highway_fc10", 39_250 + 10 * 5_100 + 510),
        ("plain_fc10", 55_735 + 10 * 5_112 + 720),
        ("highway_fc123", 39_250 + 123 * 5_100 + 510),
    ];
    for (architecture, published) in rows {
        assert_eq!(parameters(architecture, true), published, "{architecture}");
    }
    // torchvision's, without auxiliary heads and with them.
    let rows = [
        ("googlenet", 6_624_904, 13_004_888),
        ("inception_v3", 23_834_568, 27_161_264),
    ];
    for (architecture, without, with) in rows {
        let found = [false, true].map(|heads| parameters(architecture, heads));
        assert_eq!(found, [without, with], "{architecture}");
    }
}

#[test]
fn classes_and_channels_are_read_off_where_the_rows_say() {
    let device = Device::flex();
    let options = Options {
        classes: 7,
        channels: 2,
        aux_heads: true,
        zero_pad: burn_zoo::ZeroPad::End,
    };
    for architecture in burn_zoo::architectures() {
        let model = create(architecture, options, &device).unwrap();
        assert_eq!(model.num_classes(), 7, "{architecture}");
        assert_eq!(model.input().channels, 2, "{architecture}");
        let slots = model.slots();
        let sizes = slots
            .iter()
            .map(|slot| slot.shape.iter().product::<usize>());
        if slots.len() > 2000 || sizes.sum::<usize>() > 30_000_000 {
            continue; // of the type of a smaller one, and slow to write
        }
        let bytes = model.to_safetensors(Dtype::F16).unwrap();
        let file = Checkpoint::from_bytes(architecture, bytes).unwrap();
        let again = burn_zoo::load(architecture, &file, &device).unwrap();
        assert_eq!(again.num_classes(), 7, "{architecture}");
        assert_eq!(again.input().channels, 2, "{architecture}");
        let found = fits(&file, &device);
        assert!(found.contains(&architecture), "{architecture}: {found:?}");
    }
}

#[test]
fn every_row_of_weights_names_an_architecture_and_a_crop_that_fits_it() {
    for entry in list("*") {
        let Some(meta) = entry.weights else { continue };
        assert_eq!(find(meta.name).unwrap(), entry);
        assert!(
            meta.name.starts_with(&format!("{}.", meta.architecture)),
            "{}",
            meta.name
        );
        assert!(
            meta.preprocess
                .resize
                .least()
                .is_some_and(|least| meta.preprocess.crop[0] <= least[0]),
            "{}",
            meta.name
        );
        if let Some(sha256) = meta.sha256 {
            assert!(sha256.len() == 8 || sha256.len() == 64, "{}", meta.name);
        }
    }
}

#[test]
fn wildcards_select_and_an_unknown_name_suggests_the_nearest() {
    assert!(list("*******************x").is_empty());
    let wide = list("wide_resnet*_2.tv_*");
    let names: Vec<_> = wide.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        names,
        ["wide_resnet50_2.tv_in1k", "wide_resnet101_2.tv_in1k"]
    );
    assert_eq!(list("plain?4")[0].name, "plain34");
    let fives = list("resnet5*");
    let architectures: std::collections::BTreeSet<_> = fives
        .iter()
        .map(|entry| entry.architecture.as_str())
        .collect();
    assert!(architectures.into_iter().eq([
        "resnet50",
        "resnet50_small_stem",
        "resnet50d",
        "resnet56_cifar",
        "resnet56_cifar_b",
    ]));
    assert_eq!(find("highway_fc37").unwrap().name, "highway_fc37");
    for none in [
        "highway_fc0",
        "highway_fc007",
        "plain_fc",
        "highway_fc1e3",
        "plain_fc+3",
    ] {
        assert!(find(none).is_err(), "{none}");
    }
    let message = find("resnet5O").unwrap_err().to_string();
    assert!(
        message.contains("unknown model resnet5O; did you mean resnet50?"),
        "{message}"
    );
}
