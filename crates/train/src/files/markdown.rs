//! A run's report for people.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

use crate::report::EpochReport;
use crate::train::Run;

/// What a report says of a run, epochs apart.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Architecture, its size, and what it began with.
    pub(crate) model: String,
    data: String,
    steps: String,
    device: String,
}

impl About {
    /// `model` is what is trained, on devices that train.
    pub(crate) fn new<M>(model: &impl Module, run: &Run<'_, M>, devices: &[Device]) -> Self {
        let recipe = run.recipe;
        let weights = match &recipe.weights {
            Some(weights) => format!("from {weights}"),
            None => "from random weights".to_owned(),
        };
        let accumulate = match recipe.accumulate {
            1 => String::new(),
            batches => format!(" x {batches}"),
        };
        let name = |device: &Device| format!("{:?}", device.clone().inner());
        let names: Vec<_> = devices.iter().map(name).collect();
        Self {
            model: format!(
                "{}, {} trained parameters, {weights}",
                recipe.model,
                parameters(model)
            ),
            data: format!(
                "{}: {} images to train, {} to validate, {} classes",
                recipe.data.path.display(),
                run.training.len(),
                run.validation.len(),
                run.training.num_classes()
            ),
            steps: format!(
                "batch {}{accumulate}, seed {}, see recipe.toml",
                recipe.batch, recipe.seed
            ),
            device: names.join(", "),
        }
    }

    /// The report after these epochs of `total`.
    pub(super) fn report(&self, epochs: &[EpochReport], total: usize) -> String {
        let seconds: f64 = epochs.iter().map(|epoch| epoch.seconds).sum();
        let scored = epochs.iter().filter_map(|epoch| Some((epoch, epoch.top1?)));
        let best = scored.reduce(|best, next| if next.1 > best.1 { next } else { best });
        let best = match best {
            Some((epoch, top1)) => format!("top-1 {top1:.2} % in epoch {}", epoch.epoch),
            None => "nothing to validate on".to_owned(),
        };
        let last = epochs.last().map(EpochReport::line).unwrap_or_default();
        let rows = [
            ("model", self.model.as_str()),
            ("data", &self.data),
            ("steps", &self.steps),
            ("best", &best),
            ("last", &last),
        ];
        let rows = rows.map(|(name, text)| format!("| {name} | {text} |\n"));
        let confusion = match epochs.iter().any(|epoch| epoch.top1.is_some()) {
            true => "![confusion matrix](confusion.svg)\n\n",
            false => "",
        };
        format!(
            "# Training report\n\n| | |\n|---|---|\n{}\
             | time | {seconds:.1} s for {} of {total} epochs |\n\
             | device | {} |\n\n![learning curves](curves.svg)\n\n{confusion}\
             Figures by epoch: metrics.csv. Weights: best.safetensors, last.safetensors.\n",
            rows.concat(),
            epochs.len(),
            self.device
        )
    }
}

/// Number of values that have gradients.
fn parameters<M: Module>(model: &M) -> usize {
    struct Trainable(usize);
    impl ModuleVisitor for Trainable {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0 += param.shape().num_elements();
            }
        }
    }
    let mut count = Trainable(0);
    model.visit(&mut count);
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::epochs;

    #[test]
    fn the_report_has_what_a_reader_asks_for() {
        let about = About {
            model: "tiny, 7 trained parameters, from random weights".to_owned(),
            data: "digits: 8 images to train, 2 to validate, 3 classes".to_owned(),
            steps: "batch 4, seed 7, see recipe.toml".to_owned(),
            device: "a device".to_owned(),
        };
        let text = about.report(&epochs(), 5);
        for part in [
            "| model | tiny, 7 trained parameters",
            "| data | digits: 8 images",
            "| best | top-1 62.50 % in epoch 2 |",
            "| last | train loss 1.2500, valid loss 1.7500, top-1 62.50 %, 2.0 s, waiting for data 0.0 % |",
            "| time | 3.5 s for 2 of 5 epochs |",
            "| device | a device |",
            "(curves.svg)",
            "(confusion.svg)",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
