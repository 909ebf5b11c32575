//! What torchvision's network and the paper's share: Figure 3 of Szegedy et al. 2014.

use burn::module::Module;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::nn::{LocalResponseNorm, LocalResponseNormConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{
    Classifier, FeatureMap, Head, InputSpec, global_average, max_pool, with_outputs,
};

use crate::blocks::{
    AuxHead, AuxHeadConfig, AuxPool, Inception, InceptionConfig, Layers, RectifiedConv, Widths,
    chain,
};
use crate::model::{CONV1, CONV2, STAGES};

/// Rows of a table of modules that stand one after the other on one grid.
pub(crate) type Stage = &'static [(&'static str, Widths)];

/// The heads' names, and the modules after which they stand.
const AUX: [(&str, &str); 2] = [("aux1", "inception_4a"), ("aux2", "inception_4d")];
/// "The losses of the auxiliary classifiers were weighted by 0.3" (section 5).
const AUX_WEIGHT: f64 = 0.3;

/// Where the published networks differ.
#[derive(Clone, Debug)]
pub(crate) struct Edition {
    pub(crate) layers: Layers,
    /// Kernel of the "5x5" branches, in pixels.
    pub(crate) five_kernel: usize,
    /// Of the norms in the stem.
    pub(crate) response_norm: Option<LocalResponseNormConfig>,
    /// Kernel of the max pool between inception (4e) and (5a), in pixels.
    pub(crate) max_pool4: usize,
    pub(crate) aux_pool: AuxPool,
    /// Smallest height and width of an image, in pixels.
    pub(crate) min_size: usize,
}

/// What their users choose.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) num_classes: usize,
    pub(crate) in_channels: usize,
    pub(crate) dropout: f64,
    pub(crate) aux_heads: bool,
    pub(crate) aux_dropout: f64,
}

/// A pool that halves the grid, rounding up.
pub(crate) fn halving_max_pool(kernel: usize) -> MaxPool2d {
    MaxPool2dConfig::new([kernel; 2])
        .with_strides([2, 2])
        .with_ceil_mode(true)
        .init()
}

/// The grid after [`halving_max_pool`] by PyTorch's rule: a window must begin inside, and reach at
/// most one pixel over the end.
#[cfg(test)]
pub(crate) fn halved(size: usize, kernel: usize) -> Option<usize> {
    Some((size + 1).checked_sub(kernel)? / 2 + 1)
}

/// The modules of a stage; `channels` goes from the stage's input to its output.
pub(crate) fn build(
    stage: Stage,
    channels: &mut usize,
    layers: Layers,
    five_kernel: usize,
    device: &Device,
) -> Vec<Inception> {
    let build = |(_, widths): &(&str, Widths)| {
        let config = InceptionConfig::new(*channels, *widths)
            .with_layers(layers)
            .with_five_kernel(five_kernel);
        *channels = widths.output();
        config.init(device)
    };
    stage.iter().map(build).collect()
}

/// The output of a stage, each module's put into `maps` under its name.
pub(crate) fn run(
    stage: Stage,
    modules: &[Inception],
    input: Tensor<4>,
    maps: &mut Vec<FeatureMap>,
) -> Tensor<4> {
    let rows = stage.iter().zip(modules);
    rows.fold(input, |map, ((name, _), module)| {
        let map = module.forward(map);
        maps.push(FeatureMap::new(*name, map.clone()));
        map
    })
}

/// The network of Figure 3.
#[derive(Module, Debug)]
pub(crate) struct Network {
    conv1: RectifiedConv,
    conv2: [RectifiedConv; 2],
    inception3: Vec<Inception>,
    inception4: Vec<Inception>,
    inception5: Vec<Inception>,
    max_pool: MaxPool2d,
    max_pool4: MaxPool2d,
    response_norm: Option<LocalResponseNorm>,
    dropout: Dropout,
    classifier: Linear,
    aux: Option<[AuxHead; 2]>,
    #[module(skip)]
    input: InputSpec,
}

