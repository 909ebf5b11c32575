//! Published weights, and how their keys relate to our paths.

use burn::tensor::Device;
use burn_zoo_core::weights::{KeyRow, Licence, WeightsMeta};
use burn_zoo_core::{Architecture, Interpolation, Layout, Options, Preprocess, Pretrained, Resize};

use crate::{
    CifarInceptionV3, CifarInceptionV3Config, InceptionV3, InceptionV3Config, PoolPadding,
};

/// Rows that turn our paths into torchvision's keys, which are timm's too.
pub const KEYS: [KeyRow; 32] = [
    (r"^stem\.0\.", "Conv2d_1a_3x3."),
    (r"^stem\.1\.", "Conv2d_2a_3x3."),
    (r"^stem\.2\.", "Conv2d_2b_3x3."),
    (r"^stem\.3\.", "Conv2d_3b_1x1."),
    (r"^stem\.4\.", "Conv2d_4a_3x3."),
    (r"^mixed_5\.0\.", "Mixed_5b."),
    (r"^mixed_5\.1\.", "Mixed_5c."),
    (r"^mixed_5\.2\.", "Mixed_5d."),
    (r"^mixed_6\.0\.", "Mixed_6b."),
    (r"^mixed_6\.1\.", "Mixed_6c."),
    (r"^mixed_6\.2\.", "Mixed_6d."),
    (r"^mixed_6\.3\.", "Mixed_6e."),
    (r"^mixed_7\.0\.", "Mixed_7b."),
    (r"^mixed_7\.1\.", "Mixed_7c."),
    (r"^mixed_(5b|6a|7a|7b)\.", "Mixed_$1."),
    (r"^aux\.conv_1x1\.", "AuxLogits.conv0."),
    (r"^aux\.conv_5x5\.", "AuxLogits.conv1."),
    (r"^aux\.classifier\.", "AuxLogits.fc."),
    (r"^classifier\.", "fc."),
    // In the modules of the 8x8 grid, the 1x1 convolution before a split is the first of two.
    (r"^(Mixed_7[bc])\.branch_3x3\.", "$1.branch3x3_1."),
    (r"branch_3x3_split\.conv_1x3", "branch3x3_2a"),
    (r"branch_3x3_split\.conv_3x1", "branch3x3_2b"),
    (r"branch_double_3x3_split\.conv_1x3", "branch3x3dbl_3a"),
    (r"branch_double_3x3_split\.conv_3x1", "branch3x3dbl_3b"),
    (r"\.0\.(conv|norm)\.", "_1.$1."),
    (r"\.1\.(conv|norm)\.", "_2.$1."),
    (r"\.2\.(conv|norm)\.", "_3.$1."),
    (r"\.3\.(conv|norm)\.", "_4.$1."),
    (r"\.4\.(conv|norm)\.", "_5.$1."),
    (r"branch_double_(\dx\d)", "branch${1}dbl"),
    (r"branch_(\dx\d)", "branch$1"),
    (r"\.norm\.", ".bn."),
];

