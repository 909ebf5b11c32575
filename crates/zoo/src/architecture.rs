//! Architectures by the names that torchvision and timm gave them.

use burn::tensor::Device;
use burn_zoo_core::Error;
use burn_zoo_resnet::{CifarResNetConfig, Depth, ResNetConfig, Shortcut, Stem};

use crate::{AnyClassifier, registry};

/// What a network is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Outputs of the last layer.
    pub classes: usize,
    /// Channels of an image.
    pub channels: usize,
}

impl Options {
    /// As the architecture was published: ImageNet's 1,000 classes or CIFAR's 10, in colour.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn of(architecture: &str) -> Result<Self, Error> {
        let classes = match row(architecture)?.network {
            Network::Imagenet(..) => 1000,
            Network::Cifar(..) => 10,
        };
        Ok(Self {
            classes,
            channels: 3,
        })
    }
}

pub(crate) struct Row {
    pub(crate) name: &'static str,
    network: Network,
}

#[derive(Clone, Copy)]
enum Network {
    /// Depth, groups, channels per group, stem, shortcut.
    Imagenet(Depth, usize, usize, Stem, Shortcut),
    /// Depth, shortcut.
    Cifar(usize, Shortcut),
}

const fn imagenet(name: &'static str, depth: Depth, groups: usize, width: usize) -> Row {
    let network = Network::Imagenet(depth, groups, width, Stem::Single, Shortcut::Projection);
    Row { name, network }
}

const fn deep(name: &'static str, depth: Depth) -> Row {
    let network = Network::Imagenet(depth, 1, 64, Stem::Deep, Shortcut::PooledProjection);
    Row { name, network }
}

const fn plain(name: &'static str, depth: Depth) -> Row {
    let network = Network::Imagenet(depth, 1, 64, Stem::Single, Shortcut::None);
    Row { name, network }
}

const fn cifar(name: &'static str, depth: usize, shortcut: Shortcut) -> Row {
    Row {
        name,
        network: Network::Cifar(depth, shortcut),
    }
}

/// Every architecture; plain ones are the same stack without shortcuts.
pub(crate) const ROWS: [Row; 26] = [
    imagenet("resnet18", Depth::D18, 1, 64),
    imagenet("resnet34", Depth::D34, 1, 64),
    imagenet("resnet50", Depth::D50, 1, 64),
    imagenet("resnet101", Depth::D101, 1, 64),
    imagenet("resnet152", Depth::D152, 1, 64),
    imagenet("resnext50_32x4d", Depth::D50, 32, 4),
    imagenet("resnext101_32x8d", Depth::D101, 32, 8),
    imagenet("resnext101_64x4d", Depth::D101, 64, 4),
    imagenet("wide_resnet50_2", Depth::D50, 1, 128),
    imagenet("wide_resnet101_2", Depth::D101, 1, 128),
    deep("resnet50d", Depth::D50),
    deep("resnet101d", Depth::D101),
    plain("plain18", Depth::D18),
    plain("plain34", Depth::D34),
    cifar("resnet20_cifar", 20, Shortcut::ZeroPad),
    cifar("resnet32_cifar", 32, Shortcut::ZeroPad),
    cifar("resnet44_cifar", 44, Shortcut::ZeroPad),
    cifar("resnet56_cifar", 56, Shortcut::ZeroPad),
    cifar("resnet110_cifar", 110, Shortcut::ZeroPad),
    cifar("resnet1202_cifar", 1202, Shortcut::ZeroPad),
    cifar("plain20_cifar", 20, Shortcut::None),
    cifar("plain32_cifar", 32, Shortcut::None),
    cifar("plain44_cifar", 44, Shortcut::None),
    cifar("plain56_cifar", 56, Shortcut::None),
    cifar("plain110_cifar", 110, Shortcut::None),
    cifar("plain1202_cifar", 1202, Shortcut::None),
];

/// Names of all architectures.
pub fn architectures() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.name).collect()
}

/// Builds an architecture with random weights.
///
/// # Errors
///
/// [`Error::UnknownModel`] names the nearest known one.
pub fn create(
    architecture: &str,
    options: Options,
    device: &Device,
) -> Result<AnyClassifier, Error> {
    let Options { classes, channels } = options;
    Ok(match row(architecture)?.network {
        Network::Imagenet(depth, groups, width, stem, shortcut) => AnyClassifier::ResNet(
            ResNetConfig::new(depth)
                .with_num_classes(classes)
                .with_in_channels(channels)
                .with_groups(groups)
                .with_width_per_group(width)
                .with_stem(stem)
                .with_shortcut(shortcut)
                .init(device),
        ),
        Network::Cifar(depth, shortcut) => AnyClassifier::CifarResNet(
            CifarResNetConfig::new(depth)
                .with_num_classes(classes)
                .with_in_channels(channels)
                .with_shortcut(shortcut)
                .init(device),
        ),
    })
}

pub(crate) fn row(architecture: &str) -> Result<&'static Row, Error> {
    ROWS.iter()
        .find(|row| row.name == architecture)
        .ok_or_else(|| registry::unknown(architecture))
}

impl Row {
    pub(crate) fn is_cifar(&self) -> bool {
        matches!(self.network, Network::Cifar(..))
    }

    /// Keys of the first convolution and of the last layer's weight in a file.
    pub(crate) fn border_keys(&self) -> [&'static str; 2] {
        match self.network {
            Network::Imagenet(_, _, _, Stem::Deep, _) => ["conv1.0.weight", "fc.weight"],
            _ => ["conv1.weight", "fc.weight"],
        }
    }
}
