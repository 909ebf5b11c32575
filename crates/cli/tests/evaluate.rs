//! `evaluate` on folders, archives and what is broken in them.
#![allow(
    clippy::unwrap_used,
    reason = "a failed test is what a panic is for here"
)]

mod common;

use std::path::Path;

use burn::tensor::Device;
use burn_zoo::Options;
use burn_zoo::weights::Dtype;
use common::{burn_zoo, root, status, stderr};
use serde_json::Value;

const DIGITS: [&str; 2] = ["--model", "resnet20_cifar.digits"];

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let output = burn_zoo(arguments);
    assert_eq!(status(&output), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn fails(arguments: &[&str]) -> String {
    let output = burn_zoo(arguments);
    assert_eq!(status(&output), Some(1), "{}", stderr(&output));
    stderr(&output)
}

/// The shipped pictures of digits, one in each folder of these names.
fn folders(root_of: &Path, names: &[&str]) {
    for (digit, name) in names.iter().enumerate() {
        let class = root_of.join(name);
        std::fs::create_dir_all(&class).unwrap();
        let picture = root().join(format!("assets/digits/{digit}.png"));
        std::fs::copy(picture, class.join("picture.png")).unwrap();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn synsets_are_the_classes_of_a_model_of_imagenet() {
    let folder = tempfile::tempdir().unwrap();
    // Imagenette's folders; the numbers are those of the 1,000 classes.
    let imagenette = [
        ("n01440764", 0),
        ("n02102040", 217),
        ("n02979186", 482),
        ("n03000684", 491),
        ("n03028079", 497),
        ("n03394916", 566),
        ("n03417042", 569),
        ("n03425413", 571),
        ("n03445777", 574),
        ("n03888257", 701),
    ];
    let data = folder.path().join("imagenette2");
    for split in ["train", "val"] {
        folders(&data.join(split), &imagenette.map(|(synset, _)| synset));
    }
    let options = Options {
        classes: 1000,
        channels: 1,
        aux_heads: true,
        zero_pad: burn_zoo::ZeroPad::End,
    };
    let weights = folder.path().join("weights");
    let model = burn_zoo::create("highway_fc10", options, &Device::flex()).unwrap();
    model.save(&weights, Dtype::F32).unwrap();
    let run = [
        "evaluate",
        "--model",
        "highway_fc10",
        "--weights",
        text(&weights),
        "--json",
    ];
    let found = json(&[&run[..], &["--data", text(&data)]].concat());
    assert_eq!(found["images"], 10);
    let rows = found["per_class"].as_array().unwrap();
    assert_eq!(rows.len(), 1000);
    let there: Vec<_> = rows
        .iter()
        .filter(|row| row["images"] != 0)
        .map(|row| row["class"].as_u64().unwrap())
        .collect();
    assert_eq!(there, imagenette.map(|(_, class)| class));
    assert_eq!(rows[217]["label"], "English springer");
}

/// A file in the folder of a run that began with named weights has their preprocessing.
#[test]
fn what_was_fine_tuned_is_preprocessed_as_what_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        classes: 10,
        channels: 3,
        aux_heads: true,
        zero_pad: burn_zoo::ZeroPad::End,
    };
    let weights = folder.path().join("best.safetensors");
    let model = burn_zoo::create("resnet18", options, &Device::flex()).unwrap();
    model.save(&weights, Dtype::F16).unwrap();
    let picture = root().join("assets/digits/5.png");
    let logits = |model: &str| {
        let run = [
            "classify",
            text(&picture),
            "--model",
            model,
            "--logits",
            "--json",
        ];
        let output = burn_zoo(&[&run[..], &["--weights", text(&weights)]].concat());
        assert_eq!(status(&output), Some(0), "{}", stderr(&output));
        let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
        (seen[0]["logits"].clone(), stderr(&output))
    };
    let (usual, _) = logits("resnet18");
    let recipe = r#"
        model = "resnet18"
        weights = "resnet18.a1_in1k"
        channels = 3
        epochs = 1
        batch = 8
        seed = 1
        output = "run"
        [data]
        path = "data"
        valid = 0
        [optimizer]
        lr = 0.1
        [schedule]
        decay = "constant"
        "#;
    std::fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    let (tuned, note) = logits("resnet18");
    assert!(note.contains("preprocessing of resnet18.a1_in1k"), "{note}");
    assert_ne!(tuned, usual);
    assert_eq!(tuned, logits("resnet18.a1_in1k").0);
}

/// The table `[preprocess]` of the recipe next to a weight file, and flags with the same meaning.
#[test]
fn a_runs_preprocessing_goes_with_its_weights_as_flags_would() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        classes: 3,
        channels: 3,
        aux_heads: true,
        zero_pad: burn_zoo::ZeroPad::End,
    };
    let weights = folder.path().join("best.safetensors");
    let model = burn_zoo::create("resnet20_cifar", options, &Device::flex()).unwrap();
    model.save(&weights, Dtype::F32).unwrap();
    let picture = root().join("assets/photo/photo.png");
    let logits = |flags: &[&str]| {
        let run = ["classify", text(&picture), "--model", "resnet20_cifar"];
        let rest = ["--weights", text(&weights), "--logits", "--json"];
        let output = burn_zoo(&[&run[..], &rest, flags].concat());
        assert_eq!(status(&output), Some(0), "{}", stderr(&output));
        let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
        seen[0]["logits"].clone()
    };
    let usual = logits(&[]);
    let flags = [
        "--resize=40x24",
        "--interpolation=area",
        "--mean=0.5",
        "--std=0.25",
    ];
    let flagged = logits(&flags);
    assert_ne!(flagged, usual);
    let recipe = r#"
        model = "resnet20_cifar"
        channels = 3
        epochs = 1
        batch = 8
        seed = 1
        output = "run"
        [data]
        path = "data"
        valid = 0
        [preprocess]
        resize = "40x24"
        interpolation = "area"
        mean = 0.5
        std = 0.25
        [optimizer]
        lr = 0.1
        [schedule]
        decay = "constant"
        "#;
    std::fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    assert_eq!(logits(&[]), flagged);
    // Flags override the recipe.
    let shorter = ["--resize=32", "--crop=32", "--interpolation=bilinear"];
    let statistics = ["--mean=0.4914,0.4822,0.4465", "--std=0.2470,0.2435,0.2616"];
    assert_eq!(logits(&[&shorter[..], &statistics].concat()), usual);
}

