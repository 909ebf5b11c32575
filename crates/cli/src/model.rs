//! From `MODEL`, `--weights`, `--labels` and the preprocessing flags to something that runs.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use burn_zoo::weights::Said;
use burn_zoo::{Adapt, AnyClassifier, AuxHeads, Entry, HeadUse, Options};
use burn_zoo_core::{Classifier as _, Error, Preprocess, labels, untagged};
use burn_zoo_train::{Classes, Recipe};

use crate::failure::Usage;
use crate::inside::InsideArgs;
use crate::preprocessing::PreprocessArgs;
use crate::source::Source;
use crate::{fetch, precision, random, report, run, target};

/// The model that is run where none is named; its weights are inside the program.
pub(crate) const DEFAULT: &str = "resnet20_cifar.digits";

/// Where a model's values and names come from.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WeightArgs {
    /// Weight file (PyTorch, safetensors, burnpack): path, URL or hf:owner/repo[@revision][/file];
    /// it determines classes and channels
    #[arg(long, value_name = "FILE")]
    weights: Option<Source>,
    /// Class names: one per line, or a CSV with a `name` column
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Treats classes as independent: each probability is a sigmoid
    #[arg(long)]
    multi_label: bool,
    #[command(flatten)]
    inside: InsideArgs,
    #[command(flatten)]
    preprocessing: PreprocessArgs,
}

/// The meaning of the network's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outputs {
    /// Exactly one class applies: softmax.
    OneClass,
    /// Each class is independent: sigmoids.
    Independent,
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
    /// The meaning of the outputs.
    pub(crate) outputs: Outputs,
    labels: Vec<String>,
}

impl Loaded {
    /// The name of a class, where it has one.
    pub(crate) fn label(&self, class: usize) -> Option<&str> {
        self.labels.get(class).map(String::as_str)
    }

