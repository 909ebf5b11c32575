//! Names, published sizes and the rows' own consistency.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use burn::tensor::Device;
use burn_zoo::{Options, create, find, list};

fn parameters(architecture: &str) -> usize {
    let options = Options::of(architecture).unwrap();
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
    ];
    for (architecture, published) in rows {
        assert_eq!(parameters(architecture), published, "{architecture}");
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
    let wide = list("wide_resnet*_2.tv_*");
    let names: Vec<_> = wide.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        names,
        ["wide_resnet50_2.tv_in1k", "wide_resnet101_2.tv_in1k"]
    );
    assert_eq!(list("plain?4")[0].name, "plain34");
    let message = find("resnet5O").unwrap_err().to_string();
    assert!(
        message.contains("unknown model resnet5O; did you mean resnet50?"),
        "{message}"
    );
}
