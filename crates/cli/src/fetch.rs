//! Fetching, with its progress on standard error.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::Device;
use burn_zoo::{Adapt, AnyClassifier, Loaded};
pub(crate) use burn_zoo_core::fetch::HubFile;
use burn_zoo_core::fetch::{Cache, Fetcher, Hub, Progress, Remote};
use burn_zoo_core::weights::WeightsMeta;
use burn_zoo_train::{Archive, CIFAR};
use indicatif::{ProgressBar, ProgressStyle};

use crate::report;

/// A model with its named weights, fetched on first use.
pub(crate) fn pretrained(
    name: &str,
    adapt: &Adapt,
    device: &Device,
) -> Result<Loaded<AnyClassifier>> {
    let fetcher = Fetcher::from_env()?;
    let mut bar = Bar::new(name);
    let mut show = |step| bar.show(step);
    let model = burn_zoo::pretrained_with(name, adapt, &fetcher, &mut show, device)?;
    Ok(model)
}

/// Fetches the file of a URL into the cache.
pub(crate) fn url(url: &str) -> Result<PathBuf> {
    let mut bar = Bar::new(url);
    let fetched = Fetcher::from_env()?.url(url, &mut |step| bar.show(step))?;
    Ok(fetched.path)
}

/// Fetches a Hugging Face file into the folder that Python programs use.
pub(crate) fn hub(file: &HubFile) -> Result<PathBuf> {
    let name = file.to_string();
    let mut bar = Bar::new(&name);
    let path = Fetcher::from_env()?.hub(file, &mut |step| bar.show(step))?;
    Ok(path)
}

/// Whether a text is a name on the hub.
pub(crate) fn is_hub_name(text: &str) -> bool {
    let prefixes = ["hf:", "hf-hub:", "hf_hub:"];
    prefixes.iter().any(|prefix| text.starts_with(prefix))
}

/// The published archive of a data set.
pub(crate) fn data(archive: &Archive) -> Result<PathBuf> {
    fetch(published(archive))
}

fn published(archive: &Archive) -> Remote<'_> {
    Remote {
        name: archive.name,
        urls: std::slice::from_ref(&archive.url),
        file: archive.file,
        sha256: Some(archive.sha256),
        licence: None,
    }
}

fn fetch(remote: Remote<'_>) -> Result<PathBuf> {
    let mut bar = Bar::new(remote.name);
    let fetched = Fetcher::from_env()?.fetch(remote, &mut |step| bar.show(step))?;
    Ok(fetched.path)
}

/// Calls `visit` with all that the commands may have fetched into a cache: weights, data sets, and
/// what was named by its address, which goes by the name of its file.
pub(crate) fn all(cache: &Cache, mut visit: impl FnMut(Remote<'_>)) {
    let weights = burn_zoo::list("*").into_iter().filter_map(|it| it.weights);
    weights.for_each(|meta| visit(meta.into()));
    CIFAR.iter().for_each(|archive| visit(published(archive)));
    for file in cache.by_address() {
        visit(Remote {
            name: &file,
            urls: &[],
            file: &file,
            sha256: None,
            licence: None,
        });
    }
}

/// Whether a row's file is on disk.
pub(crate) fn is_cached(meta: &WeightsMeta) -> bool {
    cached(meta).is_some()
}

/// The path of a row's file in the cache or in the hub's folder.
fn cached(meta: &WeightsMeta) -> Option<PathBuf> {
    let path = Cache::from_env().ok()?.path(meta.file);
    if path.is_file() {
        return Some(path);
    }
    let hub = Hub::from_env().ok()?;
    hub.find(&hub.published(&meta.into())?)
}

/// A progress bar where standard error is a terminal, else one line.
#[derive(Debug)]
pub(crate) struct Bar<'a> {
    name: &'a str,
    bar: Option<ProgressBar>,
}

impl<'a> Bar<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self { name, bar: None }
    }

    pub(crate) fn show(&mut self, step: Progress) {
        match step {
            Progress::Received { bytes, total } => {
                let name = self.name;
                let bar = self.bar.get_or_insert_with(|| start(name));
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(bytes);
            }
            Progress::Retrying { reason, after } => {
                let seconds = after.as_secs_f32();
                self.note(&format!("{}: {reason}; again in {seconds:.1} s", self.name));
            }
            Progress::Waiting => {
                self.note(&format!("{}: another process fetches it", self.name));
            }
            Progress::Unchecked { reason } => {
                self.note(&format!(
                    "{}: using the cached file, which may not be the newest; {reason}",
                    self.name
                ));
            }
            _ => {}
        }
    }

    fn note(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| report::note(message)),
            None => report::note(message),
        }
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn start(name: &str) -> ProgressBar {
    // Without a terminal on standard error this bar draws nothing.
    let bar = ProgressBar::no_length();
    if bar.is_hidden() {
        report::note(&format!("fetching {name}"));
    }
    let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}, {eta}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
    .with_message(name.to_owned())
}
