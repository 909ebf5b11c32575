//! Training on folders of images: workers, mixing, and images that are broken.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;

use burn::tensor::Device;
use burn_zoo_tests::training::{run_of, train};
use burn_zoo_train::{EpochReport, Recipe, TrainReport};

/// The ten digits that ship as pictures, four times, one folder a class.
fn pictures(folder: &Path) {
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/digits");
    for digit in 0..10 {
        let class = folder.join("train").join(digit.to_string());
        std::fs::create_dir_all(&class).unwrap();
        for copy in 0..4 {
            let picture = digits.join(format!("{digit}.png"));
            std::fs::copy(picture, class.join(format!("{copy}.png"))).unwrap();
        }
    }
}

fn run(folder: &Path, output: &str, settings: &[(&str, &str)]) -> Result<TrainReport, String> {
    let text = format!(
        r#"
        model = "resnet20_cifar"
        classes = 10
        channels = 1
        epochs = 2
        batch = 8
        seed = 3
        label_smoothing = 0.1
        output = {:?}
        [data]
        path = {folder:?}
        valid = 10
        [data.augment]
        auto = "trivial"
        shift = 2
        crop = {{ scale = [0.5, 1.0] }}
        erase = {{ probability = 0.5 }}
        [mix]
        mixup = 0.2
        cutmix = 1.0
        [optimizer]
        lr = 0.01
        [schedule]
        decay = "constant"
        "#,
        folder.join(output),
    );
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let settings: Vec<_> = settings.iter().map(owned).collect();
    let recipe = Recipe::parse("test", &text, &settings).unwrap();
    let device = Device::flex();
    let run = run_of(&recipe).unwrap();
    assert_eq!(run.validation.len(), 10);
    let model = burn_zoo::pretrained("resnet20_cifar.digits", &device).unwrap();
    train(model, run, &[device], |_| {}).map_err(|error| error.to_string())
}

#[test]
fn the_number_of_workers_changes_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let losses = |workers: &str| {
        let settings = [("data.workers", workers)];
        let report = run(folder.path(), &format!("run{workers}"), &settings).unwrap();
        let row = |epoch: &EpochReport| (epoch.train_loss, epoch.valid_loss.unwrap());
        report.epochs.iter().map(row).collect::<Vec<_>>()
    };
    let one = losses("1");
    assert_eq!(one.len(), 2);
    // Mixed and smoothed targets are never certain: the loss is at least their entropy, of which
    // smoothing alone gives 0.1 in ten classes 0.5 nats.
    assert!(one.iter().all(|(loss, _)| *loss > 0.5), "{one:?}");
    assert_eq!(one, losses("4"));
}

#[test]
fn broken_images_are_counted_or_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    for copy in 0..4 {
        let picture = folder.path().join(format!("train/6/{copy}.png"));
        std::fs::write(picture, "no picture").unwrap();
    }
    // One of the four is kept back for validation.
    let settings = [("data.skip_bad_images", "true")];
    let report = run(folder.path(), "lenient", &settings).unwrap();
    assert!(report.epochs.iter().all(|epoch| epoch.skipped == 3));
    let wait = report.epochs[1].data_wait;
    assert!((0.0..1.0).contains(&wait), "{wait}");
    let error = run(folder.path(), "strict", &[]).unwrap_err();
    assert!(error.contains("train/6/"), "{error}");
}

#[test]
fn where_no_image_can_be_read_the_run_ends() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let broken = |split: &str, copies: usize| {
        for digit in 0..10 {
            let class = folder.path().join(split).join(digit.to_string());
            std::fs::create_dir_all(&class).unwrap();
            for copy in 0..copies {
                std::fs::write(class.join(format!("{copy}.png")), "no picture").unwrap();
            }
        }
    };
    broken("val", 1);
    let settings = [("data.skip_bad_images", "true"), ("data.valid", "val")];
    let error = run(folder.path(), "validation", &settings).unwrap_err();
    assert!(
        error.contains("none of the 10 validation images"),
        "{error}"
    );
    broken("train", 4);
    let error = run(folder.path(), "training", &settings).unwrap_err();
    assert!(error.contains("none of the 40 training images"), "{error}");
}

#[test]
fn validation_on_what_is_trained_on_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let classes = folder.path().join("train").display().to_string();
    let settings = [("data.path", classes.as_str()), ("data.valid", "val")];
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes/finetune.toml"),
    );
    let owned = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let recipe = Recipe::parse("test", &text.unwrap(), &owned).unwrap();
    let error = recipe.datasets(None).unwrap_err().to_string();
    assert!(error.contains("no split val"), "{error}");
}

#[test]
fn files_in_the_way_are_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let output = folder.path().join("mine");
    std::fs::create_dir(&output).unwrap();
    std::fs::write(output.join("report.md"), "a year of work").unwrap();
    let error = run(folder.path(), "mine", &[]).unwrap_err();
    assert!(error.contains("has report.md already"), "{error}");
    let kept = std::fs::read_to_string(output.join("report.md")).unwrap();
    assert_eq!(kept, "a year of work");
}
