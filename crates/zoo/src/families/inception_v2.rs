//! Ioffe and Szegedy 2015.

use burn_zoo_inception_v2::{CifarInceptionV2Config, InceptionV2Config, ROWS};

use crate::AnyClassifier;
use crate::architecture::Row;

/// The published network and one for small images.
pub(crate) fn rows() -> Vec<Row> {
    let published = Row::new("inception_v2", |options, device| {
        AnyClassifier::InceptionV2(
            InceptionV2Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    let cifar = Row::new("inception_v2_cifar", |options, device| {
        AnyClassifier::CifarInceptionV2(
            CifarInceptionV2Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    vec![
        published
            .sees(ROWS[0].preprocess)
            .keys("conv1_7x7_s2.weight", &["last_linear"]),
        cifar.cifar().keys("conv1_3x3.weight", &["last_linear"]),
    ]
}
