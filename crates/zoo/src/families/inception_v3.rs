//! Szegedy et al. 2015.

use burn_zoo_inception_v3::{CifarInceptionV3Config, InceptionV3Config, ROWS};

use crate::AnyClassifier;
use crate::architecture::Row;

/// The published network and one for small images.
pub(crate) fn rows() -> Vec<Row> {
    let published = Row::new("inception_v3", |options, device| {
        AnyClassifier::InceptionV3(
            InceptionV3Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .with_aux_heads(options.aux_heads)
                .init(device),
        )
    });
    let cifar = Row::new("inception_v3_cifar", |options, device| {
        AnyClassifier::CifarInceptionV3(
            CifarInceptionV3Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    vec![
        published
            .sees(ROWS[0].preprocess)
            .keys("Conv2d_1a_3x3.conv.weight", &["fc", "AuxLogits.fc"])
            .aux(&["AuxLogits."]),
        cifar.cifar().keys("Conv2d_1a_3x3.conv.weight", &["fc"]),
    ]
}
