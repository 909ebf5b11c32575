//! The names of the networks. No weights of highway networks for images were ever published: our
//! paths are the keys.

use std::borrow::Cow;

use burn::tensor::Device;
use burn_zoo_core::weights::WeightsMeta;
use burn_zoo_core::{Architecture, Layout, Options, Preprocess, Pretrained};

use crate::{Gates, HighwayConvNet, HighwayConvNetConfig, HighwayNet, HighwayNetConfig, Variant};

/// Width of a plain layer with as many parameters as a highway layer of width 50 (section 3.1 of
/// Srivastava et al. 2015).
const PLAIN_WIDTH: usize = 71;
/// More layers than this are taken for a typing error.
const MOST_LAYERS: usize = 2000;

const fn mnist(name: &'static str) -> Architecture {
    Architecture {
        name: Cow::Borrowed(name),
        classes: 10,
        preprocess: Preprocess::GREY,
    }
}

impl HighwayNetConfig {
    /// The network of a name, `highway_fcN` or its plain twin `plain_fcN`: N layers after the
    /// input layer.
    pub fn named(architecture: &str) -> Option<Self> {
        let (gates, depth) = match architecture.strip_prefix("highway_fc") {
            Some(depth) => (Gates::Coupled, depth),
            None => (Gates::None, architecture.strip_prefix("plain_fc")?),
        };
        let layers = depth
            .parse()
            .ok()
            .filter(|n| (1..=MOST_LAYERS).contains(n))?;
        if depth != layers.to_string() {
            return None;
        }
        let config = Self::new(layers).with_gates(gates);
        Some(match gates {
            Gates::None => config.with_width(PLAIN_WIDTH),
            _ => config,
        })
    }
}

impl Pretrained for HighwayNet {
    /// The paper's depths, of which one counts the input layer too, and ten as a small one.
    const ARCHITECTURES: &'static [Architecture] = &[
        mnist("highway_fc9"),
        mnist("highway_fc10"),
        mnist("highway_fc19"),
        mnist("highway_fc49"),
        mnist("highway_fc99"),
        mnist("plain_fc9"),
        mnist("plain_fc10"),
        mnist("plain_fc19"),
        mnist("plain_fc49"),
        mnist("plain_fc99"),
    ];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    /// Of any depth, not only the listed ones.
    fn architecture(name: &str) -> Option<Architecture> {
        HighwayNetConfig::named(name)?;
        Some(Architecture {
            name: name.to_owned().into(),
            ..mnist("")
        })
    }

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        let config = HighwayNetConfig::named(architecture)?
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        let [height, width] = burn_zoo_core::Classifier::input(self).size;
        Layout {
            pixels: height * width,
            ..Layout::new(self.keys(), "input.weight", &["output"])
        }
    }
}

impl Pretrained for HighwayConvNet {
    const ARCHITECTURES: &'static [Architecture] = &[
        Architecture::cifar("highway_a"),
        Architecture::cifar("highway_b"),
        Architecture::cifar("highway_c"),
    ];

    const WEIGHTS: &'static [WeightsMeta] = &[];

    fn build(architecture: &str, options: Options, device: &Device) -> Option<Self> {
        let variant = match architecture {
            "highway_a" => Variant::A,
            "highway_b" => Variant::B,
            "highway_c" => Variant::C,
            _ => return None,
        };
        let config = HighwayConvNetConfig::new(variant)
            .with_num_classes(options.classes)
            .with_in_channels(options.channels);
        Some(config.init(device))
    }

    fn layout(&self) -> Layout {
        Layout::new(self.keys(), "stage1.conv.weight", &["output"])
    }
}
