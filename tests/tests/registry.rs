//! Names, published sizes and the rows' own consistency.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo::weights::{Checkpoint, Dtype};
use burn_zoo::{Classifier, Options, create, find, fits, list};

fn parameters(architecture: &str, aux_heads: bool) -> usize {
    let options = Options {
        aux_heads,
        ..burn_zoo::architecture(architecture).unwrap().options()
    };
    let model = create(architecture, options, &Device::flex()).unwrap();
    let trainable = model.slots().into_iter().filter(|slot| slot.trainable);
    trainable
        .map(|slot| slot.shape.iter().product::<usize>())
        .sum()
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
            meta.preprocess.crop[0] <= meta.preprocess.resize,
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
    assert!(
        architectures
            .into_iter()
            .eq(["resnet50", "resnet50d", "resnet56_cifar"])
    );
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
