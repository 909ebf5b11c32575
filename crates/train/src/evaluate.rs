//! Accuracy and more on a data set.

use std::time::Instant;

use burn::data::dataloader::DataLoader as _;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{Classifier, Error, Preprocess};

use crate::data::Dataset;
use crate::loader::{Batch, Loader, Order, Source, unpack};

/// How a model did on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Number of images.
    pub images: usize,
    /// Share of images whose first guess is right, in percent.
    pub top1: f64,
    /// Share of images with the right class among the first five guesses, in percent.
    pub top5: f64,
    /// Mean cross entropy, in nats.
    pub loss: f64,
    /// One row per class.
    pub per_class: Vec<ClassScore>,
    /// Number of images by true class (row) and first guess (column).
    pub confusion: Vec<Vec<usize>>,
    /// Time taken.
    pub seconds: f64,
}

/// How a model did on one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScore {
    /// Index of the class.
    pub class: usize,
    /// Its folder's name, where classes are folders.
    pub label: Option<String>,
    /// Number of images.
    pub images: usize,
    /// Share of guesses of this class that are right, if it was ever guessed.
    pub precision: Option<f64>,
    /// Share of images of this class that were recognised, if there are any.
    pub recall: Option<f64>,
}

/// Runs a model over a data set, `batch` images at a time, on a device without autodiff.
///
/// # Errors
///
/// [`Error::Input`] if images do not fit the model, and those of reading the images.
pub fn evaluate<M: Classifier>(
    model: &M,
    dataset: &Dataset,
    preprocess: &Preprocess,
    batch: usize,
    device: &Device,
) -> Result<Evaluation, Error> {
    let forward = |images| Ok(model.forward(images));
    evaluate_by(model, forward, dataset, preprocess, batch, device)
}

/// As [`evaluate`], where `forward` gives the model's logits: a compiled plan, for example.
///
/// # Errors
///
/// As [`evaluate`], and those of `forward`.
pub fn evaluate_by<M: Classifier>(
    model: &M,
    mut forward: impl FnMut(Tensor<4>) -> Result<Tensor<2>, Error>,
    dataset: &Dataset,
    preprocess: &Preprocess,
    batch: usize,
    device: &Device,
) -> Result<Evaluation, Error> {
    let start = Instant::now();
    let device = device.clone().inner();
    let classes = model.num_classes();
    let mut tally = Tally {
        confusion: vec![vec![0; classes]; classes],
        top5: 0,
        loss: 0.0,
    };
    let source = Source {
        dataset: dataset.clone(),
        preprocess: *preprocess,
        input: model.input(),
        batch,
        order: Order::Stored,
    };
    for batch in Loader::new(source, 0, device).iter() {
        let Batch { images, labels } = batch.map_err(|error| unpack(&error))?;
        let scores = log_softmax(forward(images)?, 1).into_data();
        let scores: Vec<f32> = scores.iter::<f32>().collect();
        for (row, label) in scores.chunks(classes).zip(labels.into_data().iter::<i64>()) {
            tally.add(row, label as usize);
        }
    }
    Ok(tally.finish(dataset, start.elapsed().as_secs_f64()))
}

struct Tally {
    confusion: Vec<Vec<usize>>,
    top5: usize,
    loss: f64,
}

impl Tally {
    /// `scores` are logarithms of probabilities.
    fn add(&mut self, scores: &[f32], label: usize) {
        let ahead = |&(class, &score): &(usize, &f32)| {
            score > scores[label] || (score == scores[label] && class < label)
        };
        let rank = scores.iter().enumerate().filter(ahead).count();
        let best = (0..scores.len())
            .reduce(|best, class| {
                if scores[class] > scores[best] {
                    class
                } else {
                    best
                }
            })
            .unwrap_or(0);
        self.confusion[label][best] += 1;
        self.top5 += usize::from(rank < 5);
        self.loss -= f64::from(scores[label]);
    }

    fn finish(self, dataset: &Dataset, seconds: f64) -> Evaluation {
        let classes = self.confusion.len();
        let row = |class: usize| self.confusion[class].iter().sum::<usize>();
        let images: usize = (0..classes).map(row).sum();
        let right: usize = (0..classes).map(|class| self.confusion[class][class]).sum();
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let per_class = (0..classes)
            .map(|class| {
                let hits = self.confusion[class][class];
                let guesses = self.confusion.iter().map(|row| row[class]).sum();
                ClassScore {
                    class,
                    label: dataset.class_name(class).map(str::to_owned),
                    images: row(class),
                    precision: share(hits, guesses),
                    recall: share(hits, row(class)),
                }
            })
            .collect();
        let whole = images.max(1) as f64;
        Evaluation {
            images,
            top1: 100.0 * right as f64 / whole,
            top5: 100.0 * self.top5 as f64 / whole,
            loss: self.loss / whole,
            per_class,
            confusion: self.confusion,
            seconds,
        }
    }
}
