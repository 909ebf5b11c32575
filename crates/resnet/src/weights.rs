//! Published weights, and how their keys relate to our paths.

use burn::tensor::Device;
use burn_zoo_core::weights::{Dialect, KeyRow, Layout, Licence, WeightsMeta};
use burn_zoo_core::{
    Architecture, Interpolation, Options, Preprocess, Pretrained, Resize, ZeroPad, untagged,
};

use crate::{CifarResNet, CifarResNetConfig, Depth, ResNet, ResNetConfig, Shortcut, Stem};

/// Rows that turn our paths into torchvision's and timm's keys.
pub fn keys(stem: Stem, shortcut: Shortcut) -> Vec<KeyRow> {
    let mut rows = match stem {
        Stem::Single | Stem::Small => vec![
            (r"^stem\.0\.conv\.", "conv1."),
            (r"^stem\.0\.norm\.", "bn1."),
        ],
        Stem::Deep => vec![
            (r"^stem\.0\.conv\.", "conv1.0."),
            (r"^stem\.0\.norm\.", "conv1.1."),
            (r"^stem\.1\.conv\.", "conv1.3."),
            (r"^stem\.1\.norm\.", "conv1.4."),
            (r"^stem\.2\.conv\.", "conv1.6."),
            (r"^stem\.2\.norm\.", "bn1."),
        ],
    };
    rows.extend(match shortcut {
        Shortcut::PooledProjection => [
            (r"projection\.conv\.", "downsample.1."),
            (r"projection\.norm\.", "downsample.2."),
        ],
        _ => [
            (r"projection\.conv\.", "downsample.0."),
            (r"projection\.norm\.", "downsample.1."),
        ],
    });
    rows.extend(KEYS);
    rows
}

const KEYS: [KeyRow; 14] = [
    (r"^conv2_x\.", "layer1."),
    (r"^conv3_x\.", "layer2."),
    (r"^conv4_x\.", "layer3."),
    (r"^conv5_x\.", "layer4."),
    (r"^stage1\.", "layer1."),
    (r"^stage2\.", "layer2."),
    (r"^stage3\.", "layer3."),
    (r"branch\.0\.conv\.", "conv1."),
    (r"branch\.0\.norm\.", "bn1."),
    (r"branch\.1\.conv\.", "conv2."),
    (r"branch\.1\.norm\.", "bn2."),
    (r"branch\.2\.conv\.", "conv3."),
    (r"branch\.2\.norm\.", "bn3."),
    (r"^classifier\.", "fc."),
];

/// Other projects' names for the same layers, as rows from torchvision's names.
const DIALECTS: [Dialect; 4] = [
    // kuangliu/pytorch-cifar and its derivatives.
    Dialect {
        name: "shortcut",
        rows: &[(r"\.downsample\.", ".shortcut.")],
    },
    // transformers' `ResNetForImageClassification`, which contains `ResNetModel` as `resnet`.
    Dialect {
        name: "transformers",
        rows: &[
            (r"^conv1\.", "embedder.embedder.convolution."),
            (r"^bn1\.", "embedder.embedder.normalization."),
            (r"^layer1\.", "encoder.stages.0.layers."),
            (r"^layer2\.", "encoder.stages.1.layers."),
            (r"^layer3\.", "encoder.stages.2.layers."),
            (r"^layer4\.", "encoder.stages.3.layers."),
            (r"\.conv1\.", ".layer.0.convolution."),
            (r"\.bn1\.", ".layer.0.normalization."),
            (r"\.conv2\.", ".layer.1.convolution."),
            (r"\.bn2\.", ".layer.1.normalization."),
            (r"\.conv3\.", ".layer.2.convolution."),
            (r"\.bn3\.", ".layer.2.normalization."),
            (r"\.downsample\.0\.", ".shortcut.convolution."),
            (r"\.downsample\.1\.", ".shortcut.normalization."),
        ],
    },
    // weiaicunzai/pytorch-cifar100.
    Dialect {
        name: "pytorch-cifar100",
        rows: &[
            (r"\.conv1\.", ".residual_function.0."),
            (r"\.bn1\.", ".residual_function.1."),
            (r"\.conv2\.", ".residual_function.3."),
            (r"\.bn2\.", ".residual_function.4."),
            (r"\.conv3\.", ".residual_function.6."),
            (r"\.bn3\.", ".residual_function.7."),
            (r"\.downsample\.", ".shortcut."),
            (r"^conv1\.", "conv1.0."),
            (r"^bn1\.", "conv1.1."),
            (r"^layer1\.", "conv2_x."),
            (r"^layer2\.", "conv3_x."),
            (r"^layer3\.", "conv4_x."),
            (r"^layer4\.", "conv5_x."),
        ],
    },
    // mmpretrain's `ResNetV1c` and `ResNetV1d`, whose first layers are those of timm's ResNet-D.
    Dialect {
        name: "mmpretrain",
        rows: &[(r"^conv1\.", "stem."), (r"^bn1\.", "stem.7.")],
    },
];

