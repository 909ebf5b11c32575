use std::path::Path;

use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use burn_zoo_core::{Error, InputSpec, Preprocess};

use super::*;
use crate::augment::Augment;
use crate::classes::Classes;
use crate::data::Dataset;
use crate::mix::Mix;
use crate::random::Random;

const COUNT: u8 = 7;

const ANY: InputSpec = InputSpec::small(1, 1);

/// Values as they are, in images of one pixel.
const PLAIN: Preprocess = Preprocess {
    resize: burn_zoo_core::Resize::Shorter(1),
    crop: [1, 1],
    channels: 1,
    mean: [0.0; 3],
    std: [1.0; 3],
    ..Preprocess::IMAGENET
};

fn shuffled() -> Order {
    Order::Shuffled {
        seed: 1,
        augment: Augment::default(),
        mix: Mix::default(),
    }
}

fn source(dataset: Dataset, order: Order) -> Source {
    Source {
        dataset,
        preprocess: PLAIN,
        input: ANY,
        classes: COUNT.into(),
        batch: 3,
        order,
        bad_images: BadImages::Stop,
        workers: 2,
    }
}

/// Seven images of one pixel and their numbers for classes.
fn seven(order: Order) -> Source {
    let folder = tempfile::tempdir().unwrap();
    let labels: Vec<u8> = (0..COUNT).collect();
    source(crate::data::tests::pixels(folder.path(), &labels), order)
}

fn loader(source: Source) -> Loader {
    Loader::new(source, 0, Device::flex())
}

fn labels(loader: &dyn DataLoader<Batch>) -> Vec<Vec<i64>> {
    let batch = |batch: Result<Batch, DatasetError>| {
        let labels = batch.unwrap().labels.into_data();
        labels.iter::<i64>().collect()
    };
    loader.iter().map(batch).collect()
}

/// A folder of small pictures in two classes, some of them broken.
fn pictures(folder: &Path, count: u8, broken: &[u8]) -> Dataset {
    for number in 0..count {
        let class = folder.join(["cat", "dog"][usize::from(number % 2)]);
        std::fs::create_dir_all(&class).unwrap();
        let path = class.join(format!("{number}.bmp"));
        let image = image::GrayImage::from_fn(5, 4, |x, y| image::Luma([number + (x * y) as u8]));
        image.save(&path).unwrap();
        if broken.contains(&number) {
            std::fs::write(&path, "no picture").unwrap();
        }
    }
    Dataset::open(folder, "train", &Classes::unnamed(2)).unwrap()
}

#[test]
fn batches_come_in_order_and_the_last_may_be_smaller() {
    let stored = loader(seven(Order::Stored(Views::One)));
    let expected = [vec![0, 1, 2], vec![3, 4, 5], vec![6]];
    assert_eq!(labels(&stored), expected);
    let mut batches = stored.iter();
    for done in [3, 6, 7] {
        batches.next().unwrap().unwrap();
        assert_eq!(batches.progress().items_processed, done);
    }
    assert!(batches.progress().is_completed());
}

#[test]
fn each_pass_is_an_epoch_of_its_own_and_slices_share_it_out() {
    let order = |epoch| -> Vec<i64> {
        let order = Random::new(1, epoch, 0).permutation(COUNT.into());
        order.into_iter().map(|index| index as i64).collect()
    };
    let whole = loader(seven(shuffled()));
    assert_eq!(labels(&whole).concat(), order(0));
    assert_eq!(labels(&whole).concat(), order(1));
    let parts = [whole.slice(0, 4), whole.slice(4, 7)];
    let [first, second] = parts.map(|part| labels(part.as_ref()));
    assert_eq!([first, second].concat().concat(), order(2));
}

