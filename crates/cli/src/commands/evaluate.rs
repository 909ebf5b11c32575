//! `burn-zoo evaluate`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Result, bail};
use burn_zoo_core::Classifier as _;
use burn_zoo_train::{
    BadImages, ClassScore, Crops, Dataset, EvaluateOptions, Evaluation, evaluate_by, picture,
};
use serde_json::{Value, json};

use crate::data;
use crate::engine::Forward;
use crate::failure::Outcome;
use crate::model::{Loaded, Outputs, WeightArgs};
use crate::precision::InferenceArgs;
use crate::report;
use crate::target::Target;

/// Measures a model on a data set: accuracy, loss, calibration, precision and recall per class,
/// confusion
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo evaluate --model resnet20_cifar.digits --data assets/mnist
  burn-zoo evaluate --model resnet50.tv_in1k --data imagenette2/ --crops 10 --csv classes.csv
  burn-zoo evaluate --model resnet20_cifar --weights best.safetensors --data download:cifar-10")]
pub(crate) struct Args {
    /// An architecture (resnet18, with --weights) or one with weights (resnet18.tv_in1k)
    #[arg(long)]
    model: String,
    /// Folder with IDX files (MNIST's form), with one folder of images per class, or of CIFAR's
    /// binary version; an archive of that; download:cifar-10 or download:cifar-100
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Part of the data set; the first there is of test, val, valid, validation and train, if absent
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Crops of an image that are averaged: its centre (1), or corners, centre and their mirror
    /// images (10)
    #[arg(long, value_name = "1|10", default_value = "1", value_parser = crops)]
    crops: Crops,
    /// Crops that go through the network at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = batch)]
    batch: usize,
    /// Threads that read images; as many as there are cores, at most 8, if absent; at most 256
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Counts images that cannot be read and goes on
    #[arg(long)]
    skip_bad_images: bool,
    /// Writes the figures of each class here; an existing file is not replaced
    #[arg(long, value_name = "FILE.csv")]
    csv: Option<PathBuf>,
    /// Draws the confusion matrix; an existing file is not replaced
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
    #[command(flatten)]
    device: InferenceArgs,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let csv = Target::of_option(self.csv.as_deref(), "--csv")?;
        let picture = Target::of_option(self.picture.as_deref(), "--picture")?;
        let device = self.device.open()?;
        let loaded = self.weights.load(&self.model, &device)?;
        if loaded.outputs == Outputs::Independent && loaded.model.num_classes() > 1 {
            bail!(
                "the classes of {} are independent of each other, but folders name one class an image; \
                 classify gives each class's probability",
                loaded.name
            );
        }
        let path = data::resolve(&self.data)?;
        let split = self.split.as_deref();
        let split = split.unwrap_or_else(|| Dataset::usual_split(&path));
        let dataset = Dataset::open(&path, split, &loaded.classes())?;
        let split = (!dataset.is_in_folder(&path)).then_some(split);
        if let (None, Some(wanted)) = (split, &self.split) {
            bail!(
                "{} has no split {wanted}: it is a folder of classes; leave --split out to take all \
                 of its images",
                path.display()
            );
        }
        report::note(&format!(
            "evaluating {} on {} images{}",
            loaded.name,
            dataset.len(),
            split.map_or_else(String::new, |split| format!(" of the split {split}"))
        ));
        let options = EvaluateOptions {
            batch: self.batch,
            crops: self.crops,
            bad_images: if self.skip_bad_images {
                BadImages::Skip
            } else {
                BadImages::Stop
            },
            workers: self.workers,
        };
        let forward = Forward::logits(self.device.compiles()?, &loaded.model);
        let found = evaluate_by(
            &loaded.model,
            |images| forward.run(images),
            &dataset,
            &loaded.preprocess,
            options,
            &device,
        )?;
        if let Some(file) = csv {
            file.write(&per_class(&found, &loaded)?)?;
        }
        if let Some(file) = picture {
            let labels = found.per_class.iter();
            let labels: Vec<_> = labels
                .map(|score| label(score, &loaded).map(str::to_owned))
                .collect();
            let svg = picture::confusion(&found.confusion, &labels).map_err(anyhow::Error::msg)?;
            file.write(svg.as_bytes())?;
        }
        if self.json {
            report::json(&document(&found, &loaded, split))?;
        } else {
            table(&found, &loaded)?;
        }
        Ok(Outcome::Done)
    }
}

/// A label that the user gave or the weights have, else the data set's.
fn label<'a>(score: &'a ClassScore, loaded: &'a Loaded) -> Option<&'a str> {
    loaded.label(score.class).or(score.label.as_deref())
}

fn document(found: &Evaluation, loaded: &Loaded, split: Option<&str>) -> Value {
    let per_class = found.per_class.iter().map(|score| {
        json!({
            "class": score.class,
            "label": label(score, loaded),
            "images": score.images,
            "precision": score.precision,
            "recall": score.recall,
        })
    });
    json!({
        "model": loaded.name,
        "split": split,
        "images": found.images,
        "top1": found.top1,
        "top5": found.top5,
        "loss": found.loss,
        "ece": found.ece,
        "skipped": found.skipped,
        "per_class": per_class.collect::<Vec<_>>(),
        "confusion": found.confusion,
        "seconds": found.seconds,
        "images_per_s": found.images_per_second(),
    })
}

fn table(found: &Evaluation, loaded: &Loaded) -> Result<()> {
    let share = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{:.2} %", 100.0 * value))
    };
    let mut table = report::table(&["class", "label", "images", "precision", "recall"]);
    for score in &found.per_class {
        table.add_row([
            score.class.to_string(),
            label(score, loaded).unwrap_or("-").to_owned(),
            score.images.to_string(),
            share(score.precision),
            share(score.recall),
        ]);
    }
    report::print(&table)?;
    let skipped = match found.skipped {
        0 => String::new(),
        count => format!(" ({count} more cannot be read)"),
    };
    report::text(&format!(
        "{} images{skipped}: top-1 {:.2} %, top-5 {:.2} %, loss {:.4}, calibration error {:.4}, \
         {:.1} s, {:.0} images per second",
        found.images,
        found.top1,
        found.top5,
        found.loss,
        found.ece,
        found.seconds,
        found.images_per_second()
    ))
}

/// One row a class, as in the JSON document.
fn per_class(found: &Evaluation, loaded: &Loaded) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["class", "label", "images", "precision", "recall"])?;
    let share = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for score in &found.per_class {
        writer.write_record([
            score.class.to_string(),
            label(score, loaded).unwrap_or_default().to_owned(),
            score.images.to_string(),
            share(score.precision),
            share(score.recall),
        ])?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

fn crops(text: &str) -> Result<Crops, String> {
    match text {
        "1" => Ok(Crops::One),
        "10" => Ok(Crops::Ten),
        _ => Err("expected 1 or 10".to_owned()),
    }
}

fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(batch @ 1..=65_536) => Ok(batch),
        _ => Err("expected a number of images from 1 to 65536".to_owned()),
    }
}
