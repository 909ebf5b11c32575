//! What a recipe may ask for, on a few real digits and small networks.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use burn_zoo::weights::Dtype;
use burn_zoo::{Classifier as _, Options};
use burn_zoo_tests::digits::few_digits;
use burn_zoo_tests::training::{run_of, train, untrained};
use burn_zoo_train::{Ended, EpochReport, Recipe, Run, Start, TrainReport};
use safetensors::SafeTensors;

const SMALL: &str = r#"
model = "highway_fc3"
classes = 10
channels = 1
epochs = 2
batch = 8
seed = 3
output = "set by each test"
[data]
path = "set by each test"
valid = 16
[optimizer]
lr = 0.05
[schedule]
decay = "cosine"
"#;

fn recipe(folder: &Path, name: &str, settings: &[(&str, &str)]) -> Recipe {
    let (output, path) = (folder.join(name), folder.to_path_buf());
    let usual = [
        ("output", output.display().to_string()),
        ("data.path", path.display().to_string()),
    ];
    let settings = settings.iter().map(|&(key, value)| (key, value.to_owned()));
    let all: Vec<_> = usual
        .into_iter()
        .chain(settings)
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    Recipe::parse(name, SMALL, &all).unwrap()
}

/// What is drawn at random comes from one stream for the whole process.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(recipe: &Recipe) -> Result<TrainReport, burn_zoo::Error> {
    start(recipe, Start::Fresh, Arc::default(), |_| {})
}

fn start(
    recipe: &Recipe,
    start: Start,
    stop: Arc<AtomicBool>,
    progress: impl FnMut(&EpochReport) + 'static,
) -> Result<TrainReport, burn_zoo::Error> {
    let _alone = one_at_a_time();
    let device = Device::flex();
    let model = untrained(recipe, &device)?;
    let run = Run {
        start,
        stop,
        ..run_of(recipe)?
    };
    train(model, run, &[device], progress)
}

fn losses(report: &TrainReport) -> Vec<f64> {
    let pair = |epoch: &EpochReport| [epoch.train_loss, epoch.valid_loss.unwrap()];
    report.epochs.iter().flat_map(pair).collect()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance, "{found:?} is not {expected:?}");
    }
}

/// Without batch norm, whose statistics are a batch's: sums of f32 in another order.
#[test]
fn two_batches_of_four_make_the_steps_of_one_of_eight() {
    let folder = tempfile::tempdir().unwrap();
    // 36 to learn from: four full steps and one of half the size.
    few_digits(folder.path(), 36 + 16);
    let whole = run(&recipe(folder.path(), "whole", &[])).unwrap();
    let halves = [("batch", "4"), ("accumulate", "2")];
    let halves = run(&recipe(folder.path(), "halves", &halves)).unwrap();
    assert_close(&losses(&halves), &losses(&whole), 1e-5);
    let more = run(&recipe(folder.path(), "more", &[("batch", "4")])).unwrap();
    assert!((losses(&more)[0] - losses(&whole)[0]).abs() > 1e-3);
}

/// Everything that has a state of its own, stopped after the first step of the third epoch.
#[test]
fn a_run_that_was_told_to_stop_goes_on_from_its_batch_exactly() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 48 + 16);
    let settings = [
        ("model", "resnet20_cifar"),
        ("epochs", "4"),
        ("accumulate", "2"),
        ("stochastic_depth", "0.3"),
        ("optimizer.kind", "adamw"),
        ("optimizer.lr", "0.005"),
        ("optimizer.weight_decay", "0.1"),
        ("optimizer.clip_norm", "1.0"),
        ("schedule.decay", "one-cycle"),
        ("ema.decay", "0.8"),
        ("fine_tune.lr_factors.stage1", "0.5"),
    ];
    let whole = run(&recipe(folder.path(), "whole", &settings)).unwrap();
    assert_eq!(whole.ended, Ended::Finished);

    let recipe = recipe(folder.path(), "stopped", &settings);
    let stop = Arc::new(AtomicBool::new(false));
    let set = stop.clone();
    let stopped = start(&recipe, Start::Fresh, stop, move |epoch| {
        set.store(epoch.epoch == 2, Ordering::Relaxed);
    });
    let stopped = stopped.unwrap();
    assert_eq!((stopped.ended, stopped.epochs.len()), (Ended::Stopped, 2));
    let checkpoints = recipe.output.join("checkpoints");
    // A step is two batches.
    let state = checkpoints.join("epoch-2-batch-2/state.json");
    let state: serde_json::Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    assert_eq!((&state["batch"], &state["images"]), (&2.into(), &16.into()));

    let resumed = start(&recipe, Start::Resumed, Arc::default(), |_| {}).unwrap();
    assert_close(&losses(&resumed), &losses(&whole), 1e-12);
    assert!(!checkpoints.join("epoch-2-batch-2").exists());
    for name in ["best", "last", "last-plain"] {
        let read = |run: &str| {
            let path = folder.path().join(run).join(format!("{name}.safetensors"));
            std::fs::read(path).unwrap()
        };
        assert!(read("whole") == read("stopped"), "{name} differs");
    }
    let text = |name: &str| std::fs::read_to_string(recipe.output.join(name)).unwrap();
    assert_eq!(text("metrics.csv").lines().count(), 5);
    assert!(text("report.md").contains("for 4 of 4 epochs"));
    assert!(text("curves.svg").starts_with("<svg"));
    let log = text("train.log");
    for line in [
        "started: resnet20_cifar",
        "stopped;",
        "resumed after 2 epochs",
        "finished",
    ] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
}

