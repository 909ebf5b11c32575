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
