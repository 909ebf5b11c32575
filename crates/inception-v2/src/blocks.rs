//! The module of Figure 5 of Ioffe and Szegedy 2015.

use burn::config::Config;
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{ConvNormAct, ConvNormActConfig, FeatureMap, average_pool, chain, max_pool};
use serde::{Deserialize, Serialize};

/// A convolution that keeps the grid. Its bias is the published file's.
pub(crate) fn conv(input: usize, output: usize, size: usize) -> ConvNormActConfig {
    ConvNormActConfig::new([input, output], [size, size])
        .same()
        .with_bias(true)
}

/// The pool between stages, which rounds its output size up.
pub(crate) fn halving_pool() -> MaxPool2d {
    MaxPool2dConfig::new([3, 3])
        .with_strides([2, 2])
        .with_ceil_mode(true)
        .init()
}

/// The branch of a module that pools, with the output channels of the 1x1 convolution after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    /// Average of 3x3, and a projection.
    Average(usize),
    /// Maximum of 3x3, and a projection.
    Max(usize),
    /// Maximum of 3x3 at stride 2, nothing after it: the module halves the grid and has no 1x1
    /// branch.
    PassThrough,
}

/// Configuration of [`InceptionModule`]: output channels of each layer, a row of Figure 5.
#[derive(Config, Debug)]
pub struct InceptionModuleConfig {
    /// Of the 1x1 convolution; 0 where the module halves the grid.
    pub branch_1x1: usize,
    /// Of the 1x1 and the 3x3 convolution.
    pub branch_3x3: [usize; 2],
    /// Of the 1x1 and of each of the 3x3 convolutions.
    pub branch_double_3x3: [usize; 2],
    /// Kind of the pool, and channels after it.
    pub branch_pool: Pool,
}

impl InceptionModuleConfig {
    /// Channels of the concatenation, of which a pool that passes through gives `input`.
    pub const fn out_channels(&self, input: usize) -> usize {
        let pooled = match self.branch_pool {
            Pool::Average(channels) | Pool::Max(channels) => channels,
            Pool::PassThrough => input,
        };
        self.branch_1x1 + self.branch_3x3[1] + self.branch_double_3x3[1] + pooled
    }

    /// Initialises the module.
    pub fn init(&self, input: usize, device: &Device) -> InceptionModule {
        let [reduce_3x3, conv_3x3] = self.branch_3x3;
        let [reduce_double, double] = self.branch_double_3x3;
        let (stride, projection) = match self.branch_pool {
            Pool::Average(channels) | Pool::Max(channels) => (1, Some(channels)),
            Pool::PassThrough => (2, None),
        };
        InceptionModule {
            branch_1x1: (self.branch_1x1 > 0).then(|| conv(input, self.branch_1x1, 1).init(device)),
            branch_3x3: [
                conv(input, reduce_3x3, 1),
                conv(reduce_3x3, conv_3x3, 3).with_stride(stride),
            ]
            .map(|layer| layer.init(device)),
            branch_double_3x3: [
                conv(input, reduce_double, 1),
                conv(reduce_double, double, 3),
                conv(double, double, 3).with_stride(stride),
            ]
            .map(|layer| layer.init(device)),
            pool: self.branch_pool,
            branch_pool: projection.map(|channels| conv(input, channels, 1).init(device)),
        }
    }
}

impl Pool {
    fn forward(self, input: Tensor<4>) -> Tensor<4> {
        let max = MaxPool2dConfig::new([3, 3]);
        let same = PaddingConfig2d::Explicit(1, 1, 1, 1);
        match self {
            Self::Average(_) => {
                let average = AvgPool2dConfig::new([3, 3]).with_padding(same);
                average_pool(&average.with_strides([1, 1]).init(), input)
            }
            Self::Max(_) => {
                let max = max.with_strides([1, 1]).with_padding(same);
                max_pool(&max.init(), input)
            }
            Self::PassThrough => {
                // An odd grid needs a row and column more to be as large as the convolutions'.
                let [_, _, height, width] = input.dims();
                let [rows, columns] = [height % 2, width % 2];
                let odd = PaddingConfig2d::Explicit(rows, columns, rows, columns);
                let halving = halving_pool();
                max_pool(
                    &MaxPool2d {
                        padding: odd,
                        ..halving
                    },
                    input,
                )
            }
        }
    }
}

/// A module of the network (Figure 5): two 3x3 convolutions where GoogLeNet has a 5x5.
///
/// `[batch, 192, height, width] -> [batch, 64 + 64 + 96 + 32, height, width]` in the first, 3a;
/// `[batch, 320, height, width] -> [batch, 160 + 96 + 320, height / 2, width / 2]`, rounded up, in
/// 3c, the first that halves the grid.
#[derive(Module, Debug)]
pub struct InceptionModule {
    branch_1x1: Option<ConvNormAct>,
    branch_3x3: [ConvNormAct; 2],
    branch_double_3x3: [ConvNormAct; 3],
    #[module(skip)]
    pool: Pool,
    branch_pool: Option<ConvNormAct>,
}

impl InceptionModule {
    /// Concatenates the branches along the channels.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branch_1x1 = self.branch_1x1.iter();
        let mut branches: Vec<_> = branch_1x1
            .map(|layer| layer.forward(input.clone()))
            .collect();
        branches.push(chain(&self.branch_3x3, input.clone()));
        branches.push(chain(&self.branch_double_3x3, input.clone()));
        let pooled = self.pool.forward(input);
        branches.push(match &self.branch_pool {
            Some(projection) => projection.forward(pooled),
            None => pooled,
        });
        Tensor::cat(branches, 1)
    }
}

/// The modules of a table, the first for maps of `channels`, and the channels of the last.
pub(crate) fn modules(
    table: &[(&'static str, InceptionModuleConfig)],
    mut channels: usize,
    device: &Device,
) -> (Vec<InceptionModule>, usize) {
    let build = |(_, config): &(_, InceptionModuleConfig)| {
        let module = config.init(channels, device);
        channels = config.out_channels(channels);
        module
    };
    let modules = table.iter().map(build).collect();
    (modules, channels)
}

/// The outputs of the modules of a table after `maps`, which end with their input.
pub(crate) fn run(
    mut maps: Vec<FeatureMap>,
    table: &[(&'static str, InceptionModuleConfig)],
    modules: &[InceptionModule],
) -> Vec<FeatureMap> {
    for ((name, _), module) in table.iter().zip(modules) {
        let input = &maps.last().expect("the stem's output is there").map;
        maps.push(FeatureMap::new(*name, module.forward(input.clone())));
    }
    maps
}
