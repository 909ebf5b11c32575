//! He et al. 2015 and its relatives.

use burn_zoo_resnet::{CifarResNetConfig, Depth, ResNetConfig, Shortcut, Stem};

use crate::AnyClassifier;
use crate::architecture::Row;

/// Plain ones are the same stack without shortcuts.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = vec![
        resnet("resnet18", Depth::D18),
        resnet("resnet34", Depth::D34),
        resnet("resnet50", Depth::D50),
        resnet("resnet101", Depth::D101),
        resnet("resnet152", Depth::D152),
        wide("resnext50_32x4d", Depth::D50, 32, 4),
        wide("resnext101_32x8d", Depth::D101, 32, 8),
        wide("resnext101_64x4d", Depth::D101, 64, 4),
        wide("wide_resnet50_2", Depth::D50, 1, 128),
        wide("wide_resnet101_2", Depth::D101, 1, 128),
        deep("resnet50d", Depth::D50),
        deep("resnet101d", Depth::D101),
        plain("plain18", Depth::D18),
        plain("plain34", Depth::D34),
    ];
    let depths = [
        ("resnet20_cifar", "plain20_cifar", 20),
        ("resnet32_cifar", "plain32_cifar", 32),
        ("resnet44_cifar", "plain44_cifar", 44),
        ("resnet56_cifar", "plain56_cifar", 56),
        ("resnet110_cifar", "plain110_cifar", 110),
        ("resnet1202_cifar", "plain1202_cifar", 1202),
    ];
    rows.extend(depths.map(|(name, _, depth)| cifar(name, depth, Shortcut::ZeroPad)));
    rows.extend(depths.map(|(_, name, depth)| cifar(name, depth, Shortcut::None)));
    rows
}

fn imagenet(name: &'static str, config: impl Fn() -> ResNetConfig + Send + Sync + 'static) -> Row {
    Row::new(name, move |options, device| {
        AnyClassifier::ResNet(
            config()
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    })
}

fn resnet(name: &'static str, depth: Depth) -> Row {
    imagenet(name, move || ResNetConfig::new(depth))
}

fn wide(name: &'static str, depth: Depth, groups: usize, width_per_group: usize) -> Row {
    imagenet(name, move || {
        ResNetConfig::new(depth)
            .with_groups(groups)
            .with_width_per_group(width_per_group)
    })
}

fn deep(name: &'static str, depth: Depth) -> Row {
    let config = move || {
        ResNetConfig::new(depth)
            .with_stem(Stem::Deep)
            .with_shortcut(Shortcut::PooledProjection)
    };
    imagenet(name, config).keys("conv1.0.weight", &["fc"])
}

fn plain(name: &'static str, depth: Depth) -> Row {
    imagenet(name, move || {
        ResNetConfig::new(depth).with_shortcut(Shortcut::None)
    })
}

fn cifar(name: &'static str, depth: usize, shortcut: Shortcut) -> Row {
    let row = Row::new(name, move |options, device| {
        AnyClassifier::CifarResNet(
            CifarResNetConfig::new(depth)
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .with_shortcut(shortcut)
                .init(device),
        )
    });
    row.cifar()
}