#[test]
fn one_worker_and_four_make_the_same_batches() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = pictures(folder.path(), 23, &[]);
    let augment: Augment = toml::from_str(
        r#"
        shift = 1
        flip = "horizontal"
        auto = "trivial"
        crop = {}
        jitter = { brightness = 0.4, contrast = 0.4 }
        erase = {}
        "#,
    )
    .unwrap();
    let order = Order::Shuffled {
        seed: 3,
        augment,
        mix: Mix {
            mixup: 0.2,
            cutmix: 1.0,
            probability: 0.9,
        },
    };
    let epochs = |workers| {
        let preprocess = Preprocess {
            resize: burn_zoo_core::Resize::Shorter(8),
            crop: [8, 8],
            ..PLAIN
        };
        let source = Source {
            preprocess,
            classes: 2,
            batch: 4,
            workers,
            ..source(dataset.clone(), order)
        };
        let loader = loader(source);
        let batches = [loader.iter(), loader.iter()].into_iter().flatten();
        let values = |batch: Result<Batch, DatasetError>| {
            let batch = batch.unwrap();
            let targets = batch.targets.map(|targets| targets.into_data());
            (batch.images.into_data(), batch.labels.into_data(), targets)
        };
        batches.map(values).collect::<Vec<_>>()
    };
    let one = epochs(1);
    assert_eq!(one.len(), 12);
    assert!(
        one.iter()
            .filter(|(_, _, targets)| targets.is_some())
            .count()
            > 6
    );
    assert_ne!(one[0], one[6]);
    assert_eq!(one, epochs(4));
}

#[test]
fn a_pass_may_end_early() {
    let stored = loader(seven(Order::Stored(Views::One)));
    drop(stored.iter());
    let mut batches = stored.iter();
    batches.next().unwrap().unwrap();
    drop(batches);
    // The loader's own share is the last: no thread holds another.
    assert_eq!(Arc::strong_count(&stored.source), 1);
}

#[test]
fn our_errors_come_through_burns() {
    let wrong = loader(Source {
        input: InputSpec::small(3, 1),
        ..seven(Order::Stored(Views::One))
    });
    let mut batches = wrong.iter();
    let error = batches.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("does not fit"), "{error}");
    assert!(matches!(unpack(&error), Error::Input { .. }));
    assert!(batches.next().is_none());
}

#[test]
fn a_broken_image_stops_with_its_path_or_is_counted_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = pictures(folder.path(), 12, &[2, 7]);
    let strict = loader(source(dataset.clone(), Order::Stored(Views::One)));
    let found: Vec<_> = strict.iter().collect();
    let error = found.last().unwrap().as_ref().unwrap_err().to_string();
    assert!(error.contains("2.bmp"), "{error}");

    let lenient = loader(Source {
        bad_images: BadImages::Skip,
        workers: 3,
        ..source(dataset, Order::Stored(Views::One))
    });
    assert_eq!(labels(&lenient).concat().len(), 10);
    assert_eq!(lenient.watch().take().skipped, 2);
    assert_eq!(lenient.watch().take().skipped, 0);
}

#[test]
fn a_panic_of_a_worker_reaches_the_caller() {
    // Crops larger than the image panic where ten are asked for.
    let source = Source {
        preprocess: Preprocess {
            crop: [2, 2],
            ..PLAIN
        },
        workers: 4,
        ..seven(Order::Stored(Views::Ten))
    };
    let loader = loader(source);
    let pass = std::panic::AssertUnwindSafe(|| loader.iter().count());
    let panic = std::panic::catch_unwind(pass).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("ten crops of 2x2"), "{message}");
}

#[test]
fn waiting_is_measured() {
    let source = seven(Order::Stored(Views::One));
    let loader = loader(source);
    let mut batches = loader.iter();
    batches.next().unwrap().unwrap();
    assert!(loader.watch().take().seconds > 0.0);
    // The next batch is ready by now.
    std::thread::sleep(std::time::Duration::from_millis(200));
    batches.next().unwrap().unwrap();
    let waited = loader.watch().take().seconds;
    assert!(waited < 0.1, "{waited}");
}
