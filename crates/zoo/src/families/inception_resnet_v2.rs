//! Szegedy et al. 2016, Inception-ResNet-v2.

use burn_zoo_inception_resnet_v2::{CifarInceptionResNetV2Config, InceptionResNetV2Config, ROWS};

use crate::AnyClassifier;
use crate::architecture::Row;

/// The published network and one for small images.
pub(crate) fn rows() -> Vec<Row> {
    let published = Row::new("inception_resnet_v2", |options, device| {
        AnyClassifier::InceptionResNetV2(
            InceptionResNetV2Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    let cifar = Row::new("inception_resnet_v2_cifar", |options, device| {
        AnyClassifier::CifarInceptionResNetV2(
            CifarInceptionResNetV2Config::new()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    vec![
        published
            .sees(ROWS[0].preprocess)
            .keys("conv2d_1a.conv.weight", &["classif"]),
        cifar.cifar().keys("stem.0.conv.weight", &["classifier"]),
    ]
}
