//! The network: Table 1 of Szegedy et al. 2015, as published by Google.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::slim::{branch, halving_pool, same, strided, valid};
use burn_zoo_core::weights::KeyRow;
use burn_zoo_core::{
    Classifier, ConvNormAct, FeatureMap, Head, InputSpec, global_average, max_pool, with_outputs,
};

use crate::blocks::{
    AuxHead, InceptionA, InceptionAConfig, InceptionB, InceptionBConfig, InceptionC,
    InceptionCConfig, PoolPadding, ReductionA, ReductionAConfig, ReductionB, ReductionBConfig,
};

/// Channels after each convolution of the stem.
const STEM: [usize; 5] = [32, 32, 64, 80, 192];

/// The modules of the 35x35 grid, which differ in the branch of the pool.
const MIXED_5: [(&str, InceptionAConfig); 3] = [
    ("mixed_5b", mixed_5(32)),
    ("mixed_5c", mixed_5(64)),
    ("mixed_5d", mixed_5(64)),
];

const fn mixed_5(branch_pool: usize) -> InceptionAConfig {
    InceptionAConfig {
        branch_1x1: 64,
        branch_5x5: [48, 64],
        branch_double_3x3: [64, 96, 96],
        branch_pool,
    }
}

const MIXED_6A: ReductionAConfig = ReductionAConfig {
    branch_3x3: 384,
    branch_double_3x3: [64, 96, 96],
};

/// The modules of the 17x17 grid, which differ in the width of the factorised 7x7.
const MIXED_6: [(&str, InceptionBConfig); 4] = [
    ("mixed_6b", mixed_6(128)),
    ("mixed_6c", mixed_6(160)),
    ("mixed_6d", mixed_6(160)),
    ("mixed_6e", mixed_6(192)),
];

const fn mixed_6(inner: usize) -> InceptionBConfig {
    InceptionBConfig { inner, branch: 192 }
}

const MIXED_7A: ReductionBConfig = ReductionBConfig {
    branch_3x3: [192, 320],
    branch_7x7x3: 192,
};

/// The modules of the 8x8 grid.
const MIXED_7: [(&str, InceptionCConfig); 2] = [("mixed_7b", EXPANDED), ("mixed_7c", EXPANDED)];

const EXPANDED: InceptionCConfig = InceptionCConfig {
    branch_1x1: 320,
    branch_3x3: 384,
    branch_double_3x3: [448, 384],
    split: 384,
    branch_pool: 192,
};

/// The stage that the auxiliary head reads.
const AUX_STAGE: &str = "mixed_6e";
/// Weight of the auxiliary head's loss: TF-Slim's, not in the paper.
const AUX_WEIGHT: f64 = 0.4;
/// The smallest height and width at which the auxiliary head's grid has 17x17 pixels, of which its
/// 5x5 pool leaves 5x5 for its 5x5 convolution. torchvision's head is the same: with `aux_logits` it
/// trains at 299 pixels or more, and fails in that convolution below.
const AUX_MIN_SIZE: [usize; 2] = [299, 299];

/// Configuration of [`InceptionV3`].
#[derive(Config, Debug)]
pub struct InceptionV3Config {
    /// Outputs of the last layer.
    #[config(default = "1000")]
    pub num_classes: usize,
    /// Channels of an image.
    #[config(default = "3")]
    pub in_channels: usize,
    /// Whether there is an auxiliary head for training: torchvision's file holds one, timm's do
    /// not.
    #[config(default = "true")]
    pub aux_heads: bool,
    /// Whether the average pools of the modules count the padding, which a checkpoint does not
    /// tell.
    #[config(default = "PoolPadding::Counted")]
    pub pool_padding: PoolPadding,
    /// Probability of dropping a feature before the last layer, in training: torchvision's.
    #[config(default = "0.5")]
    pub dropout: f64,
}