/// ImageNet's usual statistics, for values in `[0, 1]`.
const IMAGENET: [[f32; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
/// TensorFlow's values in `[-1, 1]`, torchvision's `transform_input`.
const HALVES: [[f32; 3]; 2] = [[0.5; 3]; 2];

const fn crop(
    resize: usize,
    interpolation: Interpolation,
    [mean, std]: [[f32; 3]; 2],
) -> Preprocess {
    Preprocess {
        resize: Resize::Shorter(resize),
        crop: [299, 299],
        interpolation,
        mean,
        std,
        ..Preprocess::IMAGENET
    }
}

/// timm's crop of 0.875.
const TIMM: usize = 341;

/// Every published file that fits [`crate::InceptionV3`] (accuracies as published).
pub const ROWS: [WeightsMeta; 5] = [
    WeightsMeta {
        name: "inception_v3.tv_google_in1k",
        architecture: "inception_v3",
        urls: &["https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth"],
        file: "inception_v3_google-0cc3c7bd.pth",
        sha256: Some("0cc3c7bd"),
        classes: 1000,
        preprocess: crop(342, Interpolation::Bilinear, HALVES),
        top1: Some(77.294),
        top5: Some(93.450),
        licence: Licence::Bsd3,
        origin: "torchvision, ported from TensorFlow",
    },
    timm(
        "inception_v3.tv_in1k",
        &["https://huggingface.co/timm/inception_v3.tv_in1k/resolve/main/model.safetensors"],
        "inception_v3.tv_in1k.safetensors",
        Some("9c452c63a67fd03a38a78c401ba12d4be0e926df63c93403de3a29f6df20fefb"),
        HALVES,
        [77.472, 93.468],
        "timm, torchvision's weights of before",
    ),
    timm(
        "inception_v3.tf_in1k",
        &["https://huggingface.co/timm/inception_v3.tf_in1k/resolve/main/model.safetensors"],
        "inception_v3.tf_in1k.safetensors",
        None,
        HALVES,
        [77.866, 93.644],
        "timm, ported from TF-Slim",
    ),
    timm(
        "inception_v3.tf_adv_in1k",
        &["https://huggingface.co/timm/inception_v3.tf_adv_in1k/resolve/main/model.safetensors"],
        "inception_v3.tf_adv_in1k.safetensors",
        None,
        HALVES,
        [77.598, 93.726],
        "timm, ported from TF-Slim, adversarially trained",
    ),
    timm(
        "inception_v3.gluon_in1k",
        &["https://huggingface.co/timm/inception_v3.gluon_in1k/resolve/main/model.safetensors"],
        "inception_v3.gluon_in1k.safetensors",
        None,
        IMAGENET,
        [78.806, 94.372],
        "timm, ported from Gluon",
    ),
];

const fn timm(
    name: &'static str,
    urls: &'static [&'static str],
    file: &'static str,
    sha256: Option<&'static str>,
    statistics: [[f32; 3]; 2],
    [top1, top5]: [f32; 2],
    origin: &'static str,
) -> WeightsMeta {
    WeightsMeta {
        name,
        architecture: "inception_v3",
        urls,
        file,
        sha256,
        classes: 1000,
        preprocess: crop(TIMM, Interpolation::Bicubic, statistics),
        top1: Some(top1),
        top5: Some(top5),
        licence: Licence::Apache2,
        origin,
    }
}

/// Rows whose networks' average pools do not count padding, which no file tells. timm counts it
/// with TensorFlow's weights too and published their accuracies so: none.
const NOT_COUNTED: [&str; 0] = [];

impl Pretrained for InceptionV3 {
    const ARCHITECTURES: &'static [Architecture] =
        &[Architecture::imagenet("inception_v3", ROWS[0].preprocess)];

    const WEIGHTS: &'static [WeightsMeta] = &ROWS;

    fn build(name: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(name)?;
        let config = InceptionV3Config::new()
            .with_pool_padding(match NOT_COUNTED.contains(&name) {
                true => PoolPadding::NotCounted,
                false => PoolPadding::Counted,
            })
            .with_num_classes(options.classes)
            .with_in_channels(options.channels)
            .with_aux_heads(options.aux_heads);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout {
            aux: &["AuxLogits."],
            ..Layout::new(
                self.keys(),
                "Conv2d_1a_3x3.conv.weight",
                &["fc", "AuxLogits.fc"],
            )
        }
    }
}

impl Pretrained for CifarInceptionV3 {
    const ARCHITECTURES: &'static [Architecture] = &[Architecture::cifar("inception_v3_cifar")];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        Self::architecture(architecture)?;
        let config = CifarInceptionV3Config::new()
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "Conv2d_1a_3x3.conv.weight", &["fc"])
    }
}
