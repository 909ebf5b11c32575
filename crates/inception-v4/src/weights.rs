//! Published weights, and how their keys relate to our paths.

use burn::tensor::Device;
use burn_zoo_core::weights::{KeyRow, Licence, WeightsMeta};
use burn_zoo_core::{Architecture, Interpolation, Layout, Options, Preprocess, Pretrained, Resize};

use crate::{CifarInceptionV4, CifarInceptionV4Config, InceptionV4, InceptionV4Config};

/// Rows that turn the paths of [`InceptionV4`](crate::InceptionV4) into timm's keys.
pub const KEYS: [KeyRow; 43] = [
    // The stem.
    (r"^stem\.entry\.", "features."),
    (r"^stem\.conv_1\.", "features.3.conv."),
    (r"^stem\.branch_3x3\.", "features.4.branch0."),
    (r"^stem\.branch_7x7\.", "features.4.branch1."),
    (r"^stem\.conv_3\.", "features.5.conv."),
    // The place of each module.
    (r"^trunk\.inception_a\.0\.", "features.6.a."),
    (r"^trunk\.inception_a\.1\.", "features.7.a."),
    (r"^trunk\.inception_a\.2\.", "features.8.a."),
    (r"^trunk\.inception_a\.3\.", "features.9.a."),
    (r"^trunk\.reduction_a\.", "features.10.ra."),
    (r"^trunk\.inception_b\.0\.", "features.11.b."),
    (r"^trunk\.inception_b\.1\.", "features.12.b."),
    (r"^trunk\.inception_b\.2\.", "features.13.b."),
    (r"^trunk\.inception_b\.3\.", "features.14.b."),
    (r"^trunk\.inception_b\.4\.", "features.15.b."),
    (r"^trunk\.inception_b\.5\.", "features.16.b."),
    (r"^trunk\.inception_b\.6\.", "features.17.b."),
    (r"^trunk\.reduction_b\.", "features.18.rb."),
    (r"^trunk\.inception_c\.0\.", "features.19.c."),
    (r"^trunk\.inception_c\.1\.", "features.20.c."),
    (r"^trunk\.inception_c\.2\.", "features.21.c."),
    // The branches of each kind of module, whose letters go here.
    (r"\.a\.branch_1x1\.", ".branch0."),
    (r"\.a\.branch_3x3\.", ".branch1."),
    (r"\.a\.branch_double_3x3\.", ".branch2."),
    (r"\.a\.branch_pool\.", ".branch3.1."),
    (r"\.ra\.branch_3x3\.", ".branch0."),
    (r"\.ra\.branch_double_3x3\.", ".branch1."),
    (r"\.b\.branch_1x1\.", ".branch0."),
    (r"\.b\.branch_7x7\.", ".branch1."),
    (r"\.b\.branch_double_7x7\.", ".branch2."),
    (r"\.b\.branch_pool\.", ".branch3.1."),
    (r"\.rb\.branch_3x3\.", ".branch0."),
    (r"\.rb\.branch_7x7\.", ".branch1."),
    (r"\.c\.branch_1x1\.", ".branch0."),
    (r"\.c\.branch_3x3\.", ".branch1_0."),
    (r"\.c\.branch_3x3_ends\.0\.", ".branch1_1a."),
    (r"\.c\.branch_3x3_ends\.1\.", ".branch1_1b."),
    (r"\.c\.branch_double_3x3\.", ".branch2_"),
    (r"\.c\.branch_double_3x3_ends\.0\.", ".branch2_3a."),
    (r"\.c\.branch_double_3x3_ends\.1\.", ".branch2_3b."),
    (r"\.c\.branch_pool\.", ".branch3.1."),
    // Layers.
    (r"\.norm\.", ".bn."),
    (r"^classifier\.", "last_linear."),
];

/// Every published file that fits a network of this crate (accuracies as published).
pub const ROWS: [WeightsMeta; 1] = [WeightsMeta {
    name: "inception_v4.tf_in1k",
    architecture: "inception_v4",
    urls: &["https://huggingface.co/timm/inception_v4.tf_in1k/resolve/main/model.safetensors"],
    file: "inception_v4.tf_in1k.safetensors",
    sha256: Some("a756a086851c8d5a8de135ec15c76b90ea56cb5aef450e3299107e659e725bb1"),
    classes: 1000,
    preprocess: Preprocess {
        resize: Resize::Shorter(341),
        crop: [299, 299],
        interpolation: Interpolation::Bicubic,
        mean: [0.5; 3],
        std: [0.5; 3],
        ..Preprocess::IMAGENET
    },
    top1: Some(80.144),
    top5: Some(94.982),
    licence: Licence::Apache2,
    origin: "Google's TF-Slim weights in timm's form",
}];

impl Pretrained for InceptionV4 {
    const ARCHITECTURES: &'static [Architecture] =
        &[Architecture::imagenet("inception_v4", ROWS[0].preprocess)];

    const WEIGHTS: &'static [WeightsMeta] = &ROWS;

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = InceptionV4Config::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "features.0.conv.weight", &["last_linear"])
    }
}

impl Pretrained for CifarInceptionV4 {
    const ARCHITECTURES: &'static [Architecture] = &[Architecture::cifar("inception_v4_cifar")];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = CifarInceptionV4Config::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "stem.0.conv.weight", &["classifier"])
    }
}
