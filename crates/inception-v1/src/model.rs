//! The ImageNet networks: Table 1 of Szegedy et al. 2014.

use burn::config::Config;
use burn::module::Module;
use burn::nn::LocalResponseNormConfig;
use burn::tensor::{Device, Tensor};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{Classifier, FeatureMap, Head, InputSpec};

use crate::blocks::{AuxPool, Layers, Widths};
use crate::network::{Choice, Edition, Network, Stage};

/// Table 1: "convolution 7x7/2".
pub(crate) const CONV1: usize = 64;
/// Table 1: "convolution 3x3/1", its reduction first.
pub(crate) const CONV2: [usize; 2] = [64, 192];
/// Table 1, one row per inception module; a max pool stands before each stage.
#[rustfmt::skip]
pub(crate) const STAGES: [Stage; 3] = [
    &[
        ("inception_3a", Widths { one: 64, three: [96, 128], five: [16, 32], pool: 32 }),
        ("inception_3b", Widths { one: 128, three: [128, 192], five: [32, 96], pool: 64 }),
    ],
    &[
        ("inception_4a", Widths { one: 192, three: [96, 208], five: [16, 48], pool: 64 }),
        ("inception_4b", Widths { one: 160, three: [112, 224], five: [24, 64], pool: 64 }),
        ("inception_4c", Widths { one: 128, three: [128, 256], five: [24, 64], pool: 64 }),
        ("inception_4d", Widths { one: 112, three: [144, 288], five: [32, 64], pool: 64 }),
        ("inception_4e", Widths { one: 256, three: [160, 320], five: [32, 128], pool: 128 }),
    ],
    &[
        ("inception_5a", Widths { one: 256, three: [160, 320], five: [32, 128], pool: 128 }),
        ("inception_5b", Widths { one: 384, three: [192, 384], five: [48, 128], pool: 128 }),
    ],
];

/// Configuration of [`GoogLeNet`].
#[derive(Config, Debug)]
pub struct GoogLeNetConfig {
    /// Outputs of the last layer.
    #[config(default = "1000")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Whether the network has its auxiliary heads, which only training runs.
    #[config(default = "true")]
    pub aux_heads: bool,
    /// Probability of dropping a unit before the last layer in training.
    #[config(default = "0.2")]
    pub dropout: f64,
    /// The same in the auxiliary heads.
    #[config(default = "0.7")]
    pub aux_dropout: f64,
}

impl GoogLeNetConfig {
    /// Initialises the network.
    ///
    /// # Panics
    ///
    /// If a dropout is not in `[0, 1)`.
    pub fn init(&self, device: &Device) -> GoogLeNet {
        let edition = Edition {
            layers: Layers::Normed,
            five_kernel: 3,
            response_norm: None,
            max_pool4: 2,
            aux_pool: AuxPool::Adaptive,
            min_size: 15,
        };
        let choice = Choice {
            num_classes: self.num_classes,
            in_channels: self.in_channels,
            dropout: self.dropout,
            aux_heads: self.aux_heads,
            aux_dropout: self.aux_dropout,
        };
        GoogLeNet {
            network: Network::new(&edition, &choice, device),
        }
    }
}

/// torchvision's GoogLeNet, with batch norm.
///
/// `[batch, 3, 224, 224] -> [batch, 1000]` by default; any size of at least 15 pixels does.
#[derive(Module, Debug)]
pub struct GoogLeNet {
    network: Network,
}

impl GoogLeNet {
    /// Rows that turn our paths into torchvision's keys.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::torchvision_keys()
    }
}

impl Classifier for GoogLeNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.network.forward(images)
    }

    fn forward_train(&self, images: Tensor<4>) -> Vec<Head> {
        self.network.forward_train(images)
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.network.features(images)
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        self.network.pooled(images)
    }

    fn input(&self) -> InputSpec {
        self.network.input()
    }

    fn num_classes(&self) -> usize {
        self.network.num_classes()
    }

    fn with_classes(self, classes: usize) -> Self {
        Self {
            network: self.network.with_classes(classes),
        }
    }
}

/// Configuration of [`GoogLeNetPaper`].
#[derive(Config, Debug)]
pub struct GoogLeNetPaperConfig {
    /// Outputs of the last layer.
    #[config(default = "1000")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Whether the network has its auxiliary heads, which only training runs.
    #[config(default = "true")]
    pub aux_heads: bool,
    /// Probability of dropping a unit before the last layer in training (Table 1).
    #[config(default = "0.4")]
    pub dropout: f64,
    /// The same in the auxiliary heads (section 5).
    #[config(default = "0.7")]
    pub aux_dropout: f64,
}

impl GoogLeNetPaperConfig {
    /// Initialises the network.
    ///
    /// # Panics
    ///
    /// If a dropout is not in `[0, 1)`.
    pub fn init(&self, device: &Device) -> GoogLeNetPaper {
        let edition = Edition {
            layers: Layers::Biased,
            five_kernel: 5,
            // Caffe's: 5 channels, alpha 1e-4, beta 0.75, k 1, the last three Burn's defaults.
            response_norm: Some(LocalResponseNormConfig::new(5)),
            max_pool4: 3,
            aux_pool: AuxPool::Windows,
            // The windows of the auxiliary heads need a grid of 5x5 after inception (4a).
            min_size: if self.aux_heads { 79 } else { 31 },
        };
        let choice = Choice {
            num_classes: self.num_classes,
            in_channels: self.in_channels,
            dropout: self.dropout,
            aux_heads: self.aux_heads,
            aux_dropout: self.aux_dropout,
        };
        GoogLeNetPaper {
            network: Network::new(&edition, &choice, device),
        }
    }
}