/// The tensors of a file whose keys begin so, sorted.
fn tensors(file: &Path, start: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(file).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let all = file.tensors().into_iter();
    let chosen = all.filter(|(key, _)| key.starts_with(start));
    let mut chosen: Vec<_> = chosen
        .map(|(key, view)| (key, view.data().to_vec()))
        .collect();
    chosen.sort();
    chosen
}

#[test]
fn frozen_stages_stay_as_they_are_and_the_rest_learns() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 32 + 16);
    let settings = [
        ("model", "resnet20_cifar"),
        ("fine_tune.freeze", "[\"conv1\", \"stage1\"]"),
        ("fine_tune.lr_factors.stage2", "0.0"),
        ("optimizer.weight_decay", "0.1"),
    ];
    let recipe = recipe(folder.path(), "run", &settings);
    run(&recipe).unwrap();
    let _alone = one_at_a_time();
    let before = folder.path().join("before.safetensors");
    let model = untrained(&recipe, &Device::flex()).unwrap();
    model.save(&before, Dtype::F32).unwrap();
    let after = recipe.output.join("last.safetensors");
    let changed = |start: &str| {
        let [before, after] = [&before, &after].map(|file| tensors(file, start));
        assert!(!before.is_empty(), "{start} names no tensor");
        let pairs = before.into_iter().zip(after);
        let changed = pairs.filter(|(before, after)| before != after);
        changed.map(|(before, _)| before.0).collect::<Vec<_>>()
    };
    // Running statistics of frozen norms too.
    for frozen in ["conv1", "bn1", "layer1"] {
        assert_eq!(changed(frozen), Vec::<String>::new());
    }
    // A rate of 0 leaves the weights, but norms go on counting.
    let counted = changed("layer2");
    assert!(
        counted.iter().all(|key| key.contains("running")),
        "{counted:?}"
    );
    assert!(!counted.is_empty());
    // Three blocks of two convolutions and two norms of four tensors.
    assert_eq!(changed("layer3").len(), 3 * (2 + 2 * 4));
    assert_eq!(changed("fc"), ["fc.bias", "fc.weight"]);
}

#[test]
fn parts_that_do_not_exist_are_an_error_that_lists_those_that_do() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 16 + 16);
    let with = |settings: &[(&str, &str)]| {
        let recipe = recipe(folder.path(), "run", settings);
        let error = run(&recipe).unwrap_err().to_string();
        assert!(
            !recipe.output.exists(),
            "a run that cannot start leaves nothing"
        );
        error
    };
    let unknown = with(&[
        ("model", "resnet20_cifar"),
        ("fine_tune.freeze", "[\"layer1\"]"),
    ]);
    let parts = "fine_tune.freeze names layer1, but the parts of this network are conv1, stage1, \
                 stage2, stage3, head, and backbone";
    assert!(unknown.contains(parts), "{unknown}");
    let all = with(&[
        ("model", "resnet20_cifar"),
        ("fine_tune.freeze", "[\"backbone\", \"head\"]"),
    ]);
    assert!(all.contains("leaves nothing to train"), "{all}");
    let plain = with(&[("model", "plain20_cifar"), ("stochastic_depth", "0.1")]);
    assert!(plain.contains("no residual branches"), "{plain}");
    let blind = with(&[("early_stopping.patience", "1"), ("data.valid", "0")]);
    assert!(blind.contains("needs validation images"), "{blind}");
}

/// With a decay of 0 the average is the weights; with one near 1 it stays near the first ones.
#[test]
fn the_average_is_what_is_validated_and_saved() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 32 + 16);
    let plain = run(&recipe(folder.path(), "plain", &[])).unwrap();
    let same = run(&recipe(folder.path(), "same", &[("ema.decay", "0.0")])).unwrap();
    assert_close(&losses(&same), &losses(&plain), 1e-6);
    let slow = run(&recipe(folder.path(), "slow", &[("ema.decay", "0.999")])).unwrap();
    let trained = |report: &TrainReport| report.epochs[1].train_loss;
    assert_eq!(trained(&slow), trained(&plain));
    let valid = |report: &TrainReport| report.epochs[1].valid_loss.unwrap();
    assert!(
        valid(&slow) > valid(&plain) + 0.1,
        "{} {}",
        valid(&slow),
        valid(&plain)
    );
    let read = |run: &str, name: &str| {
        let path = folder.path().join(run).join(name);
        std::fs::read(path).unwrap()
    };
    let weights = read("plain", "last.safetensors");
    assert!(read("slow", "last-plain.safetensors") == weights);
    assert!(read("slow", "last.safetensors") != weights);
}

