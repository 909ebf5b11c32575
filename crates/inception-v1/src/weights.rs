//! Published weights, and how their keys relate to our paths.

use burn::tensor::Device;
use burn_zoo_core::weights::{KeyRow, Licence, WeightsMeta};
use burn_zoo_core::{
    Architecture, ChannelOrder, Layout, Options, Preprocess, Pretrained, ValueRange,
};

use crate::{
    CifarGoogLeNet, CifarGoogLeNetConfig, GoogLeNet, GoogLeNetConfig, GoogLeNetPaper,
    GoogLeNetPaperConfig,
};

/// Rows that turn our paths into torchvision's keys.
pub fn torchvision_keys() -> Vec<KeyRow> {
    vec![
        (r"^network\.", ""),
        (r"^conv2\.0\.", "conv2."),
        (r"^conv2\.1\.", "conv3."),
        (r"^inception([345])\.0\.", "inception${1}a."),
        (r"^inception([345])\.1\.", "inception${1}b."),
        (r"^inception([345])\.2\.", "inception${1}c."),
        (r"^inception([345])\.3\.", "inception${1}d."),
        (r"^inception([345])\.4\.", "inception${1}e."),
        (r"\.branch_1x1\.", ".branch1."),
        (r"\.branch_3x3\.", ".branch2."),
        (r"\.branch_5x5\.", ".branch3."),
        // The pool is the fourth branch's number 0.
        (r"\.branch_pool\.", ".branch4.1."),
        (r"\.norm\.", ".bn."),
        (r"^classifier\.", "fc."),
        (r"^aux\.0\.", "aux1."),
        (r"^aux\.1\.", "aux2."),
        (r"^(aux[12])\.fc\.", "${1}.fc1."),
        (r"^(aux[12])\.classifier\.", "${1}.fc2."),
    ]
}

/// Rows that turn our paths into the layer names of Caffe's `bvlc_googlenet`, each followed by
/// `.weight` or `.bias`.
pub fn caffe_keys() -> Vec<KeyRow> {
    vec![
        (r"^network\.", ""),
        (r"^conv1\.", "conv1/7x7_s2."),
        (r"^conv2\.0\.", "conv2/3x3_reduce."),
        (r"^conv2\.1\.", "conv2/3x3."),
        (r"^inception([345])\.0\.", "inception_${1}a/"),
        (r"^inception([345])\.1\.", "inception_${1}b/"),
        (r"^inception([345])\.2\.", "inception_${1}c/"),
        (r"^inception([345])\.3\.", "inception_${1}d/"),
        (r"^inception([345])\.4\.", "inception_${1}e/"),
        (r"/branch_1x1\.", "/1x1."),
        (r"/branch_(3x3|5x5)\.0\.", "/${1}_reduce."),
        (r"/branch_(3x3|5x5)\.1\.", "/${1}."),
        (r"/branch_pool\.", "/pool_proj."),
        (r"^classifier\.", "loss3/classifier."),
        (r"^aux\.0\.", "loss1/"),
        (r"^aux\.1\.", "loss2/"),
    ]
}

/// Every published file that fits a network of this crate (accuracies as published).
pub const ROWS: [WeightsMeta; 1] = [WeightsMeta {
    name: "googlenet.tv_in1k",
    architecture: "googlenet",
    urls: &["https://download.pytorch.org/models/googlenet-1378be20.pth"],
    file: "googlenet-1378be20.pth",
    sha256: Some("1378be20"),
    classes: 1000,
    preprocess: Preprocess {
        // ImageNet's statistics with torchvision's `transform_input` after them come to this.
        mean: [0.5; 3],
        std: [0.5; 3],
        ..Preprocess::IMAGENET
    },
    top1: Some(69.778),
    top5: Some(89.530),
    licence: Licence::Bsd3,
    origin: "torchvision, ported from TF-Slim; its auxiliary heads are not trained",
}];

impl Pretrained for GoogLeNet {
    const ARCHITECTURES: &'static [Architecture] =
        &[Architecture::imagenet("googlenet", ROWS[0].preprocess)];

    const WEIGHTS: &'static [WeightsMeta] = &ROWS;

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = GoogLeNetConfig::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels)
            .with_aux_heads(options.aux_heads);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout {
            aux: &["aux1.", "aux2."],
            ..Layout::new(
                self.keys(),
                "conv1.conv.weight",
                &["fc", "aux1.fc2", "aux2.fc2"],
            )
        }
    }
}

impl Pretrained for GoogLeNetPaper {
    const ARCHITECTURES: &'static [Architecture] =
        &[Architecture::imagenet("googlenet_paper", CAFFE)];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = GoogLeNetPaperConfig::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels)
            .with_aux_heads(options.aux_heads);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout {
            aux: &["loss1/", "loss2/"],
            ..Layout::new(
                self.keys(),
                "conv1/7x7_s2.weight",
                &["loss3/classifier", "loss1/classifier", "loss2/classifier"],
            )
        }
    }
}

impl Pretrained for CifarGoogLeNet {
    const ARCHITECTURES: &'static [Architecture] = &[Architecture::cifar("googlenet_cifar")];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = CifarGoogLeNetConfig::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "conv1.conv.weight", &["fc"])
    }
}

/// As Caffe's networks were fed: blue first, 0 to 255, less the mean.
const CAFFE: Preprocess = Preprocess {
    order: ChannelOrder::Bgr,
    range: ValueRange::Byte,
    mean: [104.0, 117.0, 123.0],
    std: [1.0; 3],
    ..Preprocess::IMAGENET
};
