//! `burn-zoo features`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use burn::tensor::Tensor;
use burn_zoo_core::Classifier as _;
use serde_json::{Value, json};

use crate::failure::{self, Outcome, one_line};
use crate::inputs;
use crate::model::{Loaded, WeightArgs};
use crate::precision::InferenceArgs;
use crate::report;
use crate::tensors::{Named, Target};

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
    /// A feature map, as the paper names its stages; an unknown name lists them
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
        let target = self.out.as_deref().map(Target::create).transpose()?;
        let device = self.device.open()?;
        let loaded = self.weights.load(&self.model, &device)?;
        let mut rows = Vec::new();
        for input in inputs::expand(&self.images) {
            let image = input.name.clone();
            let read = input.read(&loaded.preprocess, &device).and_then(|pixels| {
                loaded.check(&pixels)?;
                Ok(pixels)
            });
            let result = match read {
                // An unknown stage is wrong for every image alike and ends the command.
                Ok(pixels) => Ok(self.extract(image.clone(), pixels, &loaded)?),
                Err(error) => Err(error),
            };
            rows.push((image, result));
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
        let outcome = failure::outcome(
            "images",
            rows.len(),
            rows.iter().filter_map(|(_, result)| result.as_ref().err()),
        );
        let values: Vec<Named> = rows
            .into_iter()
            .filter_map(|(_, result)| result.ok())
            .collect();
        if let Some(target) = target.filter(|_| !values.is_empty()) {
            target.write(&values)?;
        }
        Ok(outcome)
    }

    fn extract(&self, name: String, image: Tensor<4>, loaded: &Loaded) -> Result<Named> {
        if self.stage == POOLED {
            let pooled = loaded.model.pooled(image);
            let [_, features] = pooled.dims();
            return Named::new(name, vec![features], pooled.into_data());
        }
        let maps = loaded.model.features(image);
        let known: Vec<_> = maps.iter().map(|feature| feature.name.as_ref()).collect();
        let found = maps.iter().find(|feature| feature.name == self.stage);
        let feature = found.with_context(|| {
            let (model, stage) = (&loaded.name, &self.stage);
            format!(
                "{model} has no stage {stage}; known are {}, {POOLED}",
                known.join(", ")
            )
        })?;
        let [_, channels, height, width] = feature.map.dims();
        Named::new(name, vec![channels, height, width], feature.map.to_data())
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

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64
}
