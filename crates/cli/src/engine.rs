//! `--engine`: the compiled plan of a network, or the network as it is.

use burn::tensor::Tensor;
use burn_zoo::AnyClassifier;
use burn_zoo_core::{Classifier as _, Error};
use burn_zoo_engine::{Plan, Plans, Precision};
use serde::{Deserialize, Serialize};

use crate::report;

/// The choice of the engine.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// Compiled inference, for flex in f32: on (the default there) or off
    #[arg(long, value_name = "SWITCH")]
    engine: Option<Switch>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    /// By our own kernels.
    On,
    /// As Burn runs the network.
    Off,
}

impl std::fmt::Display for Switch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

/// What takes images to an output, compiled or not.
pub(crate) struct Forward<const D: usize>(Inner<D>);

enum Inner<const D: usize> {
    Plain(Box<dyn Fn(Tensor<4>) -> Tensor<D>>),
    Compiled(Plans<D>),
}

impl<const D: usize> Forward<D> {
    /// The output for images that fit the network.
    pub(crate) fn run(&self, images: Tensor<4>) -> Result<Tensor<D>, Error> {
        match &self.0 {
            Inner::Plain(forward) => Ok(forward(images)),
            Inner::Compiled(plans) => plans.run(images),
        }
    }

    /// What images of a shape go through: off where the network has an operation without a kernel.
    pub(crate) fn engine(&self, shape: [usize; 4]) -> Result<Switch, Error> {
        Ok(match &self.0 {
            Inner::Compiled(plans) if plans.plan(shape)?.fell_back().is_empty() => Switch::On,
            _ => Switch::Off,
        })
    }
}

impl EngineArgs {
    /// Whether networks are compiled, which they `usual`ly are or not.
    pub(crate) fn is_on(self, usual: bool) -> bool {
        self.engine.map_or(usual, |it| it == Switch::On)
    }
}

impl Forward<2> {
    /// Logits, `[batch, classes]`.
    pub(crate) fn logits(compiled: bool, model: &AnyClassifier) -> Self {
        Self::new(compiled, model, |model, images| model.forward(images))
    }

    /// The vector before the last layer, `[batch, features]`.
    pub(crate) fn pooled(compiled: bool, model: &AnyClassifier) -> Self {
        Self::new(compiled, model, |model, images| model.pooled(images))
    }
}

impl Forward<4> {
    /// A feature map that the network has, `[batch, channels, height, width]`. A plan ends there.
    pub(crate) fn map(compiled: bool, model: &AnyClassifier, stage: &str) -> Self {
        let stage = stage.to_owned();
        Self::new(compiled, model, move |model, images| {
            let maps = model.features(images).into_iter();
            let map = maps.into_iter().find(|feature| feature.name == stage);
            map.expect("the stage is known").map
        })
    }
}

impl<const D: usize> Forward<D> {
    fn new(
        compiled: bool,
        model: &AnyClassifier,
        forward: impl Fn(&AnyClassifier, Tensor<4>) -> Tensor<D> + Clone + Send + Sync + 'static,
    ) -> Self {
        let model = Shared::new(model);
        if !compiled {
            return Self(Inner::Plain(Box::new(move |images| {
                model.with(|model| forward(model, images))
            })));
        }
        Self(Inner::Compiled(Plans::new(move |shape| {
            let plan =
                model.with(|model| Plan::capture(model, shape, Precision::Fast, forward.clone()));
            if !plan.fell_back().is_empty() {
                report::note(&plan.explain().join("\n"));
            }
            Ok(plan)
        })))
    }
}

/// A network that threads take turns with: Burn's modules are not `Sync`.
struct Shared(std::sync::Mutex<AnyClassifier>);

impl Shared {
    fn new(model: &AnyClassifier) -> Self {
        Self(std::sync::Mutex::new(model.clone()))
    }

    fn with<T>(&self, then: impl FnOnce(&AnyClassifier) -> T) -> T {
        let model = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        then(&model)
    }
}

/// The names of a network's feature maps.
pub(crate) fn stages(model: &AnyClassifier) -> Vec<String> {
    let spec = model.input();
    let [height, width] = spec.size;
    let mut names = Vec::new();
    burn_zoo_graph::record(model, [1, spec.channels, height, width], |model, images| {
        let maps = model.features(images);
        names = maps
            .iter()
            .map(|feature| feature.name.clone().into_owned())
            .collect();
        maps.into_iter().map(|feature| feature.map).collect()
    });
    names
}
