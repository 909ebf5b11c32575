//! Training and evaluation from a recipe, on a few real digits.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;

use burn::tensor::Device;
use burn_zoo::weights::Checkpoint;
use burn_zoo_tests::digits::few_digits;
use burn_zoo_tests::training::{run_of, train, untrained};
use burn_zoo_train::{
    Classes, Data, Dataset, EpochReport, EvaluateOptions, Recipe, Run, Start, TrainReport, Valid,
    evaluate,
};

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
    start(recipe, Start::Fresh, |_| {})
}

fn start(
    recipe: &Recipe,
    start: Start,
    progress: impl FnMut(&EpochReport) + 'static,
) -> Result<TrainReport, burn_zoo::Error> {
    let device = Device::flex();
    let model = burn_zoo::pretrained("resnet20_cifar.digits", &device)?;
    let run = Run {
        start,
        ..run_of(recipe)?
    };
    train(model, run, &[device], progress)
}

fn losses(report: &TrainReport) -> Vec<[f64; 3]> {
    let row = |epoch: &EpochReport| {
        let [loss, top1] = [epoch.valid_loss, epoch.top1].map(Option::unwrap);
        [epoch.train_loss, loss, top1]
    };
    report.epochs.iter().map(row).collect()
}

/// Equal but for the last digit of what went through JSON.
#[track_caller]
fn close(found: &TrainReport, expected: &TrainReport) {
    let [found, expected] = [found, expected].map(losses);
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((a - b).abs() < 1e-12, "{found:?} is not {expected:?}");
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn without_validation_images_the_last_epoch_is_the_best() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 16);
    let recipe = Recipe {
        epochs: 2,
        data: Data {
            valid: Valid::Count(0),
            ..recipe(folder.path(), "run").data
        },
        ..recipe(folder.path(), "run")
    };
    let report = run(&recipe).unwrap();
    let figures = |epoch: &EpochReport| (epoch.valid_loss, epoch.top1);
    assert!(report.epochs.iter().map(figures).eq([(None, None); 2]));
    assert_eq!((report.best.epoch, report.best.top1), (2, None));
    let last = report.checkpoint.with_file_name("last.safetensors");
    assert!(std::fs::read(&report.checkpoint).unwrap() == std::fs::read(last).unwrap());
}

#[test]
fn a_run_repeats_itself_learns_and_leaves_a_file_that_loads() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 64 + 16);
    let first = run(&recipe(folder.path(), "first")).unwrap();
    let second = run(&recipe(folder.path(), "second")).unwrap();
    assert_eq!(losses(&first), losses(&second));
    let last = first.epochs.last().unwrap().train_loss;
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
    let found = evaluate(
        &model,
        &test,
        &preprocess,
        EvaluateOptions::default(),
        &device,
    )
    .unwrap();
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
fn a_checkpoint_that_cannot_be_written_stops_a_run_that_then_goes_on_exactly() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 64 + 16);
    let with = |output: &str| Recipe {
        epochs: 4,
        label_smoothing: 0.1,
        ..recipe(folder.path(), output)
    };
    let whole = run(&with("whole")).unwrap();

    let recipe = with("stopped");
    // A file where the third checkpoint is written aside bars the way, even for root.
    let checkpoints = recipe.output.join("checkpoints");
    let barred = checkpoints.join("epoch-3.partial");
    let bar = barred.clone();
    let stopped = start(&recipe, Start::Fresh, move |epoch| {
        if epoch.epoch == 2 {
            std::fs::write(&bar, "").unwrap();
        }
    });
    let message = stopped.unwrap_err().to_string();
    assert!(message.starts_with("cannot write"), "{message}");
    assert!(message.contains("epoch-3.partial"), "{message}");
    let best = format!("epoch-{}", whole.best.epoch);
    let kept = names(&checkpoints);
    assert_eq!(kept, ["epoch-1", "epoch-2", "epoch-3.partial"]);
    let files = [
        "model-2.bpk",
        "optimizer-2.bpk",
        "schedule-2.bpk",
        "state.json",
    ];
    assert_eq!(names(&checkpoints.join("epoch-2")), files);

    std::fs::remove_file(&barred).unwrap();
    let resumed = start(&recipe, Start::Resumed, |_| {}).unwrap();
    close(&resumed, &whole);
    assert_eq!(resumed.best.epoch, whole.best.epoch);
    let mut last_two_and_best = vec!["epoch-3".to_owned(), "epoch-4".to_owned(), best];
    last_two_and_best.sort();
    last_two_and_best.dedup();
    assert_eq!(names(&checkpoints), last_two_and_best);
    for name in ["best.safetensors", "last.safetensors"] {
        let read = |run: &str| std::fs::read(folder.path().join(run).join(name)).unwrap();
        assert_eq!(read("whole"), read("stopped"), "{name}");
    }

    // A finished run has nothing to add.
    let again = start(&recipe, Start::Resumed, |_| panic!("no epoch is left")).unwrap();
    close(&again, &whole);
}

#[test]
fn what_cannot_be_resumed_says_why() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 32 + 16);
    let mut recipe = recipe(folder.path(), "run");
    recipe.epochs = 1;
    let none = start(&recipe, Start::Resumed, |_| {}).unwrap_err();
    assert!(none.to_string().contains("run/recipe.toml"), "{none}");

    // A run that was stopped in its first epoch starts again.
    std::fs::create_dir(&recipe.output).unwrap();
    let kept = recipe.output.join("recipe.toml");
    std::fs::write(&kept, toml::to_string(&recipe).unwrap()).unwrap();
    assert_eq!(
        start(&recipe, Start::Resumed, |_| {}).unwrap().epochs.len(),
        1
    );

    let other = Recipe {
        batch: 8,
        ..recipe.clone()
    };
    let other = start(&other, Start::Resumed, |_| {}).unwrap_err();
    assert!(other.to_string().contains("another recipe"), "{other}");

    let checkpoint = recipe.output.join("checkpoints/epoch-1");
    std::fs::write(checkpoint.join("model-1.bpk"), "no weights").unwrap();
    let broken = start(&recipe, Start::Resumed, |_| {}).unwrap_err();
    assert!(
        broken.to_string().contains("epoch-1 cannot be used"),
        "{broken}"
    );
}

#[test]
fn a_loss_that_is_no_number_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 64 + 16);
    let mut recipe = recipe(folder.path(), "run");
    recipe.optimizer.lr = 1e30;
    let message = run(&recipe).unwrap_err().to_string();
    assert!(message.contains("in epoch 1, step"), "{message}");
    assert!(message.contains("lower optimizer.lr"), "{message}");
}

#[test]
fn random_weights_learn_too() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 64 + 16);
    let mut recipe = recipe(folder.path(), "run");
    recipe.epochs = 20;
    let device = Device::flex();
    let model = untrained(&recipe, &device).unwrap();
    let report = train(model, run_of(&recipe).unwrap(), &[device], |_| {}).unwrap();
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
    assert!(empty.contains("no class folders with images"), "{empty}");
    few_digits(folder.path(), 20);
    let few = Dataset::open(folder.path(), "test", &Classes::unnamed(2))
        .unwrap_err()
        .to_string();
    assert!(few.contains("the model has 2 classes"), "{few}");
}
