//! Every architecture and every published file, from the types that know them.

use std::sync::{Arc, LazyLock};

use burn::tensor::Device;
use burn_zoo_core::weights::{Checkpoint, WeightsMeta};
use burn_zoo_core::{Adapt, Architecture, Error, Loaded, Options, Pretrained};
#[cfg(feature = "highway")]
use burn_zoo_highway::{HighwayConvNet, HighwayNet};
#[cfg(feature = "inception-resnet-v2")]
use burn_zoo_inception_resnet_v2::{CifarInceptionResNetV2, InceptionResNetV2};
#[cfg(feature = "inception-v1")]
use burn_zoo_inception_v1::{CifarGoogLeNet, GoogLeNet, GoogLeNetPaper};
#[cfg(feature = "inception-v2")]
use burn_zoo_inception_v2::{CifarInceptionV2, InceptionV2};
#[cfg(feature = "inception-v3")]
use burn_zoo_inception_v3::{CifarInceptionV3, InceptionV3};
#[cfg(feature = "inception-v4")]
use burn_zoo_inception_v4::{CifarInceptionV4, InceptionV4};
use burn_zoo_resnet::{CifarResNet, ResNet};

use crate::AnyClassifier;
use crate::registry::unknown;

type Build = dyn Fn(&str, Options, &Device) -> Option<AnyClassifier> + Send + Sync;
type Load = dyn Fn(&str, &Checkpoint, &Adapt, &Device) -> Result<Loaded<AnyClassifier>, Error>
    + Send
    + Sync;

/// What a type of network knows of itself.
pub(crate) struct Family {
    pub(crate) architectures: &'static [Architecture],
    pub(crate) weights: &'static [WeightsMeta],
    architecture: fn(&str) -> Option<Architecture>,
    build: Arc<Build>,
    load: Arc<Load>,
}

impl Family {
    fn of<M: Pretrained + 'static>(wrap: fn(M) -> AnyClassifier) -> Self {
        Self {
            architectures: M::ARCHITECTURES,
            weights: M::WEIGHTS,
            architecture: M::architecture,
            build: Arc::new(move |name, options, device| M::build(name, options, device).map(wrap)),
            load: Arc::new(move |name, file, adapt, device| {
                Ok(M::load(name, file, adapt, device)?.map(wrap))
            }),
        }
    }
}

/// In the order of the papers.
static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| {
    use AnyClassifier as Any;
    vec![
        #[cfg(feature = "highway")]
        Family::of::<HighwayNet>(Any::HighwayNet),
        #[cfg(feature = "highway")]
        Family::of::<HighwayConvNet>(Any::HighwayConvNet),
        Family::of::<ResNet>(Any::ResNet),
        Family::of::<CifarResNet>(Any::CifarResNet),
        #[cfg(feature = "inception-v1")]
        Family::of::<GoogLeNet>(Any::GoogLeNet),
        #[cfg(feature = "inception-v1")]
        Family::of::<GoogLeNetPaper>(Any::GoogLeNetPaper),
        #[cfg(feature = "inception-v1")]
        Family::of::<CifarGoogLeNet>(Any::CifarGoogLeNet),
        #[cfg(feature = "inception-v2")]
        Family::of::<InceptionV2>(Any::InceptionV2),
        #[cfg(feature = "inception-v2")]
        Family::of::<CifarInceptionV2>(Any::CifarInceptionV2),
        #[cfg(feature = "inception-v3")]
        Family::of::<InceptionV3>(Any::InceptionV3),
        #[cfg(feature = "inception-v3")]
        Family::of::<CifarInceptionV3>(Any::CifarInceptionV3),
        #[cfg(feature = "inception-v4")]
        Family::of::<InceptionV4>(Any::InceptionV4),
        #[cfg(feature = "inception-v4")]
        Family::of::<CifarInceptionV4>(Any::CifarInceptionV4),
        #[cfg(feature = "inception-resnet-v2")]
        Family::of::<InceptionResNetV2>(Any::InceptionResNetV2),
        #[cfg(feature = "inception-resnet-v2")]
        Family::of::<CifarInceptionResNetV2>(Any::CifarInceptionResNetV2),
    ]
});

pub(crate) fn families() -> &'static [Family] {
    &FAMILIES
}

/// Names of all listed architectures.
pub fn architectures() -> Vec<&'static str> {
    let listed = families().iter().flat_map(|family| family.architectures);
    listed.map(|row| row.name.as_ref()).collect()
}

/// The architecture of a name, `architecture` or `architecture.tag`.
///
/// # Errors
///
/// [`Error::UnknownModel`] names the nearest known one.
pub fn architecture(name: &str) -> Result<Architecture, Error> {
    let found = families()
        .iter()
        .find_map(|family| (family.architecture)(name));
    found.ok_or_else(|| unknown(name))
}

/// Builds an architecture with random weights.
///
/// # Errors
///
/// [`Error::UnknownModel`] names the nearest known one.
pub fn create(name: &str, options: Options, device: &Device) -> Result<AnyClassifier, Error> {
    let built = families()
        .iter()
        .find_map(|family| (family.build)(name, options, device));
    built.ok_or_else(|| unknown(name))
}

/// Loads an architecture with the weights of a file; see [`Pretrained::load`].
///
/// # Errors
///
/// [`Error::UnknownModel`], and those of [`Pretrained::load`].
pub fn load_adapted(
    name: &str,
    checkpoint: &Checkpoint,
    adapt: &Adapt,
    device: &Device,
) -> Result<Loaded<AnyClassifier>, Error> {
    let family = families()
        .iter()
        .find(|family| (family.architecture)(name).is_some());
    let family = family.ok_or_else(|| unknown(name))?;
    (family.load)(name, checkpoint, adapt, device)
}