impl Network {
    /// Initialises an edition of the network.
    pub(crate) fn new(edition: &Edition, choice: &Choice, device: &Device) -> Self {
        let (layers, five_kernel) = (edition.layers, edition.five_kernel);
        let conv = |channels, size, stride| layers.conv(channels, size, stride, device);
        let mut channels = CONV2[1];
        let [inception3, inception4, inception5] =
            STAGES.map(|stage| build(stage, &mut channels, layers, five_kernel, device));
        let aux = |(_, after)| {
            let mut rows = STAGES.into_iter().flatten();
            let row = rows.find(|(name, _)| *name == after);
            let (_, widths) = row.expect("Table 1 has the modules before auxiliary heads");
            AuxHeadConfig::new(widths.output(), choice.num_classes)
                .with_layers(layers)
                .with_pool(edition.aux_pool)
                .with_dropout(choice.aux_dropout)
                .init(device)
        };
        Self {
            conv1: conv([choice.in_channels, CONV1], 7, 2),
            conv2: [conv([CONV1, CONV2[0]], 1, 1), conv(CONV2, 3, 1)],
            inception3,
            inception4,
            inception5,
            max_pool: halving_max_pool(3),
            max_pool4: halving_max_pool(edition.max_pool4),
            response_norm: edition.response_norm.as_ref().map(|norm| norm.init()),
            dropout: DropoutConfig::new(choice.dropout).init(),
            classifier: LinearConfig::new(channels, choice.num_classes).init(device),
            aux: choice.aux_heads.then(|| AUX.map(aux)),
            input: InputSpec::square(choice.in_channels, 224, edition.min_size),
        }
    }

    /// The stem's norm, where the edition has one.
    fn respond(&self, map: Tensor<4>) -> Tensor<4> {
        match &self.response_norm {
            Some(norm) => norm.forward(map),
            None => map,
        }
    }

    /// The main head's vector from the maps that it ends.
    fn vector(&self, maps: &[FeatureMap]) -> Tensor<2> {
        let last = maps.last().expect("the network has modules");
        global_average(last.map.clone())
    }

    fn classify(&self, vector: Tensor<2>) -> Tensor<2> {
        self.classifier.forward(self.dropout.forward(vector))
    }
}

impl Classifier for Network {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classify(self.pooled(images))
    }

    fn forward_train(&self, images: Tensor<4>) -> Vec<Head> {
        let maps = self.features(images);
        let mut heads = vec![Head {
            name: "main",
            weight: 1.0,
            logits: self.classify(self.vector(&maps)),
        }];
        for (head, (name, after)) in self.aux.iter().flatten().zip(AUX) {
            let map = maps.iter().find(|map| map.name == after);
            let map = map.expect("every module has a map").map.clone();
            heads.push(Head {
                name,
                weight: AUX_WEIGHT,
                logits: head.forward(map),
            });
        }
        heads
    }

    fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
        self.input.assert(&images);
        let conv1 = self.conv1.forward(images);
        let pooled = self.respond(max_pool(&self.max_pool, conv1.clone()));
        let conv2 = chain(&self.conv2, pooled);
        let pooled = max_pool(&self.max_pool, self.respond(conv2.clone()));
        let mut maps = vec![
            FeatureMap::new("conv1", conv1),
            FeatureMap::new("conv2", conv2),
            FeatureMap::new("maxpool2", pooled.clone()),
        ];
        let [stage3, stage4, stage5] = STAGES;
        let map = run(stage3, &self.inception3, pooled, &mut maps);
        let map = run(
            stage4,
            &self.inception4,
            max_pool(&self.max_pool, map),
            &mut maps,
        );
        run(
            stage5,
            &self.inception5,
            max_pool(&self.max_pool4, map),
            &mut maps,
        );
        maps
    }

    fn pooled(&self, images: Tensor<4>) -> Tensor<2> {
        self.vector(&self.features(images))
    }

    fn input(&self) -> InputSpec {
        self.input
    }

    fn num_classes(&self) -> usize {
        self.classifier.weight.dims()[1]
    }

    fn with_classes(mut self, classes: usize) -> Self {
        self.classifier = with_outputs(&self.classifier, classes);
        self.aux = self
            .aux
            .map(|heads| heads.map(|head| head.with_classes(classes)));
        self
    }
}
