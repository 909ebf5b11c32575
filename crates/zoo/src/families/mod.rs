//! The rows that each family gives to the registry.

use burn_zoo_core::weights::WeightsMeta;

use crate::architecture::Row;

#[cfg(feature = "highway")]
mod highway;
#[cfg(feature = "inception-resnet-v2")]
mod inception_resnet_v2;
#[cfg(feature = "inception-v1")]
mod inception_v1;
#[cfg(feature = "inception-v2")]
mod inception_v2;
#[cfg(feature = "inception-v3")]
mod inception_v3;
#[cfg(feature = "inception-v4")]
mod inception_v4;
mod resnet;

/// Every listed architecture, in the order of the papers.
pub(crate) fn rows() -> Vec<Row> {
    let families = [
        #[cfg(feature = "highway")]
        highway::rows(),
        resnet::rows(),
        #[cfg(feature = "inception-v1")]
        inception_v1::rows(),
        #[cfg(feature = "inception-v2")]
        inception_v2::rows(),
        #[cfg(feature = "inception-v3")]
        inception_v3::rows(),
        #[cfg(feature = "inception-v4")]
        inception_v4::rows(),
        #[cfg(feature = "inception-resnet-v2")]
        inception_resnet_v2::rows(),
    ];
    families.into_iter().flatten().collect()
}

/// An architecture of a series without end.
pub(crate) fn unlisted(name: &str) -> Option<Row> {
    #[cfg(feature = "highway")]
    return highway::of_depth(name);
    #[cfg(not(feature = "highway"))]
    return None;
}

/// Every published file.
pub(crate) static WEIGHTS: &[&[WeightsMeta]] = &[
    &burn_zoo_resnet::ROWS,
    #[cfg(feature = "inception-v1")]
    &burn_zoo_inception_v1::ROWS,
    #[cfg(feature = "inception-v2")]
    &burn_zoo_inception_v2::ROWS,
    #[cfg(feature = "inception-v3")]
    &burn_zoo_inception_v3::ROWS,
    #[cfg(feature = "inception-v4")]
    &burn_zoo_inception_v4::ROWS,
    #[cfg(feature = "inception-resnet-v2")]
    &burn_zoo_inception_resnet_v2::ROWS,
];