#[test]
fn a_run_that_no_longer_gets_better_ends_early() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 32 + 16);
    // Nothing moves, so that the first epoch stays the best.
    let settings = [
        ("epochs", "9"),
        ("optimizer.lr", "1e-30"),
        ("early_stopping.patience", "2"),
    ];
    let recipe = recipe(folder.path(), "run", &settings);
    let report = run(&recipe).unwrap();
    assert_eq!((report.ended, report.epochs.len()), (Ended::Early, 3));
    // It has nothing to add either.
    let again = start(&recipe, Start::Resumed, Arc::default(), |_| {
        panic!("an epoch")
    });
    assert_eq!(again.unwrap().ended, Ended::Early);
}

#[test]
fn gradient_checkpointing_changes_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 32 + 16);
    let model = ("model", "resnet20_cifar");
    let whole = run(&recipe(folder.path(), "whole", &[model])).unwrap();
    // A factor of 1 changes nothing, but makes the parts of the network be looked for.
    let settings = [
        model,
        ("gradient_checkpointing", "true"),
        ("fine_tune.lr_factors.head", "1.0"),
    ];
    let recipe = recipe(folder.path(), "less", &settings);
    let stop = Arc::new(AtomicBool::new(false));
    let set = stop.clone();
    let stopped = start(&recipe, Start::Fresh, stop, move |_| {
        set.store(true, Ordering::Relaxed);
    });
    assert_eq!(stopped.unwrap().ended, Ended::Stopped);
    let less = start(&recipe, Start::Resumed, Arc::default(), |_| {}).unwrap();
    assert_close(&losses(&less), &losses(&whole), 1e-6);
}

#[test]
fn every_recipe_is_one_of_a_model_there_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let recipe = Recipe::read(&path, &[]).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let options = Options {
            classes: recipe.classes.unwrap_or(1000),
            channels: recipe.channels,
            aux_heads: true,
            zero_pad: burn_zoo::ZeroPad::End,
        };
        let model = burn_zoo::create(&recipe.model, options, &Device::flex());
        let channels = model
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .input()
            .channels;
        assert_eq!(channels, recipe.channels, "{name}");
        assert_eq!(
            recipe.output,
            Path::new("runs").join(recipe.output.file_name().unwrap())
        );
        found.push(name);
    }
    found.sort();
    let shipped = [
        "cifar10-highway",
        "cifar10-resnet",
        "digits-0to6",
        "digits-resnet20",
        "digits-small",
        "finetune",
        "imagenet-inception-v3",
        "imagenet-resnet50",
        "imagenet-resnet50-v2",
    ];
    assert_eq!(found, shipped);
}

#[test]
fn a_recipe_without_classes_takes_those_of_the_data_or_says_that_they_do_not_tell() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 16);
    let output = folder.path().join("run");
    let text = SMALL.replace("classes = 10\n", "");
    let recipe = |path: &Path| {
        let settings = [("output", &*output), ("data.path", path)];
        let settings = settings.map(|(key, path)| (key.to_owned(), path.display().to_string()));
        Recipe::parse("test", &text, &settings).unwrap()
    };
    let error = recipe(folder.path())
        .datasets(None)
        .unwrap_err()
        .to_string();
    let told = "IDX files do not tell how many classes there are; the recipe must, as classes = 10";
    assert!(error.ends_with(told), "{error}");

    let pictures = folder.path().join("pictures");
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/digits");
    for digit in [1, 4, 7] {
        let class = pictures.join(format!("train/digit {digit}"));
        std::fs::create_dir_all(&class).unwrap();
        for copy in 0..8 {
            let picture = digits.join(format!("{digit}.png"));
            std::fs::copy(picture, class.join(format!("{copy}.png"))).unwrap();
        }
    }
    let recipe = recipe(&pictures);
    let report = run(&recipe).unwrap();
    assert_eq!(report.epochs.len(), 2);
    let kept = Recipe::of_run(&output).unwrap();
    assert_eq!((recipe.classes, kept.classes), (None, Some(3)));
    let labels = std::fs::read_to_string(output.join("labels.txt")).unwrap();
    assert_eq!(labels, "digit 1\ndigit 4\ndigit 7\n");
    // It goes on with what it was resolved to.
    let again = start(&kept, Start::Resumed, Arc::default(), |_| {});
    assert_eq!(again.unwrap().ended, Ended::Finished);
}

/// torchvision's head fails below 299 pixels too, in its 5x5 convolution.
#[test]
fn images_too_small_for_an_auxiliary_head_are_an_error_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    few_digits(folder.path(), 16 + 16);
    let settings = [("model", "inception_v3"), ("data.augment.crop.size", "298")];
    let recipe = recipe(folder.path(), "run", &settings);
    let error = run(&recipe).unwrap_err().to_string();
    let told = "training images have 298x298 pixels, but the auxiliary head of inception_v3 needs \
                at least 299x299";
    assert!(error.contains(told), "{error}");
    assert!(!recipe.output.exists());
}