impl InceptionV3Config {
    /// Initialises the network.
    pub fn init(&self, device: &Device) -> InceptionV3 {
        let [conv_1a, conv_2a, conv_2b, conv_3b, conv_4a] = STEM;
        let stem = branch(
            self.in_channels,
            [
                strided(conv_1a),
                valid(conv_2a, [3, 3]),
                same(conv_2b, [3, 3]),
                valid(conv_3b, [1, 1]),
                valid(conv_4a, [3, 3]),
            ],
            device,
        );

        let mut channels = conv_4a;
        let mixed_5 = MIXED_5.map(|(_, config)| {
            let module = config.init(channels, self.pool_padding, device);
            channels = config.out_channels();
            module
        });
        let mixed_6a = MIXED_6A.init(channels, device);
        channels = MIXED_6A.out_channels(channels);
        let mixed_6 = MIXED_6.map(|(_, config)| {
            let module = config.init(channels, self.pool_padding, device);
            channels = config.out_channels();
            module
        });
        let aux = self
            .aux_heads
            .then(|| AuxHead::new(channels, self.num_classes, device));
        let mixed_7a = MIXED_7A.init(channels, device);
        channels = MIXED_7A.out_channels(channels);
        let mixed_7 = MIXED_7.map(|(_, config)| {
            let module = config.init(channels, self.pool_padding, device);
            channels = config.out_channels();
            module
        });

        InceptionV3 {
            stem,
            max_pool: halving_pool(),
            mixed_5,
            mixed_6a,
            mixed_6,
            aux,
            mixed_7a,
            mixed_7,
            dropout: DropoutConfig::new(self.dropout).init(),
            classifier: LinearConfig::new(channels, self.num_classes).init(device),
            input: InputSpec::square(self.in_channels, 299, 75),
        }
    }
}

/// Inception v3.
///
/// `[batch, 3, 299, 299] -> [batch, 1000]` by default; any size of at least 75 pixels does, save
/// in training with the auxiliary head, which needs 299.
#[derive(Module, Debug)]
pub struct InceptionV3 {
    stem: [ConvNormAct; 5],
    max_pool: MaxPool2d,
    mixed_5: [InceptionA; 3],
    mixed_6a: ReductionA,
    mixed_6: [InceptionB; 4],
    aux: Option<AuxHead>,
    mixed_7a: ReductionB,
    mixed_7: [InceptionC; 2],
    dropout: Dropout,
    classifier: Linear,
    #[module(skip)]
    input: InputSpec,
}

impl InceptionV3 {
    /// Rows that turn our paths into torchvision's keys, which are timm's too.
    pub fn keys(&self) -> Vec<KeyRow> {
        crate::weights::KEYS.to_vec()
    }

    /// `[batch, 2048, height, width] -> [batch, 2048]`.
    fn pool(&self, last: &FeatureMap) -> Tensor<2> {
        global_average(last.map.clone())
    }

    /// Logits of the pooled vector.
    fn classify(&self, pooled: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(self.dropout.forward(pooled))
    }
}