#[test]
fn folders_of_other_names_are_refused_and_numbers_are_classes() {
    let folder = tempfile::tempdir().unwrap();
    let image = |class: &str, digit: u8| {
        let class = folder.path().join(class);
        std::fs::create_dir_all(&class).unwrap();
        let picture = root().join(format!("assets/digits/{digit}.png"));
        std::fs::copy(picture, class.join("1.png")).unwrap();
    };
    let evaluated = |split: &str| {
        let data = folder.path().join(split);
        let run = ["evaluate", "--model", "resnet20_cifar.digits", "--json"];
        burn_zoo(&[&run[..], &["--data", text(&data)]].concat())
    };
    for digit in 0..10 {
        image(
            &format!(
                "words/{}",
                ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][usize::from(digit)]
            ),
            digit,
        );
    }
    let output = evaluated("words");
    assert_eq!(status(&output), Some(1));
    assert!(
        stderr(&output).contains("10 of 10 folders are not named after a class"),
        "{}",
        stderr(&output)
    );
    for digit in [7, 3] {
        image(&format!("numbers/00{digit}/deeper"), digit);
    }
    std::fs::create_dir_all(folder.path().join("numbers/005")).unwrap();
    std::fs::write(folder.path().join("numbers/003/._1.png"), "hidden").unwrap();
    let output = evaluated("numbers");
    assert_eq!(status(&output), Some(0), "{}", stderr(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&found["images"], &found["top1"]),
        (&2.into(), &100.0.into())
    );
}

#[test]
fn figures_of_the_classes_and_a_picture_are_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    folders(&data, &names);
    let csv = folder.path().join("classes.csv");
    let svg = folder.path().join("confusion.svg");
    let run = [
        "evaluate",
        DIGITS[0],
        DIGITS[1],
        "--data",
        text(&data),
        "--json",
    ];
    let files = ["--csv", text(&csv), "--picture", text(&svg)];
    let found = json(&[&run[..], &files].concat());
    assert_eq!(
        (&found["top1"], &found["skipped"]),
        (&100.0.into(), &0.into())
    );
    assert!(found["images_per_s"].as_f64().unwrap() > 0.0);
    // All right: the error is what is missing from certainty.
    let ece = found["ece"].as_f64().unwrap();
    assert!((0.0..0.3).contains(&ece), "{ece}");
    let rows = std::fs::read_to_string(&csv).unwrap();
    let lines: Vec<&str> = rows.lines().collect();
    assert_eq!(lines[0], "class,label,images,precision,recall");
    assert_eq!((lines.len(), lines[8]), (11, "7,7,1,1,1"));
    let picture = std::fs::read_to_string(&svg).unwrap();
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));

    let again = fails(&[&run[..], &files].concat());
    assert!(again.contains("choose another --csv"), "{again}");
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), rows);

    let split = fails(&[&run[..], &["--split", "val"]].concat());
    assert!(split.contains("has no split val"), "{split}");

    let ten = json(&[&run[..], &["--crops", "10"]].concat());
    // Crops as large as the image are all the same but for the mirror.
    assert_eq!(ten["images"], 10);
    assert_ne!(ten["loss"], found["loss"]);
}

#[test]
fn a_broken_image_is_named_or_counted() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    folders(folder.path(), &names);
    let broken = folder.path().join("4/broken.jpg");
    std::fs::write(&broken, "no picture").unwrap();
    let run = [
        "evaluate",
        DIGITS[0],
        DIGITS[1],
        "--data",
        text(folder.path()),
        "--json",
    ];
    assert!(fails(&run).contains("4/broken.jpg"));
    let found = json(&[&run[..], &["--skip-bad-images"]].concat());
    assert_eq!(
        (&found["images"], &found["skipped"]),
        (&10.into(), &1.into())
    );
}

#[test]
fn what_is_to_be_downloaded_has_a_name() {
    let run = ["evaluate", DIGITS[0], DIGITS[1], "--data"];
    let unknown = fails(&[&run[..], &["download:imagenet"]].concat());
    assert!(
        unknown.contains("known are cifar-10 and cifar-100"),
        "{unknown}"
    );
    let offline = fails(&[&run[..], &["download:cifar-10"]].concat());
    assert!(offline.contains("cifar-10-binary.tar.gz"), "{offline}");
    let none = fails(&[&run[..], &["no/such/folder"]].concat());
    assert!(none.contains("no/such/folder"), "{none}");
}
