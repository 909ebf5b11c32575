//! Published weights, and how their keys relate to our paths.

use burn::tensor::Device;
use burn_zoo_core::weights::{KeyRow, Licence, WeightsMeta};
use burn_zoo_core::{Architecture, Interpolation, Layout, Options, Preprocess, Pretrained, Resize};

use crate::{
    CifarInceptionResNetV2, CifarInceptionResNetV2Config, InceptionResNetV2,
    InceptionResNetV2Config,
};

/// Rows that turn the paths of [`InceptionResNetV2`](crate::InceptionResNetV2) into timm's keys.
pub const KEYS: [KeyRow; 23] = [
    // The stem.
    (r"^stem\.before\.0\.", "conv2d_1a."),
    (r"^stem\.before\.1\.", "conv2d_2a."),
    (r"^stem\.before\.2\.", "conv2d_2b."),
    (r"^stem\.between\.0\.", "conv2d_3b."),
    (r"^stem\.between\.1\.", "conv2d_4a."),
    // The branches whose number depends on the module.
    (r"reduction_a\.branch_3x3\.", "mixed_6a.branch0."),
    (r"reduction_a\.branch_double_3x3\.", "mixed_6a.branch1."),
    (r"reduction_b\.branch_3x3\.", "mixed_7a.branch0."),
    (r"reduction_b\.branch_narrow_3x3\.", "mixed_7a.branch1."),
    // The modules.
    (r"reduction_b\.", "mixed_7a."),
    (r"inception_resnet_a\.", "repeat."),
    (r"inception_resnet_b\.", "repeat_1."),
    (r"inception_resnet_c\.", "repeat_2."),
    (r"^trunk\.", ""),
    // The other branches.
    (r"\.branch_1x1\.", ".branch0."),
    (r"\.branch_3x3\.", ".branch1."),
    (r"\.branch_5x5\.", ".branch1."),
    (r"\.branch_7x7\.", ".branch1."),
    (r"\.branch_double_3x3\.", ".branch2."),
    (r"\.branch_pool\.", ".branch3.1."),
    (r"\.addition\.expand\.", ".conv2d."),
    // Layers.
    (r"\.norm\.", ".bn."),
    (r"^classifier\.", "classif."),
];

/// timm's at 299 pixels and a crop of 0.8975.
const PREPROCESS: Preprocess = Preprocess {
    resize: Resize::Shorter(333),
    crop: [299, 299],
    interpolation: Interpolation::Bicubic,
    mean: [0.5; 3],
    std: [0.5; 3],
    ..Preprocess::IMAGENET
};

/// Every published file that fits a network of this crate (accuracies as published).
pub const ROWS: [WeightsMeta; 2] = [
    WeightsMeta {
        name: "inception_resnet_v2.tf_in1k",
        architecture: "inception_resnet_v2",
        urls: &[
            "https://huggingface.co/timm/inception_resnet_v2.tf_in1k/resolve/main/model.safetensors",
        ],
        file: "inception_resnet_v2.tf_in1k.safetensors",
        sha256: Some("dbea26b13a5fc8351919fed6a94222c0577ce324b2765fd081a798f837ca9d72"),
        classes: 1000,
        preprocess: PREPROCESS,
        top1: Some(80.434),
        top5: Some(95.312),
        licence: Licence::Apache2,
        origin: "Google's TF-Slim weights in timm's form",
    },
    WeightsMeta {
        name: "inception_resnet_v2.tf_ens_adv_in1k",
        architecture: "inception_resnet_v2",
        urls: &[
            "https://huggingface.co/timm/inception_resnet_v2.tf_ens_adv_in1k/resolve/main/model.safetensors",
        ],
        file: "inception_resnet_v2.tf_ens_adv_in1k.safetensors",
        sha256: None,
        classes: 1000,
        preprocess: PREPROCESS,
        top1: Some(79.998),
        top5: Some(94.940),
        licence: Licence::Apache2,
        origin: "Google's weights after ensemble adversarial training, in timm's form",
    },
];

impl Pretrained for InceptionResNetV2 {
    const ARCHITECTURES: &'static [Architecture] =
        &[Architecture::imagenet("inception_resnet_v2", PREPROCESS)];

    const WEIGHTS: &'static [WeightsMeta] = &ROWS;

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = InceptionResNetV2Config::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "conv2d_1a.conv.weight", &["classif"])
    }
}

impl Pretrained for CifarInceptionResNetV2 {
    const ARCHITECTURES: &'static [Architecture] =
        &[Architecture::cifar("inception_resnet_v2_cifar")];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = CifarInceptionResNetV2Config::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "stem.0.conv.weight", &["classifier"])
    }
}