/// Suffix of the names of networks with [`Stem::Small`].
const SMALL_STEM: &str = "_small_stem";
/// Suffix of the names of CIFAR networks with projections (option B).
const OPTION_B: &str = "_b";

const fn imagenet_size(name: &'static str) -> Architecture {
    Architecture::imagenet(name, Preprocess::IMAGENET)
}

impl ResNetConfig {
    /// The network of a name of torchvision's, timm's or ours; `plain` ones have no shortcuts.
    pub fn named(architecture: &str) -> Option<Self> {
        let config = |depth| Some(Self::new(depth));
        let groups = |depth, groups, width| {
            config(depth).map(|it| it.with_groups(groups).with_width_per_group(width))
        };
        let deep = |depth| {
            let config = Self::new(depth).with_stem(Stem::Deep);
            Some(config.with_shortcut(Shortcut::PooledProjection))
        };
        let plain = |depth| config(depth).map(|it| it.with_shortcut(Shortcut::None));
        let name = untagged(architecture);
        if let Some(usual) = name.strip_suffix(SMALL_STEM) {
            let config = Self::named(usual)?;
            return (config.stem == Stem::Single).then(|| config.with_stem(Stem::Small));
        }
        match name {
            "resnet18" => config(Depth::D18),
            "resnet34" => config(Depth::D34),
            "resnet50" => config(Depth::D50),
            "resnet101" => config(Depth::D101),
            "resnet152" => config(Depth::D152),
            "resnext50_32x4d" => groups(Depth::D50, 32, 4),
            "resnext101_32x8d" => groups(Depth::D101, 32, 8),
            "resnext101_64x4d" => groups(Depth::D101, 64, 4),
            "wide_resnet50_2" => groups(Depth::D50, 1, 128),
            "wide_resnet101_2" => groups(Depth::D101, 1, 128),
            "resnet50d" => deep(Depth::D50),
            "resnet101d" => deep(Depth::D101),
            "plain18" => plain(Depth::D18),
            "plain34" => plain(Depth::D34),
            _ => None,
        }
    }
}

impl Pretrained for ResNet {
    const ARCHITECTURES: &'static [Architecture] = &[
        imagenet_size("resnet18"),
        imagenet_size("resnet34"),
        imagenet_size("resnet50"),
        imagenet_size("resnet101"),
        imagenet_size("resnet152"),
        imagenet_size("resnext50_32x4d"),
        imagenet_size("resnext101_32x8d"),
        imagenet_size("resnext101_64x4d"),
        imagenet_size("wide_resnet50_2"),
        imagenet_size("wide_resnet101_2"),
        imagenet_size("resnet50d"),
        imagenet_size("resnet101d"),
        imagenet_size("plain18"),
        imagenet_size("plain34"),
        Architecture::cifar("resnet18_small_stem"),
        Architecture::cifar("resnet34_small_stem"),
        Architecture::cifar("resnet50_small_stem"),
        Architecture::cifar("resnet101_small_stem"),
        Architecture::cifar("resnet152_small_stem"),
    ];

    const WEIGHTS: &'static [WeightsMeta] = &ROWS;

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        let config = ResNetConfig::named(architecture)?
            .with_num_classes(options.classes)
            .with_in_channels(options.channels)
            .with_zero_pad(options.zero_pad);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        let first = match self.stem() {
            Stem::Single | Stem::Small => "conv1.weight",
            Stem::Deep => "conv1.0.weight",
        };
        Layout {
            dialects: &DIALECTS,
            facts: facts(self.zero_pad()),
            ..Layout::new(self.keys(), first, &["fc"])
        }
    }

    /// The first layer's weight determines the stem.
    fn variants(name: &str) -> Vec<String> {
        with_ending::<Self>(name, SMALL_STEM)
    }
}

