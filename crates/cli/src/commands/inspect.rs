//! `burn-zoo inspect`.

use anyhow::Result;
use burn_zoo::Error;
use burn_zoo::weights::{Checkpoint, Found, FoundHead, Nearness, Said};
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::inside::InsideArgs;
use crate::source::Source;
use crate::{device, report};

/// Shows what a weight file holds, every architecture it fits and where its weights are
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: burn-zoo inspect model_best.pth.tar")]
pub(crate) struct Args {
    /// Weight file: path, URL or hf:owner/repo[@revision][/file]; its content determines its format
    file: Source,
    #[command(flatten)]
    inside: InsideArgs,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// The findings about the weights in a file.
struct Report {
    fits: Vec<&'static str>,
    /// The first architecture that fits, and its place.
    found: Option<Found>,
    /// The error if several places fit equally well.
    tie: Option<Error>,
    nearest: Vec<(&'static str, Nearness)>,
    said: Said,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let checkpoint = self.file.open()?;
        let report = self.look(&checkpoint)?;
        if self.json {
            report::json(&report.document(&checkpoint))?;
        } else {
            table(&checkpoint)?;
            report.print(&checkpoint)?;
        }
        Ok(Outcome::Done)
    }

    fn look(&self, checkpoint: &Checkpoint) -> Result<Report> {
        let (device, select) = (device::parse("flex")?, self.inside.select());
        let (mut fits, mut found, mut tie) = (Vec::new(), None, None);
        for (name, place) in burn_zoo::places(checkpoint, &select, &device) {
            fits.push(name);
            match place {
                Ok(place) => found = found.or(Some(place)),
                Err(error) => tie = tie.or(Some(error)),
            }
        }
        let nearest = match fits.is_empty() {
            true => burn_zoo::nearest(checkpoint, &select, &device),
            false => Vec::new(),
        };
        Ok(Report {
            fits,
            tie,
            nearest,
            said: match &found {
                Some(Found { place, .. }) => match place.head {
                    FoundHead::Linear { classes, .. } => checkpoint.said().for_classes(classes),
                    _ => checkpoint.said(),
                },
                None => checkpoint.said(),
            },
            found,
        })
    }
}

impl Report {
    fn document(&self, checkpoint: &Checkpoint) -> Value {
        let tensors = checkpoint.tensors().iter().map(
            |tensor| json!({ "name": tensor.name, "shape": tensor.shape, "dtype": tensor.dtype }),
        );
        let nearest = self
            .nearest
            .iter()
            .map(|(name, nearness)| json!({ "architecture": name, "differs": nearness.differs }));
        let place = self.found.as_ref().map(|found| &found.place);
        json!({
            "container": checkpoint.container().to_string(),
            "tensors": tensors.collect::<Vec<_>>(),
            "fits": self.fits,
            "key": place.map(|place| &place.key),
            "prefix": place.map(|place| &place.prefix),
            "head": self.head(),
            "classes": self.classes(),
            "labels": self.said.labels,
            "preprocess": preprocess(&self.said),
            "others": place.map_or(&[][..], |place| &place.others),
            "nearest": nearest.collect::<Vec<_>>(),
            "tie": self.tie.as_ref().map(ToString::to_string),
        })
    }

    /// The last layer's name in the file.
    fn head(&self) -> Option<&str> {
        match &self.found.as_ref()?.place.head {
            FoundHead::Linear { name, .. } => Some(name),
            _ => None,
        }
    }

    fn classes(&self) -> Option<usize> {
        match self.found.as_ref()?.place.head {
            FoundHead::Linear { classes, .. } => Some(classes),
            _ => None,
        }
    }

    fn print(&self, checkpoint: &Checkpoint) -> Result<()> {
        let fits = if self.fits.is_empty() {
            "no known architecture".to_owned()
        } else {
            self.fits.join(", ")
        };
        let count = checkpoint.tensors().len();
        if let Some(Found { place, .. }) = &self.found {
            let or_none = |text: &str| {
                if text.is_empty() {
                    "-".to_owned()
                } else {
                    text.to_owned()
                }
            };
            report::text(&format!(
                "key {}, prefix {}, names of {}",
                or_none(&place.key),
                or_none(&place.prefix),
                place.naming
            ))?;
            report::text(&match &place.head {
                FoundHead::Linear { name, classes } => format!("head {name}, {classes} classes"),
                FoundHead::Other { layers } => format!(
                    "head {}: does not match the network's; features work, or train a new head",
                    layers.join(", ")
                ),
                _ => "no head: features work, or train a new head".to_owned(),
            })?;
            for note in &place.notes {
                report::text(&format!("note: {note}"))?;
            }
            if !place.others.is_empty() {
                report::text(&format!("also in the file: {}", place.others.join(", ")))?;
            }
        }
        if let Some(labels) = &self.said.labels {
            let first = labels
                .iter()
                .take(5)
                .map(String::as_str)
                .collect::<Vec<_>>();
            let more = if labels.len() > 5 { ", …" } else { "" };
            let first = first.join(", ");
            report::text(&format!("{} class names: {first}{more}", labels.len()))?;
        }
        if let Value::Object(says) = preprocess(&self.said) {
            let says = says.iter().map(|(name, value)| format!("{name} {value}"));
            report::text(&format!("images: {}", says.collect::<Vec<_>>().join(", ")))?;
        }
        for (name, nearness) in &self.nearest {
            report::text(&format!("nearest {name}: {}", nearness.differs.join("; ")))?;
        }
        if let Some(tie) = &self.tie {
            report::text(&format!("{tie}"))?;
        }
        report::text(&format!(
            "{}, {count} tensors, fits {fits}",
            checkpoint.container()
        ))
    }
}

fn table(checkpoint: &Checkpoint) -> Result<()> {
    let mut table = report::table(&["tensor", "shape", "dtype"]);
    for tensor in checkpoint.tensors() {
        let shape = report::shape(&tensor.shape);
        table.add_row([tensor.name.clone(), shape, tensor.dtype.clone()]);
    }
    report::print(&table)
}

/// The file's preprocessing settings by name; null if there are none.
fn preprocess(said: &Said) -> Value {
    let says = [
        ("image_size", said.image_size.map(|size| json!(size))),
        ("mean", said.mean.map(|mean| json!(mean))),
        ("std", said.std.map(|std| json!(std))),
        (
            "interpolation",
            said.interpolation.map(|filter| json!(filter)),
        ),
        ("crop_pct", said.crop_share.map(|share| json!(share))),
        ("multi_label", said.multi_label.then_some(json!(true))),
    ];
    let says = says
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let says: serde_json::Map<String, Value> = says.collect();
    if says.is_empty() {
        Value::Null
    } else {
        Value::Object(says)
    }
}
