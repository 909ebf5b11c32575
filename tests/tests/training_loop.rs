//! Training and evaluation from a recipe, on a few real digits.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{Read as _, Write as _};
use std::path::Path;

use burn::tensor::Device;
use burn_zoo::weights::{Checkpoint, Dtype};
use burn_zoo::{AnyClassifier, Options};
use burn_zoo_train::{Classes, Dataset, Recipe, Run, TrainReport, evaluate, train};

/// The first `count` training digits as a data set of their own, its test split the same images.
fn few_digits(folder: &Path, count: usize) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/mnist");
    for (name, header, each) in [
        ("images-idx3-ubyte", 16, 28 * 28),
        ("labels-idx1-ubyte", 8, 1),
    ] {
        let file = std::fs::File::open(source.join(format!("train-{name}.gz"))).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file)
            .read_to_end(&mut bytes)
            .unwrap();
        bytes.truncate(header + count * each);
        bytes[4..8].copy_from_slice(&u32::try_from(count).unwrap().to_be_bytes());
        for split in ["train", "t10k"] {
            let path = folder.join(format!("{split}-{name}"));
            std::fs::File::create(path)
                .unwrap()
                .write_all(&bytes)
                .unwrap();
        }
    }
}

fn recipe(folder: &Path, output: &str) -> Recipe {
    let text = format!(
        r#"
        model = "resnet20_cifar"
        classes = 10
        channels = 1
        epochs = 8
        batch = 16
        seed = 3
        output = {:?}
        [data]
        path = {:?}
        valid = 16
        [optimizer]
        lr = 0.05
        [schedule]
        decay = "cosine"
        "#,
        folder.join(output),
        folder,
    );
    Recipe::parse("test", &text, &[]).unwrap()
}

fn run(recipe: &Recipe) -> Result<TrainReport, burn_zoo::Error> {
    let device = Device::flex();
    let (training, validation) = recipe.datasets(None)?;
    let model = burn_zoo::pretrained("resnet20_cifar.digits", &device)?;
    let run = Run {
        recipe,
        preprocess: burn_zoo::architecture(&recipe.model)?.preprocess(recipe.channels),
        training,
        validation,
        save: |model: &AnyClassifier, path| model.save(path, Dtype::F32),
    };
    train(model, run, &device, |_| {})
}

#[test]
fn a_run_repeats_itself_learns_and_leaves_a_file_that_loads() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 64 + 16);
    let first = run(&recipe(folder.path(), "first")).unwrap();
    let second = run(&recipe(folder.path(), "second")).unwrap();
    let losses = |report: &TrainReport| -> Vec<f64> {
        report.epochs.iter().map(|epoch| epoch.train_loss).collect()
    };
    assert_eq!(losses(&first), losses(&second));
    let last = *losses(&first).last().unwrap();
    assert!(last < 0.05, "64 digits are learned to a loss of {last}");

    let device = Device::flex();
    assert!(first.checkpoint.is_file());
    let last = first.checkpoint.with_file_name("last.safetensors");
    let checkpoint = Checkpoint::open(&last).unwrap();
    let model = burn_zoo::load("resnet20_cifar", &checkpoint, &device).unwrap();
    let test = Dataset::open(folder.path(), "test", &Classes::unnamed(10)).unwrap();
    let preprocess = burn_zoo::architecture("resnet20_cifar")
        .unwrap()
        .preprocess(1);
    let found = evaluate(&model, &test, &preprocess, 32, &device).unwrap();
    assert_eq!(found.images, 80);
    assert_eq!(found.confusion.iter().flatten().sum::<usize>(), 80);
    assert!(
        found.top1 >= 90.0 && found.top5 >= found.top1,
        "{} {}",
        found.top1,
        found.top5
    );

    let again = run(&recipe(folder.path(), "first"))
        .unwrap_err()
        .to_string();
    assert!(again.contains("holds a run already"), "{again}");
}

#[test]
fn random_weights_learn_too() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 64 + 16);
    let mut recipe = recipe(folder.path(), "run");
    recipe.epochs = 20;
    let device = Device::flex();
    device.seed(recipe.seed);
    let (training, validation) = recipe.datasets(None).unwrap();
    let options = Options {
        classes: 10,
        channels: 1,
        aux_heads: true,
    };
    let model = burn_zoo::create(&recipe.model, options, &device).unwrap();
    let run = Run {
        recipe: &recipe,
        preprocess: burn_zoo::architecture(&recipe.model).unwrap().preprocess(1),
        training,
        validation,
        save: |model: &AnyClassifier, path| model.save(path, Dtype::F32),
    };
    let report = train(model, run, &device, |_| {}).unwrap();
    let last = report.epochs.last().unwrap().train_loss;
    assert!(last < 0.05, "64 digits are learned to a loss of {last}");
}

#[test]
fn a_data_set_that_does_not_fit_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Dataset::open(&folder.path().join("none"), "test", &Classes::unnamed(10))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none"), "{missing}");
    let empty = Dataset::open(folder.path(), "test", &Classes::unnamed(10))
        .unwrap_err()
        .to_string();
    assert!(
        empty.contains("no folder of images in it, one per class"),
        "{empty}"
    );
    few_digits(folder.path(), 20);
    let few = Dataset::open(folder.path(), "test", &Classes::unnamed(2))
        .unwrap_err()
        .to_string();
    assert!(few.contains("the model has 2 classes"), "{few}");
}
