//! Szegedy et al. 2016, Inception-v4.

use burn_zoo_inception_v4::{CifarInceptionV4Config, InceptionV4Config, ROWS};

use crate::AnyClassifier;
use crate::architecture::Row;

/// The published network and one for small images.
pub(crate) fn rows() -> Vec<Row> {
    let published = Row::new("inception_v4", |options, device| {
        AnyClassifier::InceptionV4(
            InceptionV4Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    let cifar = Row::new("inception_v4_cifar", |options, device| {
        AnyClassifier::CifarInceptionV4(
            CifarInceptionV4Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    vec![
        published
            .sees(ROWS[0].preprocess)
            .keys("features.0.conv.weight", &["last_linear"]),
        cifar.cifar().keys("stem.0.conv.weight", &["classifier"]),
    ]
}