    /// The names that folders of a data set may have.
    pub(crate) fn classes(&self) -> Classes {
        let count = self.model.num_classes().max(2);
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
    /// Loads the model with trained weights for classification.
    pub(crate) fn load(&self, name: &str, device: &Device) -> Result<Loaded> {
        self.load_for(name, HeadUse::Needed, device)
    }

    /// Loads the model with trained weights. `head` says whether the last layer is used.
    pub(crate) fn load_for(&self, name: &str, head: HeadUse, device: &Device) -> Result<Loaded> {
        let entry = burn_zoo::find(name)?;
        self.inside.need(self.weights.as_ref())?;
        let adapt = Adapt {
            head,
            ..Adapt::default()
        };
        let found = match &self.weights {
            Some(source) => {
                let adapt = for_inference(&self.inside, head);
                from_file(&entry.architecture, source, &adapt, device)?
            }
            None if entry.weights.is_some() => fetch::pretrained(&entry.name, &adapt, device)?,
            None => return Err(Usage(without_weights(&entry)).into()),
        };
        let usual = preprocess(&entry, self.weights.as_ref(), &found)?;
        let preprocess = self.preprocessing.apply(found.said.preprocess(usual))?;
        let model = precision::cast(found.network, device);
        let [height, width] = preprocess.crop;
        model
            .input()
            .check([1, preprocess.channels, height, width])?;
        let labels = self.labels(&entry, &model, &found.said)?;
        let outputs = if self.multi_label || found.said.multi_label || model.num_classes() == 1 {
            Outputs::Independent
        } else {
            Outputs::OneClass
        };
        Ok(Loaded {
            name: if entry.architecture == found.architecture.name {
                entry.name
            } else {
                found.architecture.name.into_owned()
            },
            model,
            preprocess,
            outputs,
            labels,
        })
    }

    /// The class names: the user's, else the file's, else those of the file's run, else the known ones for
    /// this number of classes.
    fn labels(&self, entry: &Entry, model: &AnyClassifier, said: &Said) -> Result<Vec<String>> {
        let classes = model.num_classes();
        if let Some(path) = &self.labels {
            let names = labels::read(path)?;
            if fits(&names, classes) {
                return Ok(names);
            }
            let reason = format!(
                "{} names, but {} has {classes} classes",
                names.len(),
                entry.name
            );
            return Err(Error::Labels {
                path: path.clone(),
                reason,
            }
            .into());
        }
        if let Some(names) = &said.labels {
            if fits(names, classes) {
                return Ok(names.clone());
            }
            report::note(&format!(
                "the file has {} class names for {classes} classes; the names are ignored",
                names.len()
            ));
        }
        let of_run = run_labels(self.weights.as_ref()).filter(|names| fits(names, classes));
        Ok(of_run.unwrap_or_else(|| known_labels(entry, model)))
    }
}

/// Whether the number of names fits the number of classes. A single output decides between two classes.
fn fits(names: &[String], classes: usize) -> bool {
    names.len() == classes || (classes == 1 && names.len() == 2)
}

/// Drops the parts that only training uses.
fn for_inference(inside: &InsideArgs, head: HeadUse) -> Adapt {
    inside.adapt(Adapt {
        aux_heads: AuxHeads::Dropped,
        head,
        ..Adapt::default()
    })
}

/// Loads an architecture with a file's weights, and reports notes to the user.
pub(crate) fn from_file(
    architecture: &str,
    source: &Source,
    adapt: &Adapt,
    device: &Device,
) -> Result<burn_zoo::Loaded<AnyClassifier>> {
    let found = burn_zoo::load_adapted(architecture, &source.open()?, adapt, device)?;
    if found.architecture.name != untagged(architecture) {
        let usual = found.architecture.preprocess(found.place.channels);
        let [height, width] = usual.crop;
        report::note(&format!(
            "the file holds {}, a variant of {architecture} for {height}x{width} images",
            found.architecture.name
        ));
    }
    for note in &found.place.notes {
        report::note(note);
    }
    let said = &found.said;
    let heard: Vec<&str> = [
        (
            said.labels
                .as_ref()
                .is_some_and(|names| fits(names, found.network.num_classes())),
            "class names",
        ),
        (said.image_size.is_some(), "image size"),
        (said.mean.is_some(), "mean and standard deviation"),
        (said.interpolation.is_some(), "interpolation"),
        (said.crop_share.is_some(), "crop"),
        (said.multi_label, "independent classes"),
    ]
    .into_iter()
    .filter_map(|(says, what)| says.then_some(what))
    .collect();
    if !heard.is_empty() {
        report::note(&format!(
            "taken from the file: {}; flags override them",
            heard.join(", ")
        ));
    }
    Ok(found)
}

/// The model as `compare` and `bench` run it, in the device's number format: a file's weights, the
/// named ones, or seeded random ones where there are none; with what an image goes through first.
pub(crate) fn measured(
    name: &str,
    weights: Option<&Source>,
    inside: &InsideArgs,
    device: &Device,
) -> Result<(AnyClassifier, Preprocess)> {
    inside.need(weights)?;
    let entry = burn_zoo::find(name)?;
    let found = match weights {
        Some(source) => {
            // Each device's process loads the file, so it would repeat the notes.
            let adapt = for_inference(inside, HeadUse::Needed);
            burn_zoo::load_adapted(&entry.architecture, &source.open()?, &adapt, device)?
        }
        None if entry.weights.is_some() => {
            fetch::pretrained(&entry.name, &Adapt::default(), device)?
        }
        None => {
            let model = random::network(&entry, device)?;
            let preprocess = entry.preprocess(model.input().channels)?;
            return Ok((precision::cast(model, device), preprocess));
        }
    };
    let usual = preprocess(&entry, weights, &found)?;
    let preprocess = found.said.preprocess(usual);
    Ok((precision::cast(found.network, device), preprocess))
}

/// The model as it is built, with trained weights only where a file is given.
pub(crate) fn build(
    name: &str,
    weights: Option<&Source>,
    inside: &InsideArgs,
    device: &Device,
) -> Result<(String, AnyClassifier)> {
    inside.need(weights)?;
    let entry = burn_zoo::find(name)?;
    let Some(source) = weights else {
        let model = burn_zoo::create(&entry.architecture, options(&entry)?, device)?;
        return Ok((entry.name, model));
    };
    let adapt = inside.adapt(Adapt {
        head: HeadUse::Unused,
        ..Adapt::default()
    });
    let found = from_file(&entry.architecture, source, &adapt, device)?;
    let name = if found.architecture.name == entry.architecture {
        entry.name
    } else {
        found.architecture.name.into_owned()
    };
    Ok((name, found.network))
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
    found: &burn_zoo::Loaded<AnyClassifier>,
) -> Result<Preprocess> {
    let channels = found.network.input().channels;
    if found.architecture.name != entry.architecture {
        let usual = found.architecture.preprocess(channels);
        return Ok(run::preprocess(weights, usual));
    }
    let began_with = match entry.weights {
        Some(_) => None,
        None => began_with(entry, weights),
    };
    let entry = began_with.as_ref().unwrap_or(entry);
    let usual = entry.preprocess(channels)?;
    Ok(run::preprocess(weights, usual))
}

/// The class names of the run whose folder holds the weight file.
fn run_labels(weights: Option<&Source>) -> Option<Vec<String>> {
    let Some(Source::File(path)) = weights else {
        return None;
    };
    let folder = target::folder(path);
    Recipe::of_run(folder).ok()?;
    labels::read(&folder.join("labels.txt")).ok()
}

/// The registered weights that a run started from, if the weight file is in the run's folder.
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
