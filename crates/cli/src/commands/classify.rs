//! `burn-zoo classify`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use serde_json::{Value, json};

use crate::engine::Forward;
use crate::failure::{self, Outcome, one_line};
use crate::inputs::{self, Input};
use crate::model::{self, Loaded, Outputs, WeightArgs};
use crate::precision::InferenceArgs;
use crate::report;

/// Classifies images
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  burn-zoo classify assets/digits/3.png
  burn-zoo classify photos/ --model resnet50 --weights resnet50-0676ba61.pth --top 3 --json
  curl -s https://example.org/3.png | burn-zoo classify -")]
pub(crate) struct Args {
    /// Image files, folders of images, or `-` for standard input
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// An architecture (resnet18, with --weights) or one with weights (resnet18.tv_in1k)
    #[arg(long, default_value = model::DEFAULT)]
    model: String,
    /// How many of the most likely classes are shown
    #[arg(long, value_name = "K", default_value_t = 5)]
    top: usize,
    /// Adds the unnormalised outputs of every class to the JSON
    #[arg(long, requires = "json")]
    logits: bool,
    #[command(flatten)]
    device: InferenceArgs,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: WeightArgs,
}

/// What the network says about one image.
struct Answer {
    image: String,
    logits: Result<Vec<f32>>,
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let device = self.device.open()?;
        let loaded = self.weights.load(&self.model, &device)?;
        let forward = Forward::logits(self.device.compiles()?, &loaded.model);
        let answers: Vec<_> = inputs::expand(&self.images)
            .into_iter()
            .map(|input| Answer {
                image: input.name.clone(),
                logits: logits(input, &loaded, &forward, &device),
            })
            .collect();
        if self.json {
            let rows = answers.iter().map(|answer| self.row(answer, &loaded));
            report::json(&rows.collect())?;
        } else {
            self.table(&answers, &loaded)?;
        }
        Ok(failure::outcome(
            "images",
            answers.len(),
            answers.iter().filter_map(|a| a.logits.as_ref().err()),
        ))
    }

    fn row(&self, answer: &Answer, loaded: &Loaded) -> Value {
        let logits = match &answer.logits {
            Ok(logits) => logits,
            Err(error) => return json!({ "image": answer.image, "error": one_line(error) }),
        };
        let predictions =
            ranked(logits, loaded)
                .into_iter()
                .take(self.top)
                .map(|(class, probability)| {
                    json!({
                        "class": class,
                        "label": loaded.label(class),
                        "probability": report::number(probability),
                    })
                });
        let predictions: Vec<_> = predictions.collect();
        let mut row = json!({ "image": answer.image, "predictions": predictions });
        if self.logits {
            row["logits"] = logits.iter().copied().map(report::number).collect();
        }
        row
    }

    fn table(&self, answers: &[Answer], loaded: &Loaded) -> Result<()> {
        let mut table = report::table(&["image", "%", "class", "label"]);
        for answer in answers {
            let logits = match &answer.logits {
                Ok(logits) => logits,
                Err(error) => {
                    let message = format!("error: {}", one_line(error));
                    table.add_row([answer.image.clone(), String::new(), String::new(), message]);
                    continue;
                }
            };
            for (rank, (class, probability)) in ranked(logits, loaded)
                .into_iter()
                .take(self.top)
                .enumerate()
            {
                table.add_row([
                    if rank == 0 {
                        answer.image.clone()
                    } else {
                        String::new()
                    },
                    format!("{:.2}", 100.0 * probability),
                    class.to_string(),
                    loaded.label(class).unwrap_or("-").to_owned(),
                ]);
            }
        }
        report::print(&table)
    }
}

fn logits(
    input: Input,
    loaded: &Loaded,
    forward: &Forward<2>,
    device: &Device,
) -> Result<Vec<f32>> {
    let image = input.read(&loaded.preprocess, device)?;
    loaded.check(&image)?;
    let data = forward.run(image)?.into_data();
    let logits = data.iter::<f32>().collect::<Vec<_>>();
    anyhow::ensure!(
        logits.iter().all(|logit| logit.is_finite()),
        "the network's output is not finite; the weights of {} may be broken",
        loaded.name
    );
    Some(logits)
        .filter(|logits| !logits.is_empty())
        .context("the network has no classes")
}

/// Classes with their probabilities, the most likely first, equal ones by number.
fn ranked(logits: &[f32], loaded: &Loaded) -> Vec<(usize, f32)> {
    let probabilities = match (loaded.outputs, logits) {
        // A single output decides between two named classes.
        (Outputs::Independent, [logit]) if loaded.label(1).is_some() => {
            vec![sigmoid(-logit), sigmoid(*logit)]
        }
        (Outputs::Independent, _) => logits.iter().copied().map(sigmoid).collect(),
        (Outputs::OneClass, _) => softmax(logits),
    };
    let mut ranked: Vec<_> = probabilities.into_iter().enumerate().collect();
    // Probabilities may round to the same number although logits differ.
    let order = |class: usize| logits.get(class).copied().unwrap_or_default();
    ranked.sort_by(|a, b| {
        let by_logit = order(b.0).total_cmp(&order(a.0));
        b.1.total_cmp(&a.1).then(by_logit)
    });
    ranked
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logits.iter().map(|logit| (logit - highest).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::{sigmoid, softmax};

    #[test]
    fn probabilities_follow_the_definition() {
        // exp(0), exp(ln 2), exp(ln 5) share 8 parts.
        let found = softmax(&[0.0, 2.0_f32.ln(), 5.0_f32.ln()]);
        for (found, expected) in found.iter().zip([0.125, 0.25, 0.625]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        // 1 / (1 + 1/3).
        assert!((sigmoid(3.0_f32.ln()) - 0.75).abs() < 1e-6);
    }

    #[test]
    fn large_logits_do_not_overflow() {
        assert_eq!(softmax(&[1000.0, 0.0]), [1.0, 0.0]);
        assert_eq!([sigmoid(1000.0), sigmoid(-1000.0)], [1.0, 0.0]);
    }
}
