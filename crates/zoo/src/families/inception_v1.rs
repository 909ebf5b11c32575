//! Szegedy et al. 2014.

use burn_zoo_inception_v1::{CifarGoogLeNetConfig, GoogLeNetConfig, GoogLeNetPaperConfig, ROWS};

use crate::AnyClassifier;
use crate::architecture::{CAFFE, Row};

/// torchvision's network, the paper's and one for small images.
pub(crate) fn rows() -> Vec<Row> {
    let torchvision = Row::new("googlenet", |options, device| {
        AnyClassifier::GoogLeNet(
            GoogLeNetConfig::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .with_aux_heads(options.aux_heads)
                .init(device),
        )
    });
    let paper = Row::new("googlenet_paper", |options, device| {
        AnyClassifier::GoogLeNetPaper(
            GoogLeNetPaperConfig::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .with_aux_heads(options.aux_heads)
                .init(device),
        )
    });
    let cifar = Row::new("googlenet_cifar", |options, device| {
        AnyClassifier::CifarGoogLeNet(
            CifarGoogLeNetConfig::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    vec![
        torchvision
            .sees(ROWS[0].preprocess)
            .keys("conv1.conv.weight", &["fc", "aux1.fc2", "aux2.fc2"])
            .aux(&["aux1.", "aux2."]),
        paper
            .sees(CAFFE)
            .keys(
                "conv1/7x7_s2.weight",
                &["loss3/classifier", "loss1/classifier", "loss2/classifier"],
            )
            .aux(&["loss1/", "loss2/"]),
        cifar.cifar().keys("conv1.conv.weight", &["fc"]),
    ]
}