impl CifarResNetConfig {
    /// The network of a name such as `resnet20_cifar`, `resnet20_cifar_b` with projections (option B),
    /// or `plain20_cifar` for its twin without shortcuts.
    pub fn named(architecture: &str) -> Option<Self> {
        CifarResNet::architecture(architecture)?;
        let name = untagged(architecture);
        let (shortcut, rest) = match (name.strip_prefix("resnet"), name.strip_suffix(OPTION_B)) {
            (Some(_), Some(rest)) => (Shortcut::Projection, rest.strip_prefix("resnet")?),
            (Some(rest), None) => (Shortcut::ZeroPad, rest),
            (None, _) => (Shortcut::None, name.strip_prefix("plain")?),
        };
        let depth = rest.strip_suffix("_cifar")?.parse().ok()?;
        Some(Self::new(depth).with_shortcut(shortcut))
    }
}

impl Pretrained for CifarResNet {
    const ARCHITECTURES: &'static [Architecture] = &[
        Architecture::cifar("resnet20_cifar"),
        Architecture::cifar("resnet32_cifar"),
        Architecture::cifar("resnet44_cifar"),
        Architecture::cifar("resnet56_cifar"),
        Architecture::cifar("resnet110_cifar"),
        Architecture::cifar("resnet1202_cifar"),
        Architecture::cifar("resnet20_cifar_b"),
        Architecture::cifar("resnet32_cifar_b"),
        Architecture::cifar("resnet44_cifar_b"),
        Architecture::cifar("resnet56_cifar_b"),
        Architecture::cifar("resnet110_cifar_b"),
        Architecture::cifar("resnet1202_cifar_b"),
        Architecture::cifar("plain20_cifar"),
        Architecture::cifar("plain32_cifar"),
        Architecture::cifar("plain44_cifar"),
        Architecture::cifar("plain56_cifar"),
        Architecture::cifar("plain110_cifar"),
        Architecture::cifar("plain1202_cifar"),
    ];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        let config = CifarResNetConfig::named(architecture)?
            .with_num_classes(options.classes)
            .with_in_channels(options.channels)
            .with_zero_pad(options.zero_pad);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout {
            dialects: &DIALECTS,
            facts: facts(self.zero_pad()),
            ..Layout::new(self.keys(), "conv1.weight", &["fc"])
        }
    }

    /// The weights of the shortcuts determine their type.
    fn variants(name: &str) -> Vec<String> {
        with_ending::<Self>(name, OPTION_B)
    }
}

/// An architecture, and the one whose name has this suffix, if it exists.
fn with_ending<M: Pretrained>(name: &str, ending: &str) -> Vec<String> {
    let other = format!("{}{ending}", untagged(name));
    let names = std::iter::once(name.to_owned());
    names
        .chain(M::architecture(&other).map(|_| other))
        .collect()
}

/// Facts that no key or shape of a residual network reveals.
fn facts(zero_pad: Option<ZeroPad>) -> Vec<(&'static str, String)> {
    let fact = zero_pad.map(|at| (ZeroPad::FACT, at.to_string()));
    fact.into_iter().collect()
}

const fn crop(resize: usize, interpolation: Interpolation) -> Preprocess {
    Preprocess {
        resize: Resize::Shorter(resize),
        interpolation,
        ..Preprocess::IMAGENET
    }
}

/// torchvision's first recipe.
const V1: Preprocess = Preprocess::IMAGENET;
/// torchvision's second recipe.
const V2: Preprocess = crop(232, Interpolation::Bilinear);
/// timm's at 224 pixels and a crop of 0.95.
const TIMM: Preprocess = crop(235, Interpolation::Bicubic);

/// A row: name, architecture, URL, sha256 or its published prefix, preprocessing, top-1, top-5.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
    Option<&'static str>,
    Preprocess,
    f32,
    f32,
);

const fn imagenet(row: Row, licence: Licence, origin: &'static str) -> WeightsMeta {
    let (name, architecture, urls, file, sha256, preprocess, top1, top5) = row;
    WeightsMeta {
        name,
        architecture,
        urls,
        file,
        sha256,
        classes: 1000,
        preprocess,
        top1: Some(top1),
        top5: Some(top5),
        licence,
        origin,
    }
}