/// GoogLeNet as in its paper, with biases and local response norm, and Caffe's key names.
///
/// `[batch, 3, 224, 224] -> [batch, 1000]` by default; any size of at least 79 pixels does, or 31
/// without auxiliary heads.
#[derive(Module, Debug)]
pub struct GoogLeNetPaper {
    network: Network,
}

impl GoogLeNetPaper {
    /// Rows that turn our paths into the keys of Caffe's `bvlc_googlenet`.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::caffe_keys()
    }
}

impl Classifier for GoogLeNetPaper {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.network.forward(images)
    }

    fn forward_train(&self, images: Tensor<4>) -> Vec<Head> {
        self.network.forward_train(images)
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.network.features(images)
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        self.network.pooled(images)
    }

    fn input(&self) -> InputSpec {
        self.network.input()
    }

    fn num_classes(&self) -> usize {
        self.network.num_classes()
    }

    fn with_classes(self, classes: usize) -> Self {
        Self {
            network: self.network.with_classes(classes),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn_zoo_core::weights::slots;

    use super::*;
    use crate::network::halved;

    /// The sides of the grids of inception (4a) and (5a).
    fn grids(image: usize, max_pool4: usize) -> Option<(usize, usize)> {
        let conv1 = (image - 1) / 2 + 1;
        let four = halved(halved(halved(conv1, 3)?, 3)?, 3)?;
        Some((four, halved(four, max_pool4)?))
    }

    fn outputs<M: Classifier>(model: &M) -> usize {
        let [height, width] = model.input().min_size;
        let images = Tensor::ones([1, 3, height, width], &Device::flex());
        let heads = model.forward_train(images);
        assert!(heads.iter().all(|head| head.logits.dims() == [1, 7]));
        heads.len()
    }

    #[test]
    fn the_smallest_image_leaves_every_layer_a_pixel_and_one_less_does_not() {
        let device = Device::flex();
        let model = GoogLeNetConfig::new().with_num_classes(7).init(&device);
        assert_eq!(model.input().min_size, [15, 15]);
        assert_eq!((grids(15, 2), grids(14, 2)), (Some((1, 1)), None));
        assert_eq!(outputs(&model), 3);

        let config = GoogLeNetPaperConfig::new().with_num_classes(7);
        let model = config.init(&device);
        assert_eq!(model.input().min_size, [79, 79]);
        assert_eq!((grids(79, 3), grids(78, 3)), (Some((5, 2)), Some((4, 2))));
        assert_eq!(outputs(&model), 3);

        let model = config.with_aux_heads(false).init(&device);
        assert_eq!(model.input().min_size, [31, 31]);
        assert_eq!((grids(31, 3), grids(30, 3)), (Some((2, 1)), None));
        assert_eq!(outputs(&model), 1);
    }

    #[test]
    fn heads_have_the_papers_weights_and_new_classes() {
        let device = Device::flex();
        let model = GoogLeNetConfig::new().init(&device).with_classes(5);
        assert_eq!(model.num_classes(), 5);
        let heads = model.forward_train(Tensor::ones([2, 3, 32, 40], &device));
        let found: Vec<_> = heads.iter().map(|head| (head.name, head.weight)).collect();
        assert_eq!(found, [("main", 1.0), ("aux1", 0.3), ("aux2", 0.3)]);
        assert!(heads.iter().all(|head| head.logits.dims() == [2, 5]));
    }

    #[test]
    fn the_papers_network_has_caffes_layers() {
        let model = GoogLeNetPaperConfig::new().init(&Device::flex());
        let keys = slots(&model, &model.keys());
        let shape = |key: &str| {
            let slot = keys.iter().find(|slot| slot.key == key);
            slot.map(|slot| slot.shape.clone()).unwrap_or_default()
        };
        assert_eq!(keys.len(), 2 * (3 + 9 * 6 + 1 + 2 * 3));
        assert_eq!(shape("conv1/7x7_s2.weight"), [64, 3, 7, 7]);
        assert_eq!(shape("conv2/3x3_reduce.bias"), [64]);
        assert_eq!(shape("inception_3a/5x5_reduce.weight"), [16, 192, 1, 1]);
        assert_eq!(shape("inception_4e/5x5.weight"), [128, 32, 5, 5]);
        assert_eq!(shape("inception_5b/pool_proj.weight"), [128, 832, 1, 1]);
        assert_eq!(shape("loss1/conv.weight"), [128, 512, 1, 1]);
        assert_eq!(shape("loss2/fc.weight"), [1024, 2048]);
        assert_eq!(shape("loss2/classifier.bias"), [1000]);
        assert_eq!(shape("loss3/classifier.weight"), [1000, 1024]);
    }
}
