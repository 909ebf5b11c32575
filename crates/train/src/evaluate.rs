//! Accuracy and more on a data set.

use std::num::NonZeroUsize;
use std::time::Instant;

use burn::data::dataloader::DataLoader as _;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
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
    let forward = |images| Ok(model.forward(images));
    evaluate_by(model, forward, dataset, preprocess, options, device)
}

/// As [`evaluate`], where `forward` gives the model's logits: a compiled plan, for example. A network of
/// one output decides between two classes: its output is the second one's logit.
///
/// # Errors
///
/// As [`evaluate`], and those of `forward`.
pub fn evaluate_by<M: Classifier>(
    model: &M,
    mut forward: impl FnMut(Tensor<4>) -> Result<Tensor<2>, Error>,
    dataset: &Dataset,
    preprocess: &Preprocess,
    options: Options,
    device: &Device,
) -> Result<Evaluation, Error> {
    let start = Instant::now();
    let device = device.clone().inner();
    let outputs = model.num_classes();
    // A single output is the logit of the second of two classes, as in binary classifiers.
    let classes = outputs.max(2);
    let mut forward = move |images: Tensor<4>| {
        let logits = forward(images)?;
        Ok::<_, Error>(match outputs {
            1 => Tensor::cat(vec![logits.zeros_like(), logits], 1),
            _ => logits,
        })
    };
    let (views, crops) = match options.crops {
        Crops::One => (Views::One, 1),
        Crops::Ten => (Views::Ten, 10),
    };
    let [height, width] = preprocess.crop;
    let least = preprocess.resize.least().unwrap_or(preprocess.crop);
    if options.crops == Crops::Ten && (height > least[0] || width > least[1]) {
        let reason = format!(
            "ten crops of {height}x{width} pixels do not fit images resized to {}",
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
        let found = log_softmax(forward(images)?, 1).into_data();
        let found: Vec<f32> = found.iter::<f32>().collect();
        if found.iter().any(|it| it.is_nan()) {
            return Err(Error::NotFinite);
        }
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

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::Tensor;
    use burn_zoo_core::{FeatureMap, InputSpec, Pixels, ValueRange};

    use super::*;
    use crate::augment::tests::{Reference, of};
    use crate::classes::Classes;

    const CLASSES: usize = 7;

    /// A linear model of an image's brightness, as `tools/reference/evaluate.py` has it.
    #[derive(Module, Debug)]
    struct Brightness {
        #[module(skip)]
        channels: usize,
    }

    impl Classifier for Brightness {
        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            let device = images.device();
            let row = |values: [f32; CLASSES]| Tensor::<2>::from_data([values], &device);
            let [count, channels, height, width] = images.dims();
            let brightness = images
                .reshape([count, channels * height * width])
                .mean_dim(1);
            let slopes = row([0.0, 6.0, -3.0, 2.0, 1.0, -1.0, 4.0]);
            brightness.matmul(slopes) + row([1.0, -2.0, 2.0, 0.0, 0.5, 1.0, -1.0])
        }

        fn features(&self, images: Tensor<4>) -> Vec<FeatureMap> {
            vec![FeatureMap::new("input", images)]
        }

        fn input(&self) -> InputSpec {
            InputSpec::small(self.channels, 1)
        }

        fn num_classes(&self) -> usize {
            CLASSES
        }

        fn with_classes(self, _: usize) -> Self {
            self
        }
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        // f32 logits against double precision.
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn the_figures_are_those_of_an_independent_implementation() {
        let folder = tempfile::tempdir().unwrap();
        let labels: Vec<u8> = (0..40).map(|index| index * 3 % 7).collect();
        let dataset = crate::data::tests::pixels(folder.path(), &labels);
        let preprocess = Preprocess {
            resize: burn_zoo_core::Resize::Shorter(1),
            crop: [1, 1],
            channels: 1,
            range: ValueRange::Byte,
            mean: [0.0; 3],
            std: [20.0; 3],
            ..Preprocess::IMAGENET
        };
        let model = Brightness { channels: 1 };
        let options = Options {
            batch: 16,
            ..Options::default()
        };
        let found = evaluate(&model, &dataset, &preprocess, options, &Device::flex()).unwrap();
        // Printed by tools/reference/evaluate.py.
        assert_eq!((found.images, found.skipped), (40, 0));
        close(found.top1, 15.0);
        close(found.top5, 70.0);
        close(found.loss, 3.719_783_092_917_562);
        close(found.ece, 0.464_509_112_812_657_33);
        let column = |class: usize| found.confusion.iter().map(|row| row[class]).sum::<usize>();
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(column), [4, 29, 7, 0, 0, 0, 0]);
        let score = |class: usize| {
            let score = &found.per_class[class];
            (score.images, score.precision, score.recall)
        };
        assert_eq!(score(1), (5, Some(4.0 / 29.0), Some(4.0 / 5.0)));
        assert_eq!(score(2), (6, Some(1.0 / 7.0), Some(1.0 / 6.0)));
        assert_eq!(score(5), (6, None, Some(0.0)));
    }

    #[test]
    fn ten_crops_are_torchvisions_and_their_probabilities_are_averaged() {
        let reference = Reference::read();
        let [picture, _] = reference.pictures();
        let preprocess = Preprocess {
            resize: burn_zoo_core::Resize::Shorter(18),
            crop: [16, 16],
            mean: [0.0; 3],
            std: [1.0; 3],
            ..Preprocess::IMAGENET
        };
        let crops = preprocess.ten_crops(&picture);
        let like = Pixels::new(16, 16, 3, vec![0; 768]);
        let expected = reference.value(&["ten_crops", "ten"]).as_array().unwrap();
        assert_eq!(expected.len(), 10);
        for (index, (crop, expected)) in crops.iter().zip(expected).enumerate() {
            assert_eq!(*crop, of(&like, expected), "crop {index}");
        }

        let folder = tempfile::tempdir().unwrap();
        for class in ["0", "1", "2", "3", "4", "5", "6"] {
            let path = folder.path().join(class);
            std::fs::create_dir(&path).unwrap();
            picture
                .clone()
                .into_image()
                .save(path.join("a.png"))
                .unwrap();
        }
        let dataset = Dataset::open(folder.path(), "test", &Classes::unnamed(CLASSES)).unwrap();
        let model = Brightness { channels: 3 };
        let row = |crops| {
            let options = Options {
                batch: 20,
                crops,
                ..Options::default()
            };
            evaluate(&model, &dataset, &preprocess, options, &Device::flex()).unwrap()
        };
        // The same picture in every class.
        let expected = |loss: [f64; CLASSES]| loss.iter().sum::<f64>() / CLASSES as f64;
        close(row(Crops::Ten).loss, expected(TEN));
        close(row(Crops::One).loss, expected(ONE));

        let small = Preprocess {
            resize: burn_zoo_core::Resize::Shorter(15),
            ..preprocess
        };
        let options = Options {
            crops: Crops::Ten,
            ..Options::default()
        };
        let error = evaluate(&model, &dataset, &small, options, &Device::flex());
        let message = error.unwrap_err().to_string();
        assert!(message.contains("ten crops of 16x16 pixels"), "{message}");
    }

    /// Printed by tools/reference/evaluate.py.
    const TEN: [f64; CLASSES] = [
        1.842_067, 1.788_734, 2.368_544, 1.824_345, 1.833_213, 2.350_907, 1.806_568,
    ];
    const ONE: [f64; CLASSES] = [
        1.850_531, 1.768_730, 2.391_432, 1.823_264, 1.836_898, 2.364_165, 1.795_997,
    ];
}