/// Every published file that fits a network of this crate (accuracies as published).
pub const ROWS: [WeightsMeta; 27] = [
    imagenet(
        (
            "resnet18.tv_in1k",
            "resnet18",
            &["https://download.pytorch.org/models/resnet18-f37072fd.pth"],
            "resnet18-f37072fd.pth",
            Some("f37072fd"),
            V1,
            69.758,
            89.078,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "resnet34.tv_in1k",
            "resnet34",
            &["https://download.pytorch.org/models/resnet34-b627a593.pth"],
            "resnet34-b627a593.pth",
            Some("b627a593"),
            V1,
            73.314,
            91.420,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "resnet50.tv_in1k",
            "resnet50",
            &["https://download.pytorch.org/models/resnet50-0676ba61.pth"],
            "resnet50-0676ba61.pth",
            Some("0676ba61"),
            V1,
            76.130,
            92.862,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "resnet50.tv2_in1k",
            "resnet50",
            &["https://download.pytorch.org/models/resnet50-11ad3fa6.pth"],
            "resnet50-11ad3fa6.pth",
            Some("11ad3fa6"),
            V2,
            80.858,
            95.434,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "resnet101.tv_in1k",
            "resnet101",
            &["https://download.pytorch.org/models/resnet101-63fe2227.pth"],
            "resnet101-63fe2227.pth",
            Some("63fe2227"),
            V1,
            77.374,
            93.546,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "resnet101.tv2_in1k",
            "resnet101",
            &["https://download.pytorch.org/models/resnet101-cd907fc2.pth"],
            "resnet101-cd907fc2.pth",
            Some("cd907fc2"),
            V2,
            81.886,
            95.780,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "resnet152.tv_in1k",
            "resnet152",
            &["https://download.pytorch.org/models/resnet152-394f9c45.pth"],
            "resnet152-394f9c45.pth",
            Some("394f9c45"),
            V1,
            78.312,
            94.046,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "resnet152.tv2_in1k",
            "resnet152",
            &["https://download.pytorch.org/models/resnet152-f82ba261.pth"],
            "resnet152-f82ba261.pth",
            Some("f82ba261"),
            V2,
            82.284,
            96.002,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "resnext50_32x4d.tv_in1k",
            "resnext50_32x4d",
            &["https://download.pytorch.org/models/resnext50_32x4d-7cdf4587.pth"],
            "resnext50_32x4d-7cdf4587.pth",
            Some("7cdf4587"),
            V1,
            77.618,
            93.698,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "resnext50_32x4d.tv2_in1k",
            "resnext50_32x4d",
            &["https://download.pytorch.org/models/resnext50_32x4d-1a0047aa.pth"],
            "resnext50_32x4d-1a0047aa.pth",
            Some("1a0047aa"),
            V2,
            81.198,
            95.340,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "resnext101_32x8d.tv_in1k",
            "resnext101_32x8d",
            &["https://download.pytorch.org/models/resnext101_32x8d-8ba56ff5.pth"],
            "resnext101_32x8d-8ba56ff5.pth",
            Some("8ba56ff5"),
            V1,
            79.312,
            94.526,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "resnext101_32x8d.tv2_in1k",
            "resnext101_32x8d",
            &["https://download.pytorch.org/models/resnext101_32x8d-110c445d.pth"],
            "resnext101_32x8d-110c445d.pth",
            Some("110c445d"),
            V2,
            82.834,
            96.228,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "resnext101_64x4d.tv_in1k",
            "resnext101_64x4d",
            &["https://download.pytorch.org/models/resnext101_64x4d-173b62eb.pth"],
            "resnext101_64x4d-173b62eb.pth",
            Some("173b62eb"),
            V2,
            83.246,
            96.454,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "wide_resnet50_2.tv_in1k",
            "wide_resnet50_2",
            &["https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth"],
            "wide_resnet50_2-95faca4d.pth",
            Some("95faca4d"),
            V1,
            78.468,
            94.086,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "wide_resnet50_2.tv2_in1k",
            "wide_resnet50_2",
            &["https://download.pytorch.org/models/wide_resnet50_2-9ba9bcbe.pth"],
            "wide_resnet50_2-9ba9bcbe.pth",
            Some("9ba9bcbe"),
            V2,
            81.602,
            95.758,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "wide_resnet101_2.tv_in1k",
            "wide_resnet101_2",
            &["https://download.pytorch.org/models/wide_resnet101_2-32ee1156.pth"],
            "wide_resnet101_2-32ee1156.pth",
            Some("32ee1156"),
            V1,
            78.848,
            94.284,
        ),
        Licence::Bsd3,
        "torchvision, first recipe",
    ),
    imagenet(
        (
            "wide_resnet101_2.tv2_in1k",
            "wide_resnet101_2",
            &["https://download.pytorch.org/models/wide_resnet101_2-d733dc28.pth"],
            "wide_resnet101_2-d733dc28.pth",
            Some("d733dc28"),
            V2,
            82.510,
            96.020,
        ),
        Licence::Bsd3,
        "torchvision, second recipe",
    ),
    imagenet(
        (
            "resnet18.a1_in1k",
            "resnet18",
            &["https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors"],
            "resnet18.a1_in1k.safetensors",
            Some("80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612"),
            TIMM,
            71.504,
            90.086,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    imagenet(
        (
            "resnet50.a1_in1k",
            "resnet50",
            &["https://huggingface.co/timm/resnet50.a1_in1k/resolve/main/model.safetensors"],
            "resnet50.a1_in1k.safetensors",
            Some("773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb"),
            TIMM,
            80.382,
            94.598,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    imagenet(
        (
            "resnet50.a2_in1k",
            "resnet50",
            &["https://huggingface.co/timm/resnet50.a2_in1k/resolve/main/model.safetensors"],
            "resnet50.a2_in1k.safetensors",
            Some("f531f9aca4dde1b89e9a465c5b9e3b916a2d1b20a216acf3b9473d1e1212ecf6"),
            TIMM,
            79.828,
            94.560,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    imagenet(
        (
            "resnet50d.a1_in1k",
            "resnet50d",
            &["https://huggingface.co/timm/resnet50d.a1_in1k/resolve/main/model.safetensors"],
            "resnet50d.a1_in1k.safetensors",
            Some("0b4f757b0732eb4c6584d2c3692923c3b92efe116b8a383fd4b5eb62fda660cb"),
            TIMM,
            80.730,
            94.678,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    imagenet(
        (
            "resnet101.a1h_in1k",
            "resnet101",
            &["https://huggingface.co/timm/resnet101.a1h_in1k/resolve/main/model.safetensors"],
            "resnet101.a1h_in1k.safetensors",
            Some("1a076c0384295e7d3704f201c5711ff245507db934230bab72ff3014a95f90fe"),
            TIMM,
            81.950,
            95.760,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    imagenet(
        (
            "resnet101.a1_in1k",
            "resnet101",
            &["https://huggingface.co/timm/resnet101.a1_in1k/resolve/main/model.safetensors"],
            "resnet101.a1_in1k.safetensors",
            Some("1ba5b660e7c175b3c27c557fc7dc8b2815be830c516815b0155f61b403f27380"),
            TIMM,
            81.494,
            95.164,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    imagenet(
        (
            "resnet34.a1_in1k",
            "resnet34",
            &["https://huggingface.co/timm/resnet34.a1_in1k/resolve/main/model.safetensors"],
            "resnet34.a1_in1k.safetensors",
            None,
            TIMM,
            76.420,
            92.896,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    imagenet(
        (
            "resnet152.a1h_in1k",
            "resnet152",
            &["https://huggingface.co/timm/resnet152.a1h_in1k/resolve/main/model.safetensors"],
            "resnet152.a1h_in1k.safetensors",
            None,
            TIMM,
            82.818,
            96.124,
        ),
        Licence::Apache2,
        "timm, \"ResNet strikes back\" (arXiv:2110.00476), at 224 pixels",
    ),
    WeightsMeta {
        name: "resnet18.fb_swsl_ig1b_ft_in1k",
        architecture: "resnet18",
        urls: &[
            "https://dl.fbaipublicfiles.com/semiweaksupervision/model_files/semi_weakly_supervised_resnet18-118f1556.pth",
        ],
        file: "semi_weakly_supervised_resnet18-118f1556.pth",
        sha256: Some("118f1556"),
        classes: 1000,
        preprocess: V1,
        top1: Some(73.286),
        top5: None,
        licence: Licence::CcByNc4,
        origin: "Facebook, semi-weakly supervised on a billion images (arXiv:1905.00546)",
    },
    WeightsMeta {
        name: "resnet50.fb_swsl_ig1b_ft_in1k",
        architecture: "resnet50",
        urls: &[
            "https://dl.fbaipublicfiles.com/semiweaksupervision/model_files/semi_weakly_supervised_resnet50-16a12f1b.pth",
        ],
        file: "semi_weakly_supervised_resnet50-16a12f1b.pth",
        sha256: Some("16a12f1b"),
        classes: 1000,
        preprocess: V1,
        top1: Some(81.146),
        top5: None,
        licence: Licence::CcByNc4,
        origin: "Facebook, semi-weakly supervised on a billion images (arXiv:1905.00546)",
    },
];
