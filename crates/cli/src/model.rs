//! From `MODEL`, `--weights`, `--labels` and the preprocessing flags to something that runs.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use burn_zoo::{Adapt, AnyClassifier, AuxHeads, Entry, Options};
use burn_zoo_core::{Classifier as _, Error, Preprocess, labels};
use burn_zoo_train::{Classes, Recipe};

use crate::failure::Usage;
use crate::preprocessing::PreprocessArgs;
use crate::source::Source;
use crate::{fetch, precision, random, report, run, target};

/// The model that is run where none is named; its weights are inside the program.
pub(crate) const DEFAULT: &str = "resnet20_cifar.digits";

/// Where a model's values and names come from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WeightArgs {
    /// Weight file (PyTorch, safetensors, burnpack): path, URL or hf:owner/repo[/file]; classes
    /// and channels are read off it
    #[arg(long, value_name = "FILE")]
    weights: Option<Source>,
    /// Names of the classes: one a line, or a CSV with a `name` column
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    preprocessing: PreprocessArgs,
}

/// A model with its weights, ready for images.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// As named.
    pub(crate) name: String,
    /// The network on its device.
    pub(crate) model: AnyClassifier,
    /// What an image goes through first.
    pub(crate) preprocess: Preprocess,
    labels: Vec<String>,
}

impl Loaded {
    /// The name of a class, where it has one.
    pub(crate) fn label(&self, class: usize) -> Option<&str> {
        self.labels.get(class).map(String::as_str)
    }

    /// The names that folders of a data set may have.
    pub(crate) fn classes(&self) -> Classes {
        let count = self.model.num_classes();
        let synsets = labels::imagenet_1k();
        let names = (0..count).map(|class| {
            let label = self.label(class).map(str::to_owned);
            let synset = (count == synsets.len()).then(|| synsets[class].synset.to_owned());
            label.into_iter().chain(synset).collect()
        });
        Classes::named(names.collect())
    }

    /// Refuses an image that the network would panic on.
    pub(crate) fn check(&self, images: &Tensor<4>) -> Result<()> {
        Ok(self.model.input().check(images.dims())?)
    }
}

impl WeightArgs {
    /// The model with trained weights.
    pub(crate) fn load(&self, name: &str, device: &Device) -> Result<Loaded> {
        let entry = burn_zoo::find(name)?;
        let model = match &self.weights {
            Some(source) => inference(&entry, source, device)?,
            None if entry.weights.is_some() => {
                fetch::pretrained(&entry.name, Adapt::default(), device)?
            }
            None => return Err(Usage(without_weights(&entry)).into()),
        };
        let model = precision::cast(model, device);
        let usual = preprocess(&entry, self.weights.as_ref(), &model)?;
        let preprocess = self.preprocessing.apply(usual)?;
        let [height, width] = preprocess.crop;
        model
            .input()
            .check([1, preprocess.channels, height, width])?;
        let labels = self.labels(&entry, &model)?;
        Ok(Loaded {
            name: entry.name,
            model,
            preprocess,
            labels,
        })
    }

    fn labels(&self, entry: &Entry, model: &AnyClassifier) -> Result<Vec<String>> {
        let classes = model.num_classes();
        let Some(path) = &self.labels else {
            return Ok(known_labels(entry, model));
        };
        let names = labels::read(path)?;
        if names.len() == classes {
            return Ok(names);
        }
        let reason = format!(
            "{} names, but {} has {classes} classes",
            names.len(),
            entry.name
        );
        Err(Error::Labels {
            path: path.clone(),
            reason,
        }
        .into())
    }
}

/// A file's weights without what only training uses.
fn inference(entry: &Entry, source: &Source, device: &Device) -> Result<AnyClassifier> {
    let adapt = Adapt {
        aux_heads: AuxHeads::Dropped,
        ..Adapt::default()
    };
    Ok(burn_zoo::load_adapted(
        &entry.architecture,
        &source.open()?,
        adapt,
        device,
    )?)
}

/// The model as `compare` and `bench` run it, in the device's number format: a file's weights, the
/// named ones, or seeded random ones where there are none; with what an image goes through first.
pub(crate) fn measured(
    name: &str,
    weights: Option<&Source>,
    device: &Device,
) -> Result<(AnyClassifier, Preprocess)> {
    let entry = burn_zoo::find(name)?;
    let model = match weights {
        Some(source) => inference(&entry, source, device)?,
        None if entry.weights.is_some() => {
            fetch::pretrained(&entry.name, Adapt::default(), device)?
        }
        None => random::network(&entry, device)?,
    };
    let preprocess = preprocess(&entry, weights, &model)?;
    Ok((precision::cast(model, device), preprocess))
}

/// The model as it is built, with trained weights only where a file is given.
pub(crate) fn build(
    name: &str,
    weights: Option<&Source>,
    device: &Device,
) -> Result<(String, AnyClassifier)> {
    let entry = burn_zoo::find(name)?;
    let model = match weights {
        Some(source) => burn_zoo::load(&entry.architecture, &source.open()?, device)?,
        None => burn_zoo::create(&entry.architecture, options(&entry)?, device)?,
    };
    Ok((entry.name, model))
}

/// Classes and channels of an entry: its weights' or the architecture's usual ones.
pub(crate) fn options(entry: &Entry) -> Result<Options> {
    let usual = burn_zoo::architecture(&entry.architecture)?.options();
    Ok(match entry.weights {
        Some(meta) => Options {
            classes: meta.classes,
            channels: meta.preprocess.channels,
            ..usual
        },
        None => usual,
    })
}

/// Named weights carry their own, also for what was fine-tuned from them; any other file goes by its
/// architecture, and so does one with other channels.
fn preprocess(
    entry: &Entry,
    weights: Option<&Source>,
    model: &AnyClassifier,
) -> Result<Preprocess> {
    let began_with = match entry.weights {
        Some(_) => None,
        None => began_with(entry, weights),
    };
    let entry = began_with.as_ref().unwrap_or(entry);
    let usual = entry.preprocess(model.input().channels)?;
    Ok(run::preprocess(weights, usual))
}

/// The named weights that a run began with, where the weight file lies in the run's folder.
fn began_with(entry: &Entry, weights: Option<&Source>) -> Option<Entry> {
    let Some(Source::File(path)) = weights else {
        return None;
    };
    let recipe = Recipe::of_run(target::folder(path)).ok()?;
    let row = burn_zoo::find(recipe.weights.as_deref()?).ok()?;
    if row.weights.is_none() || row.architecture != entry.architecture {
        return None;
    }
    report::note(&format!(
        "preprocessing of {}, which the run in {} began with",
        row.name,
        recipe.output.display()
    ));
    Some(row)
}

fn known_labels(entry: &Entry, model: &AnyClassifier) -> Vec<String> {
    let digits = entry.name.ends_with(".digits") && model.input().channels == 1;
    match model.num_classes() {
        1000 => labels::imagenet_1k()
            .iter()
            .map(|class| class.name.to_string())
            .collect(),
        10 if digits => (0..10).map(|digit: usize| digit.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn without_weights(entry: &Entry) -> String {
    let named = burn_zoo::list(&format!("{}.*", entry.architecture));
    let or = match named.first() {
        Some(row) => format!(", or name some as in {}", row.name),
        None => String::new(),
    };
    format!(
        "{} is an architecture without weights; give --weights FILE{or}",
        entry.name
    )
}
