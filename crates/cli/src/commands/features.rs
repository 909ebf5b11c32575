//! `burn-zoo features`.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::Tensor;
use burn_zoo::HeadUse;
use serde_json::{Value, json};

use crate::engine::{Forward, stages};
use crate::failure::{self, Outcome, one_line};
use crate::inputs;
use crate::model::{Loaded, WeightArgs};
use crate::precision::InferenceArgs;
use crate::report;
use crate::target::Target;
use crate::tensors::{self, Named};

/// Name of the vector before the last layer.
const POOLED: &str = "pooled";

/// Computes what a network sees in images: the vector before the last layer, or a feature map
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: burn-zoo features photos/ --model resnet20_cifar.digits --out features.safetensors"
)]
pub(crate) struct Args {
    /// Image files, folders of images, or `-` for standard input
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// An architecture (resnet18, with --weights) or one with weights (resnet18.tv_in1k)
    #[arg(long)]
    model: String,
    /// A feature map, as the paper names its stages; `burn-zoo summary MODEL` lists them
    #[arg(long, value_name = "NAME", default_value = POOLED)]
    stage: String,
    /// Writes the values here, under the images' names; an existing file is not replaced
    #[arg(long, value_name = "FILE.safetensors")]
    out: Option<PathBuf>,
    #[command(flatten)]
    device: InferenceArgs,
    /// One JSON document on standard output; without --out it has the values
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let target = Target::of_option(self.out.as_deref(), "--out")?;
        let device = self.device.open()?;
        let loaded = self
            .weights
            .load_for(&self.model, HeadUse::Unused, &device)?;
        let extractor = self.extractor(&loaded)?;
        let mut rows = Vec::new();
        for input in inputs::expand(&self.images) {
            let image = input.name.clone();
            let read = input.read(&loaded.preprocess, &device).and_then(|pixels| {
                loaded.check(&pixels)?;
                Ok(pixels)
            });
            let result = read.and_then(|pixels| extractor.run(image.clone(), pixels));
            rows.push((image, result));
        }
        // The file first: who reads the table may have seen enough of it.
        if let Some(target) = target {
            let found = rows.iter().filter_map(|(_, result)| result.as_ref().ok());
            let values: Vec<&Named> = found.collect();
            if !values.is_empty() {
                target.write(&tensors::file(values)?)?;
            }
        }
        if self.json {
            report::json(
                &rows
                    .iter()
                    .map(|(image, result)| self.row(image, result))
                    .collect(),
            )?;
        } else {
            self.table(&rows)?;
        }
        Ok(failure::outcome(
            "images",
            rows.len(),
            rows.iter().filter_map(|(_, result)| result.as_ref().err()),
        ))
    }

    /// What is asked for; an unknown stage is wrong for every image alike.
    fn extractor(&self, loaded: &Loaded) -> Result<Extractor> {
        let compiles = self.device.compiles()?;
        if self.stage == POOLED {
            return Ok(Extractor::Pooled(Forward::pooled(compiles, &loaded.model)));
        }
        let known = stages(&loaded.model);
        anyhow::ensure!(
            known.contains(&self.stage),
            "{} has no stage {}; known are {}, {POOLED}",
            loaded.name,
            self.stage,
            known.join(", ")
        );
        let map = Forward::map(compiles, &loaded.model, &self.stage);
        Ok(Extractor::Map(map))
    }

    fn row(&self, image: &str, result: &Result<Named>) -> Value {
        match result {
            Err(error) => json!({ "image": image, "error": one_line(error) }),
            Ok(named) => {
                let mut row = json!({ "image": image, "stage": self.stage, "shape": named.shape });
                if self.out.is_none() {
                    row["values"] = named.values.iter().copied().map(report::number).collect();
                }
                row
            }
        }
    }

    fn table(&self, rows: &[(String, Result<Named>)]) -> Result<()> {
        let mut table = report::table(&["image", "stage", "shape", "mean"]);
        for (image, result) in rows {
            match result {
                Ok(named) => table.add_row([
                    image.clone(),
                    self.stage.clone(),
                    report::shape(&named.shape),
                    format!("{:.4}", mean(&named.values)),
                ]),
                Err(error) => table.add_row([image.clone(), format!("error: {}", one_line(error))]),
            };
        }
        report::print(&table)
    }
}

/// How a feature comes from an image.
enum Extractor {
    Pooled(Forward<2>),
    Map(Forward<4>),
}

impl Extractor {
    fn run(&self, name: String, image: Tensor<4>) -> Result<Named> {
        match self {
            Self::Pooled(forward) => named(name, forward.run(image)?),
            Self::Map(forward) => named(name, forward.run(image)?),
        }
    }
}

/// One image's values without the batch.
fn named<const D: usize>(name: String, values: Tensor<D>) -> Result<Named> {
    let shape = values.dims()[1..].to_vec();
    Named::new(name, shape, values.into_data())
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64
}
