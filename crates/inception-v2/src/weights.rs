//! Published weights, and how their keys relate to our paths.

use burn::tensor::Device;
use burn_zoo_core::weights::{KeyRow, Licence, WeightsMeta};
use burn_zoo_core::{
    Architecture, ChannelOrder, Layout, Options, Preprocess, Pretrained, ValueRange,
};

use crate::{CifarInceptionV2, CifarInceptionV2Config, InceptionV2, InceptionV2Config};

/// The modules of [`crate::InceptionV2`] by number.
pub(crate) const MODULES: [KeyRow; 10] = [
    (r"^inception\.0\.", "inception_3a_"),
    (r"^inception\.1\.", "inception_3b_"),
    (r"^inception\.2\.", "inception_3c_"),
    (r"^inception\.3\.", "inception_4a_"),
    (r"^inception\.4\.", "inception_4b_"),
    (r"^inception\.5\.", "inception_4c_"),
    (r"^inception\.6\.", "inception_4d_"),
    (r"^inception\.7\.", "inception_4e_"),
    (r"^inception\.8\.", "inception_5a_"),
    (r"^inception\.9\.", "inception_5b_"),
];

/// The modules of [`crate::CifarInceptionV2`] by number.
pub(crate) const CIFAR_MODULES: [KeyRow; 6] = [
    // Its first convolution is a 3x3 of stride 1.
    (r"^conv1\.", "conv1_3x3."),
    (r"^inception\.0\.", "inception_3a_"),
    (r"^inception\.1\.", "inception_3c_"),
    (r"^inception\.2\.", "inception_4a_"),
    (r"^inception\.3\.", "inception_4e_"),
    (r"^inception\.4\.", "inception_5b_"),
];

/// Rows that turn the rest of our paths into the published file's keys.
pub const KEYS: [KeyRow; 13] = [
    (r"^conv1\.", "conv1_7x7_s2."),
    (r"^conv2\.0\.", "conv2_3x3_reduce."),
    (r"^conv2\.1\.", "conv2_3x3."),
    (r"branch_1x1\.", "1x1."),
    (r"branch_3x3\.0\.", "3x3_reduce."),
    (r"branch_3x3\.1\.", "3x3."),
    (r"branch_double_3x3\.0\.", "double_3x3_reduce."),
    (r"branch_double_3x3\.1\.", "double_3x3_1."),
    (r"branch_double_3x3\.2\.", "double_3x3_2."),
    (r"branch_pool\.", "pool_proj."),
    (r"\.conv\.", "."),
    (r"\.norm\.", "_bn."),
    (r"^classifier\.", "last_linear."),
];

/// Every published file that fits [`crate::InceptionV2`]. It is nowhere to be fetched from by a
/// lasting address: it loads from a file at hand.
pub const ROWS: [WeightsMeta; 1] = [WeightsMeta {
    name: "inception_v2.caffe_in1k",
    architecture: "inception_v2",
    urls: &[],
    file: "inception_v2.caffe_in1k.pth",
    sha256: None,
    classes: 1000,
    preprocess: Preprocess {
        order: ChannelOrder::Bgr,
        range: ValueRange::Byte,
        mean: [104.0, 117.0, 128.0],
        std: [1.0; 3],
        ..Preprocess::IMAGENET
    },
    top1: None,
    top5: None,
    licence: Licence::Unstated,
    origin: "Caffe, ported to PyTorch as bn_inception",
}];

impl Pretrained for InceptionV2 {
    const ARCHITECTURES: &'static [Architecture] =
        &[Architecture::imagenet("inception_v2", ROWS[0].preprocess)];

    const WEIGHTS: &'static [WeightsMeta] = &ROWS;

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = InceptionV2Config::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "conv1_7x7_s2.weight", &["last_linear"])
    }
}

impl Pretrained for CifarInceptionV2 {
    const ARCHITECTURES: &'static [Architecture] = &[Architecture::cifar("inception_v2_cifar")];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = CifarInceptionV2Config::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "conv1_3x3.weight", &["last_linear"])
    }
}
