//! Accuracy and more on a data set.

use std::num::NonZeroUsize;
use std::time::Instant;

use burn::data::dataloader::DataLoader as _;
use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use burn_zoo_core::{Classifier, Error, Preprocess};

use crate::calibration::Calibration;
use crate::data::Dataset;
use crate::idx::dataset as unusable;
use crate::loader::{BadImages, Batch, Loader, Order, Source, Views, unpack, workers};

/// How a data set is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Crops that go through the network at once.
    pub batch: usize,
    /// What is seen of an image.
    pub crops: Crops,
    /// What happens to images that cannot be read.
    pub bad_images: BadImages,
    /// Threads that read images; as many as there are cores, at most 8, if absent.
    pub workers: Option<NonZeroUsize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 64,
            crops: Crops::One,
            bad_images: BadImages::Stop,
            workers: None,
        }
    }
}

/// What is seen of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crops {
    /// The centre.
    One,
    /// The four corners, the centre and their mirror images, whose probabilities are averaged
    /// (Krizhevsky, Sutskever and Hinton 2012, section 4.1).
    Ten,
}

/// How a model did on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Number of images.
    pub images: usize,
    /// Images that could not be read and were left out.
    pub skipped: usize,
    /// Share of images whose first guess is right, in percent.
    pub top1: f64,
    /// Share of images with the right class among the first five guesses, in percent.
    pub top5: f64,
    /// Mean cross entropy, in nats.
    pub loss: f64,
    /// Expected calibration error over 15 bins, between 0 and 1 (Guo et al. 2017,
    /// arXiv:1706.04599): how far the first guess's probability is from how often it is right.
    pub ece: f64,
    /// One row per class.
    pub per_class: Vec<ClassScore>,
    /// Number of images by true class (row) and first guess (column).
    pub confusion: Vec<Vec<usize>>,
    /// Time taken.
    pub seconds: f64,
}

impl Evaluation {
    /// Images per second, reading included.
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }
}

/// How a model did on one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScore {
    /// Index of the class.
    pub class: usize,
    /// The data set's name of it, where it has one.
    pub label: Option<String>,
    /// Number of images.
    pub images: usize,
    /// Share of guesses of this class that are right, if it was ever guessed.
    pub precision: Option<f64>,
    /// Share of images of this class that were recognised, if there are any.
    pub recall: Option<f64>,
}

/// Runs a model over a data set, on a device without autodiff.
///
/// # Errors
///
/// [`Error::Input`] if images do not fit the model, [`Error::Dataset`] if ten crops do not fit the
/// images, and those of reading the images.
pub fn evaluate<M: Classifier>(
    model: &M,
    dataset: &Dataset,
    preprocess: &Preprocess,
    options: Options,
    device: &Device,
) -> Result<Evaluation, Error> {
    let start = Instant::now();
    let device = device.clone().inner();
    let classes = model.num_classes();
    let (views, crops) = match options.crops {
        Crops::One => (Views::One, 1),
        Crops::Ten => (Views::Ten, 10),
    };
    let longer = preprocess.crop.into_iter().max().unwrap_or(0);
    if options.crops == Crops::Ten && longer > preprocess.resize {
        let reason = format!(
            "ten crops of {longer} pixels do not fit images resized to {}",
            preprocess.resize
        );
        return Err(unusable(dataset.path(), reason));
    }
    let mut tally = Tally {
        confusion: vec![vec![0; classes]; classes],
        top5: 0,
        loss: 0.0,
        calibration: Calibration::default(),
    };
    let source = Source {
        dataset: dataset.clone(),
        preprocess: *preprocess,
        input: model.input(),
        classes,
        batch: (options.batch / crops).max(1),
        order: Order::Stored(views),
        bad_images: options.bad_images,
        workers: workers(options.workers),
    };
    let loader = Loader::new(source, 0, device);
    for batch in loader.iter() {
        let Batch { images, labels, .. } = batch.map_err(|error| unpack(&error))?;
        let found = log_softmax(model.forward(images), 1).into_data();
        let found: Vec<f32> = found.iter::<f32>().collect();
        let rows = found.chunks(crops * classes);
        for (views, label) in rows.zip(labels.into_data().iter::<i64>()) {
            tally.add(&mean(views, classes), label as usize);
        }
    }
    let skipped = loader.watch().take().skipped;
    if skipped == dataset.len() {
        let reason = format!("none of its {skipped} images can be read");
        return Err(unusable(dataset.path(), reason));
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(tally.finish(dataset, skipped, seconds))
}

/// The logarithm of each class's mean probability over the views of an image, from logarithms.
fn mean(views: &[f32], classes: usize) -> Vec<f64> {
    let count = views.len() / classes;
    let mean = |class: usize| {
        let column = || {
            views[class..]
                .iter()
                .step_by(classes)
                .copied()
                .map(f64::from)
        };
        let highest = column().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = column().map(|value| (value - highest).exp()).sum();
        highest + (sum / count as f64).ln()
    };
    (0..classes).map(mean).collect()
}

struct Tally {
    confusion: Vec<Vec<usize>>,
    top5: usize,
    loss: f64,
    calibration: Calibration,
}

impl Tally {
    /// Counts an image by the logarithms of the classes' probabilities.
    fn add(&mut self, found: &[f64], label: usize) {
        let ahead = |&(class, &score): &(usize, &f64)| {
            score > found[label] || (score == found[label] && class < label)
        };
        let rank = found.iter().enumerate().filter(ahead).count();
        let best = (0..found.len())
            .reduce(|best, class| {
                if found[class] > found[best] {
                    class
                } else {
                    best
                }
            })
            .unwrap_or(0);
        self.confusion[label][best] += 1;
        self.top5 += usize::from(rank < 5);
        self.loss -= found[label];
        self.calibration.add(found[best].exp(), best == label);
    }

    fn finish(self, dataset: &Dataset, skipped: usize, seconds: f64) -> Evaluation {
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
            skipped,
            top1: 100.0 * right as f64 / whole,
            top5: 100.0 * self.top5 as f64 / whole,
            loss: self.loss / whole,
            ece: self.calibration.error(),
            per_class,
            confusion: self.confusion,
            seconds,
        }
    }
}