impl Classifier for InceptionV3 {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classify(self.pooled(images))
    }

    /// The main head, and `aux1` of weight 0.4 where it was kept.
    ///
    /// # Panics
    ///
    /// If there is an auxiliary head and the images are smaller than 299 pixels.
    fn forward_train(&self, images: Tensor<4>) -> Vec<Head> {
        self.training_input().assert(&images);
        let maps = self.features(images);
        let mut heads = vec![Head {
            name: "main",
            weight: 1.0,
            logits: self.classify(self.pool(maps.last().expect("there are stages"))),
        }];
        let stage = maps.into_iter().find(|stage| stage.name == AUX_STAGE);
        heads.extend(self.aux.iter().zip(stage).map(|(aux, stage)| Head {
            name: "aux1",
            weight: AUX_WEIGHT,
            logits: aux.forward(stage.map),
        }));
        heads
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let [conv_1a, conv_2a, conv_2b, conv_3b, conv_4a] = &self.stem;
        let mut maps = Vec::new();
        let mut map = images;
        let mut stage = |name, layer: &dyn Fn(Tensor<4>) -> Tensor<4>| {
            map = layer(map.clone());
            maps.push(FeatureMap::new(name, map.clone()));
        };
        stage("conv2d_1a_3x3", &|map| conv_1a.forward(map));
        stage("conv2d_2a_3x3", &|map| conv_2a.forward(map));
        stage("conv2d_2b_3x3", &|map| conv_2b.forward(map));
        stage("maxpool_3a_3x3", &|map| max_pool(&self.max_pool, map));
        stage("conv2d_3b_1x1", &|map| conv_3b.forward(map));
        stage("conv2d_4a_3x3", &|map| conv_4a.forward(map));
        stage("maxpool_5a_3x3", &|map| max_pool(&self.max_pool, map));
        for ((name, _), module) in MIXED_5.iter().zip(&self.mixed_5) {
            stage(name, &|map| module.forward(map));
        }
        stage("mixed_6a", &|map| self.mixed_6a.forward(map));
        for ((name, _), module) in MIXED_6.iter().zip(&self.mixed_6) {
            stage(name, &|map| module.forward(map));
        }
        stage("mixed_7a", &|map| self.mixed_7a.forward(map));
        for ((name, _), module) in MIXED_7.iter().zip(&self.mixed_7) {
            stage(name, &|map| module.forward(map));
        }
        maps
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        self.pool(self.features(images).last().expect("there are stages"))
    }

    fn input(&self) -> InputSpec {
        self.input
    }

    fn training_input(&self) -> InputSpec {
        let min_size = match self.aux {
            Some(_) => AUX_MIN_SIZE,
            None => self.input.min_size,
        };
        InputSpec {
            min_size,
            ..self.input
        }
    }

    fn num_classes(&self) -> usize {
        self.classifier.weight.dims()[1]
    }

    fn with_classes(mut self, classes: usize) -> Self {
        self.classifier = with_outputs(&self.classifier, classes);
        if let Some(aux) = &mut self.aux {
            aux.classifier = with_outputs(&aux.classifier, classes);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;

    fn small() -> InceptionV3Config {
        InceptionV3Config::new().with_num_classes(3)
    }

    #[test]
    fn seventy_five_pixels_are_the_least_that_leave_a_grid() {
        let device = Device::flex();
        let model = small().init(&device);
        let [height, width] = model.input().min_size;
        let image = Tensor::zeros([1, 3, height, width], &device);
        let maps = model.features(image);
        assert_eq!(maps[17].map.dims(), [1, 2048, 1, 1]);
        // One pixel less leaves mixed_7a, which needs a 3x3 grid, one of 2x2.
        let side = |conv_1a: usize| ((((conv_1a - 2 - 1) / 2 - 2 - 1) / 2) - 1) / 2;
        assert_eq!([side((75 - 1) / 2), side((74 - 1) / 2)], [3, 2]);
    }

    #[test]
    #[should_panic(expected = "at least 299x299 pixels")]
    fn the_auxiliary_head_asks_for_what_it_needs() {
        let device = Device::flex();
        let image = Tensor::zeros([1, 3, 298, 299], &device);
        small().init(&device).forward_train(image);
    }

    #[test]
    fn a_network_without_auxiliary_heads_trains_on_small_images() {
        let device = Device::flex();
        let model = small().with_aux_heads(false).init(&device).with_classes(5);
        let heads = model.forward_train(Tensor::zeros([1, 3, 75, 75], &device));
        let found: Vec<_> = heads
            .iter()
            .map(|head| (head.name, head.weight, head.logits.dims()))
            .collect();
        assert_eq!(found, [("main", 1.0, [1, 5])]);
    }

    #[test]
    fn new_classes_reach_both_heads() {
        let device = Device::flex();
        let model = small().init(&device).with_classes(7);
        let heads = model.forward_train(Tensor::zeros([1, 3, 299, 299], &device));
        let found: Vec<_> = heads
            .iter()
            .map(|head| (head.name, head.weight, head.logits.dims()))
            .collect();
        assert_eq!(found, [("main", 1.0, [1, 7]), ("aux1", 0.4, [1, 7])]);
    }
}
