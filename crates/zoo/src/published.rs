//! Published weights: here, and in the re-exports, is all that depends on the feature `fetch`.

use burn_zoo_core::Error;
use burn_zoo_core::weights::{Checkpoint, WeightsMeta};

/// The file from the cache or the network.
#[cfg(feature = "fetch")]
pub(crate) fn open(meta: &'static WeightsMeta) -> Result<Checkpoint, Error> {
    let fetcher = burn_zoo_core::fetch::Fetcher::from_env()?;
    Checkpoint::open(fetcher.fetch(meta, &mut |_| ())?.path)
}

/// There is no way to the file.
#[cfg(not(feature = "fetch"))]
pub(crate) fn open(meta: &'static WeightsMeta) -> Result<Checkpoint, Error> {
    let reason = match meta.urls.first() {
        Some(url) => format!(
            "this build does not fetch (the feature `fetch` of burn-zoo does); fetch {url} yourself and load \
             the file"
        ),
        None => "it is published nowhere; load a file".to_owned(),
    };
    Err(Error::NoWeights {
        name: meta.name.to_owned(),
        reason,
    })
}

/// As [`pretrained_adapted`](crate::pretrained_adapted), with a fetcher of one's own; `progress`
/// is called with what takes time.
///
/// # Errors
///
/// Those of [`pretrained`](crate::pretrained).
#[cfg(feature = "fetch")]
pub fn pretrained_with(
    name: &str,
    adapt: &burn_zoo_core::Adapt,
    fetcher: &burn_zoo_core::fetch::Fetcher,
    progress: &mut dyn FnMut(burn_zoo_core::fetch::Progress),
    device: &burn::tensor::Device,
) -> Result<burn_zoo_core::Loaded<crate::AnyClassifier>, Error> {
    let open = |meta| Checkpoint::open(fetcher.fetch(meta, progress)?.path);
    crate::load::named(name, open, adapt, device)
}
