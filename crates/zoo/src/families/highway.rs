//! Srivastava et al. 2015.

use burn_zoo_highway::{Gates, HighwayConvNetConfig, HighwayNetConfig, Variant};

use crate::AnyClassifier;
use crate::architecture::{GREY, Row};

/// Width of a plain layer with as many parameters as a highway layer of width 50 (section 3.1).
const PLAIN_WIDTH: usize = 71;
/// More layers than this are taken for a typing error.
const MOST_LAYERS: usize = 2000;
/// MNIST's.
const PIXELS: usize = 28 * 28;

/// The paper's depths, of which one counts the input layer too, and ten as a small one.
pub(crate) fn rows() -> Vec<Row> {
    let dense = ["highway_fc", "plain_fc"].into_iter().flat_map(|series| {
        let depths = [9, 10, 19, 49, 99];
        depths.map(|layers| of_depth(&format!("{series}{layers}")).expect("both are series"))
    });
    let convolutional = [
        ("highway_a", Variant::A),
        ("highway_b", Variant::B),
        ("highway_c", Variant::C),
    ];
    dense
        .chain(convolutional.map(|(name, variant)| conv(name, variant)))
        .collect()
}

/// `highway_fcN` and `plain_fcN`: N layers after the input layer.
pub(crate) fn of_depth(name: &str) -> Option<Row> {
    let (gates, depth) = match name.strip_prefix("highway_fc") {
        Some(depth) => (Gates::Coupled, depth),
        None => (Gates::None, name.strip_prefix("plain_fc")?),
    };
    let layers = depth
        .parse()
        .ok()
        .filter(|layers| (1..=MOST_LAYERS).contains(layers))?;
    if depth.starts_with(['0', '+']) {
        return None;
    }
    let row = Row::new(name.to_owned(), move |options, device| {
        let config = HighwayNetConfig::new(layers)
            .with_gates(gates)
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        let config = match gates {
            Gates::None => config.with_width(PLAIN_WIDTH),
            _ => config,
        };
        AnyClassifier::HighwayNet(config.init(device))
    });
    let mut row = row.sees(GREY).keys("input.weight", &["output"]);
    row.pixels = PIXELS;
    row.classes = 10;
    Some(row)
}

fn conv(name: &'static str, variant: Variant) -> Row {
    let row = Row::new(name, move |options, device| {
        AnyClassifier::HighwayConvNet(
            HighwayConvNetConfig::new(variant)
                .with_num_classes(options.classes)
                .with_in_channels(options.channels)
                .init(device),
        )
    });
    row.cifar().keys("stage1.conv.weight", &["output"])
}
