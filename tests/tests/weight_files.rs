//! Tests each row of `docs/weight-files.md` on files that this project writes: the network gives
//! PyTorch's logits, or the message identifies the file.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use burn_zoo::weights::{Checkpoint, Glob, Select};
use burn_zoo::{
    Adapt, AnyClassifier, AuxHeads, Classifier, Error, HeadUse, Interpolation, Loaded, ZeroPad,
    load_adapted,
};
use burn_zoo_checkpoint::testing::{Array, Py, call, dict, index, object, text, write_zip};
use burn_zoo_tests::forms::{
    Tensors, beside, changed, containers, frozen, prefixed, renamed, saved, sd, weights, without,
};
use burn_zoo_tests::golden::{Golden, values};
use burn_zoo_tests::relative_error;

/// Allows for f32 sums in a different order over 20 layers.
const TOLERANCE: f32 = 1e-5;

/// All rows of the table that have a test.
fn rows() -> Vec<&'static str> {
    [FORMS, PLACES, NAMES, HEADS, VARIANTS, SAYS].concat()
}

const FORMS: &[&str] = &[
    "state-dict",
    "legacy",
    "tar",
    "safetensors",
    "sharded",
    "burnpack",
    "whole-module",
    "torchscript",
    "frozen-torchscript",
    "exported",
    "bare-pickle",
];
const PLACES: &[&str] = &[
    "wrapped",
    "prefixed",
    "lightning",
    "average",
    "moco",
    "tie",
    "backbone-and-head",
    "other-objects",
    "renamed",
];
const NAMES: &[&str] = &[
    "transformers",
    "shortcut",
    "pytorch-cifar100",
    "mmpretrain",
    "numbered",
    "head-names",
];
const HEADS: &[&str] = &[
    "sequential-head",
    "head-without-bias",
    "mlp-head",
    "no-head",
    "auxiliary-heads",
    "background",
    "one-logit",
    "multi-label",
    "counters",
    "statistics",
];
const VARIANTS: &[&str] = &["small-stem", "option-b", "zero-padding"];
const SAYS: &[&str] = &["labels", "image-settings"];

#[test]
fn the_table_has_exactly_the_tested_rows() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/weight-files.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let table: BTreeSet<&str> = docs
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .split_once("` |")
                .map(|(row, _)| row)
        })
        .collect();
    assert_eq!(table, rows().into_iter().collect());
}

fn open(
    name: &str,
    bytes: Vec<u8>,
    model: &str,
    adapt: &Adapt,
) -> Result<Loaded<AnyClassifier>, Error> {
    let file = Checkpoint::from_bytes(name, bytes)?;
    load_adapted(model, &file, adapt, &Device::flex())
}

/// Checks that a file gives the logits of a golden file.
fn shows(
    row: &str,
    bytes: Vec<u8>,
    model: &str,
    golden: &str,
    adapt: &Adapt,
) -> Loaded<AnyClassifier> {
    assert!(rows().contains(&row), "{row}");
    let found = open(row, bytes, model, adapt).unwrap_or_else(|error| panic!("{row}: {error}"));
    let golden = Golden::read(golden);
    let logits = values(found.network.forward(golden.input(&Device::flex())));
    let error = relative_error(&logits, &golden.output);
    assert!(error < TOLERANCE, "{row}: logits differ by {error}");
    found
}

fn refuses(row: &str, bytes: Vec<u8>, model: &str, adapt: &Adapt) -> String {
    let error = open(row, bytes, model, adapt).expect_err(row).to_string();
    assert!(
        error.contains(row) && !error.contains('\n'),
        "{row}: {error}"
    );
    error
}

const MODEL: &str = "resnet20_cifar";

fn ours(row: &str, value: &Py) -> Loaded<AnyClassifier> {
    shows(row, saved(value), MODEL, MODEL, &Adapt::default())
}

fn select(change: impl FnOnce(&mut Select)) -> Adapt {
    let mut adapt = Adapt::default();
    change(&mut adapt.select);
    adapt
}

#[test]
fn every_form_loads() {
    let tensors = weights(MODEL);
    for (row, bytes) in containers(&tensors) {
        shows(row, bytes, MODEL, MODEL, &Adapt::default());
    }
    let error = refuses(
        "frozen-torchscript",
        frozen(&tensors),
        MODEL,
        &Adapt::default(),
    );
    assert!(error.contains("frozen TorchScript"), "{error}");
}

#[test]
fn burns_own_files_load() {
    let bytes = Golden::read(MODEL).safetensors();
    let network = open("golden", bytes, MODEL, &Adapt::default())
        .unwrap()
        .network;
    let pack = network.to_burnpack(Default::default()).unwrap();
    shows("burnpack", pack, MODEL, MODEL, &Adapt::default());
    // Burn's paths in safetensors, inside a custom module: matrices are `[in, out]`.
    let slots = network.slots();
    let mut burns: Tensors = Vec::new();
    for (key, mut array) in weights(MODEL) {
        let Some(slot) = slots.iter().find(|slot| slot.key == key) else {
            continue;
        };
        if let [rows, columns] = array.shape[..] {
            let [rows, columns] = [rows as usize, columns as usize];
            let numbers: Vec<&[u8]> = array.bytes.chunks_exact(4).collect();
            let places = (0..columns).flat_map(|column| (0..rows).map(move |row| [row, column]));
            let turned = places.flat_map(|[row, column]| numbers[row * columns + column].to_vec());
            array = Array::new("Float", &[columns as u64, rows as u64], turned.collect());
        }
        burns.push((format!("backbone.{}", slot.path), array));
    }
    let burns: Vec<_> = burns
        .iter()
        .map(|(key, array)| (key.as_str(), array.clone()))
        .collect();
    let bytes = burn_zoo_checkpoint::testing::safetensors(&burns, &[]);
    let found = shows("burnpack", bytes, MODEL, MODEL, &Adapt::default());
    assert_eq!(
        (found.place.naming, found.place.prefix.as_str()),
        ("burn", "backbone.")
    );
}

#[test]
fn shards_load_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = weights(MODEL);
    let (mut places, mut halves) = (Vec::new(), [Vec::new(), Vec::new()]);
    for (number, (key, array)) in tensors.iter().enumerate() {
        let half = usize::from(number > 50);
        places.push((key.as_str(), ["one.safetensors", "two.safetensors"][half]));
        halves[half].push((key.as_str(), array.clone()));
    }
    for (name, half) in ["one", "two"].iter().zip(&halves) {
        let bytes = burn_zoo_checkpoint::testing::safetensors(half, &[]);
        std::fs::write(folder.path().join(format!("{name}.safetensors")), bytes).unwrap();
    }
    let path = folder.path().join("model.safetensors.index.json");
    std::fs::write(&path, index(&places)).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    let model = burn_zoo::load(MODEL, &file, &Device::flex()).unwrap();
    let golden = Golden::read(MODEL);
    let logits = values(model.forward(golden.input(&Device::flex())));
    assert!(relative_error(&logits, &golden.output) < TOLERANCE);

    std::fs::remove_file(folder.path().join("two.safetensors")).unwrap();
    let error = Checkpoint::open(&path).unwrap_err().to_string();
    assert!(error.contains("two.safetensors"), "{error}");
}

#[test]
fn weights_are_found_wherever_they_are() {
    let tensors = weights(MODEL);
    let place = |found: Loaded<AnyClassifier>| (found.place.key, found.place.prefix);
    let at = |key: &str, prefix: &str| (key.to_owned(), prefix.to_owned());
    for key in ["model_state_dict", "net", "weights", "a key with.stops"] {
        let found = ours(
            "wrapped",
            &dict([(key, sd(&tensors)), ("epoch", Py::Int(3))]),
        );
        assert_eq!(place(found), at(key, ""));
    }
    let deep = dict([("run", dict([("best", Py::List(vec![sd(&tensors)]))]))]);
    assert_eq!(place(ours("wrapped", &deep)), at("run.best.0", ""));
    for prefix in ["module.", "_orig_mod.", "model.module.", "a.b.c.0."] {
        assert_eq!(
            place(ours("prefixed", &sd(&prefixed(&tensors, prefix)))),
            at("", prefix)
        );
    }
    let mut lightning = prefixed(&tensors, "net.");
    lightning.push(("criterion.weight".into(), Array::floats(&[10], &[1.0; 10])));
    let version = ("pytorch-lightning_version", text("2.4.0"));
    let found = ours(
        "lightning",
        &dict([("state_dict", sd(&lightning)), version]),
    );
    assert_eq!(place(found), at("state_dict", "net."));

    let body = without(&prefixed(&tensors, "backbone."), "backbone.fc.");
    for head in ["head.fc.", "head.", "fc.", "classifier.1."] {
        let weights = without(&tensors, "x")
            .into_iter()
            .filter(|(key, _)| key.starts_with("fc."));
        let head = renamed(&weights.collect(), |key| key.replace("fc.", head));
        let both = [body.clone(), head].concat();
        ours(
            "backbone-and-head",
            &dict([("meta", Py::None), ("state_dict", sd(&both))]),
        );
    }
    let mut pairs = beside();
    pairs.push(("model_state_dict", sd(&tensors)));
    let found = ours("other-objects", &dict(pairs));
    for other in ["epoch", "losses", "config"] {
        assert!(
            found.place.others.contains(&other.to_owned()),
            "{:?}",
            found.place.others
        );
    }
}

#[test]
fn ties_are_broken_as_the_table_says() {
    let tensors = weights(MODEL);
    let other = changed(&tensors);
    for average in [
        "ema",
        "model_ema",
        "state_dict_ema",
        "swa_model",
        "averaged",
    ] {
        let average = (average, dict([("module", sd(&tensors))]));
        let found = ours("average", &dict([("model", sd(&other)), average]));
        assert!(
            found.place.notes[0].contains("model holds another set"),
            "{:?}",
            found.place.notes
        );
    }
    let queue = ("module.queue".to_owned(), Array::floats(&[4, 2], &[0.5; 8]));
    let query = prefixed(&tensors, "module.encoder_q.");
    let key = prefixed(&other, "module.encoder_k.");
    let moco = [query, key, vec![queue]].concat();
    ours("moco", &dict([("state_dict", sd(&moco))]));

    let pair = |teacher: &Tensors| {
        let teacher = ("teacher", sd(&prefixed(teacher, "backbone.")));
        saved(&dict([
            ("student", sd(&prefixed(&tensors, "module."))),
            teacher,
        ]))
    };
    let error = refuses("tie", pair(&other), MODEL, &Adapt::default());
    assert!(
        error.contains("at student.module and teacher.backbone"),
        "{error}"
    );
    let student = select(|select| select.key = Some("student".to_owned()));
    shows("tie", pair(&other), MODEL, MODEL, &student);
    let teacher = select(|select| select.prefix = Some("backbone.".to_owned()));
    let logits = |adapt| {
        let found = open("tie", pair(&other), MODEL, adapt).unwrap();
        values(
            found
                .network
                .forward(Golden::read(MODEL).input(&Device::flex())),
        )
    };
    assert!(relative_error(&logits(&teacher), &logits(&student)) > 0.1);
    // Identical weights are not a tie.
    shows("tie", pair(&tensors), MODEL, MODEL, &Adapt::default());
}

#[test]
fn renames_make_unknown_names_load() {
    let mut tensors = renamed(&weights(MODEL), |key| key.replace("layer", "stage"));
    tensors.push(("layer1.0.se.weight".into(), Array::floats(&[1], &[0.5])));
    let error = refuses("renamed", saved(&sd(&tensors)), MODEL, &Adapt::default());
    assert!(error.contains("missing (layer1.0.conv1.weight"), "{error}");
    let told = select(|select| {
        select.rename = vec![r"^stage(\d)=layer$1".parse().unwrap()];
        select.ignore = vec![Glob::new("*.se.*")];
    });
    shows("renamed", saved(&sd(&tensors)), MODEL, MODEL, &told);
}

#[test]
fn naming_schemes_of_other_projects_load() {
    // transformers 4: `ResNetForImageClassification`.
    let transformers = renamed(&weights("resnet18"), |key| {
        let parts: Vec<&str> = key.split('.').collect();
        let kind = |name: &str| match name.trim_end_matches(char::is_numeric) {
            "conv" => "convolution",
            _ => "normalization",
        };
        match parts[..] {
            ["fc", own] => format!("classifier.1.{own}"),
            [layer @ ("conv1" | "bn1"), own] => {
                format!("resnet.embedder.embedder.{}.{own}", kind(layer))
            }
            [stage, block, "downsample", number, own] => {
                let stage: usize = stage["layer".len()..].parse().unwrap();
                let kind = if number == "0" {
                    "convolution"
                } else {
                    "normalization"
                };
                format!(
                    "resnet.encoder.stages.{}.layers.{block}.shortcut.{kind}.{own}",
                    stage - 1
                )
            }
            [stage, block, layer, own] => {
                let stage: usize = stage["layer".len()..].parse().unwrap();
                let number: usize = layer[layer.len() - 1..].parse().unwrap();
                format!(
                    "resnet.encoder.stages.{}.layers.{block}.layer.{}.{}.{own}",
                    stage - 1,
                    number - 1,
                    kind(layer)
                )
            }
            _ => panic!("{key}"),
        }
    });
    let plain = Adapt::default();
    shows(
        "transformers",
        saved(&sd(&transformers)),
        "resnet18",
        "resnet18",
        &plain,
    );

    let stem = "resnet18_small_stem";
    let shortcut = renamed(&weights(stem), |key| {
        key.replace("downsample", "shortcut")
            .replace("fc.", "linear.")
    });
    shows(
        "shortcut",
        saved(&dict([("net", sd(&shortcut))])),
        "resnet18",
        stem,
        &plain,
    );

    // weiaicunzai/pytorch-cifar100.
    let cifar100 = renamed(&weights(stem), |key| {
        let key = match key.split_once('.') {
            Some(("conv1", own)) => return format!("conv1.0.{own}"),
            Some(("bn1", own)) => return format!("conv1.1.{own}"),
            Some((stage, rest)) if stage.starts_with("layer") => {
                let number: usize = stage["layer".len()..].parse().unwrap();
                format!("conv{}_x.{rest}", number + 1)
            }
            _ => key.to_owned(),
        };
        let numbers = [("conv1", 0), ("bn1", 1), ("conv2", 3), ("bn2", 4)];
        let key = numbers.iter().fold(key, |key, (name, number)| {
            key.replace(
                &format!(".{name}."),
                &format!(".residual_function.{number}."),
            )
        });
        key.replace(".downsample.", ".shortcut.")
    });
    shows(
        "pytorch-cifar100",
        saved(&sd(&cifar100)),
        "resnet18",
        stem,
        &plain,
    );

    let mmpretrain = renamed(&weights("resnet50d.timm"), |key| {
        match key.split_once('.') {
            Some(("fc", own)) => format!("head.fc.{own}"),
            Some(("conv1", rest)) => format!("backbone.stem.{rest}"),
            Some(("bn1", own)) => format!("backbone.stem.7.{own}"),
            _ => format!("backbone.{key}"),
        }
    });
    let mmpretrain = dict([("state_dict", sd(&mmpretrain)), ("meta", Py::None)]);
    shows(
        "mmpretrain",
        saved(&mmpretrain),
        "resnet50d",
        "resnet50d.timm",
        &plain,
    );
}

#[test]
fn numbered_children_match_by_order() {
    // The child indices of torchvision, and of fastai, whose body ends before the pool.
    let numbers = [
        "conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc",
    ];
    let numbered = renamed(&weights("resnet18"), |key| {
        let (first, rest) = key.split_once('.').unwrap();
        let number = numbers.iter().position(|name| *name == first).unwrap();
        format!("{number}.{rest}")
    });
    let plain = Adapt::default();
    shows(
        "numbered",
        saved(&sd(&numbered)),
        "resnet18",
        "resnet18",
        &plain,
    );
    let fastai = renamed(&numbered, |key| match key.strip_prefix("9.") {
        Some(own) => format!("1.2.{own}"),
        None => format!("0.{key}"),
    });
    shows(
        "numbered",
        saved(&dict([("model", sd(&fastai))])),
        "resnet18",
        "resnet18",
        &plain,
    );
}

#[test]
fn a_head_is_found_by_its_shape_and_not_by_its_name() {
    let tensors = weights(MODEL);
    let end = Adapt {
        zero_pad: Some(ZeroPad::End),
        ..Adapt::default()
    };
    for name in [
        "linear",
        "last_linear",
        "classif",
        "head",
        "head.fc",
        "classifier.1",
        "anything",
    ] {
        let named = renamed(&tensors, |key| key.replace("fc.", &format!("{name}.")));
        let found = shows("head-names", saved(&sd(&named)), MODEL, MODEL, &end);
        let head = format!("{:?}", found.place.head);
        assert!(head.contains(&format!("{name:?}, classes: 10")), "{head}");
    }
    let behind = renamed(&tensors, |key| key.replace("fc.", "fc.1."));
    ours("sequential-head", &sd(&behind));
}

#[test]
fn a_head_without_bias_loads_with_zeros() {
    let mut tensors = weights(MODEL);
    // Logits without the bias, from the definition of a dense layer.
    let golden = Golden::read(MODEL);
    let bias = tensors.iter().find(|(key, _)| key == "fc.bias").unwrap();
    let bias: Vec<f32> = bias
        .1
        .bytes
        .chunks_exact(4)
        .map(|n| f32::from_le_bytes(n.try_into().unwrap()))
        .collect();
    let expected: Vec<f32> = golden
        .output
        .iter()
        .enumerate()
        .map(|(at, logit)| logit - bias[at % 10])
        .collect();
    tensors = without(&tensors, "fc.bias");
    let found = open("bare", saved(&sd(&tensors)), MODEL, &Adapt::default()).unwrap();
    let logits = values(found.network.forward(golden.input(&Device::flex())));
    assert!(relative_error(&logits, &expected) < TOLERANCE);
    assert!(HEADS.contains(&"head-without-bias"));
}

#[test]
fn a_body_without_the_networks_head_gives_features_and_can_be_fine_tuned() {
    let tensors = weights(MODEL);
    let body = without(&tensors, "fc.");
    let mut mlp = body.clone();
    for (name, shape) in [("fc.0.weight", [32, 64]), ("fc.2.weight", [10, 32])] {
        let size = shape.iter().product::<u64>() as usize;
        mlp.push((name.into(), Array::floats(&shape, &vec![0.5; size])));
    }
    let golden = Golden::read(MODEL);
    let whole = open("whole", saved(&sd(&tensors)), MODEL, &Adapt::default()).unwrap();
    let pooled = |network: &AnyClassifier| values(network.pooled(golden.input(&Device::flex())));
    let rows = [
        ("no-head", body, "it has no head, so it cannot classify"),
        (
            "mlp-head",
            mlp,
            "its head is an MLP with 2 layers (fc.0, fc.2)",
        ),
    ];
    for (row, tensors, reason) in rows {
        let bytes = saved(&sd(&tensors));
        let error = refuses(row, bytes.clone(), MODEL, &Adapt::default());
        assert!(error.contains(reason), "{error}");
        let features = Adapt {
            head: HeadUse::Unused,
            ..Adapt::default()
        };
        let found = open(row, bytes.clone(), MODEL, &features).unwrap();
        assert_eq!(pooled(&found.network), pooled(&whole.network), "{row}");
        // Also ten classes, the network's default.
        for classes in [3, 10] {
            let tuned = Adapt {
                classes: Some(classes),
                ..Adapt::default()
            };
            let found = open(row, bytes.clone(), MODEL, &tuned).unwrap();
            assert_eq!(found.network.num_classes(), classes, "{row}");
            assert_eq!(pooled(&found.network), pooled(&whole.network), "{row}");
        }
    }
}

#[test]
fn auxiliary_heads_with_other_classes_are_dropped_or_reinitialized() {
    let mut tensors = weights("googlenet");
    for (key, array) in &mut tensors {
        if key.starts_with("fc.") {
            let row = array.bytes.len() / 1000;
            array.bytes.truncate(5 * row);
            array.shape[0] = 5;
            array.elements = (5 * row / 4) as u64;
        }
    }
    let bytes = saved(&sd(&tensors));
    let golden = Golden::read("googlenet");
    let device = Device::flex();
    for aux_heads in [AuxHeads::AsInFile, AuxHeads::Dropped, AuxHeads::Kept] {
        let adapt = Adapt {
            aux_heads,
            ..Adapt::default()
        };
        let found = open("auxiliary-heads", bytes.clone(), "googlenet", &adapt).unwrap();
        let logits = values(found.network.forward(golden.input(&device)));
        let error = relative_error(&logits, &golden.output[..5]);
        assert!(error < TOLERANCE, "{aux_heads:?}: {error}");
        let heads = found.network.forward_train(golden.input(&device));
        let count = if aux_heads == AuxHeads::Kept { 3 } else { 1 };
        assert_eq!(heads.len(), count, "{aux_heads:?}");
        assert!(heads.iter().all(|head| head.logits.dims() == [1, 5]));
        let noted = found
            .place
            .notes
            .iter()
            .any(|note| note.contains("auxiliary heads"));
        assert_eq!(noted, aux_heads == AuxHeads::AsInFile, "{aux_heads:?}");
    }
}

#[test]
fn tensors_that_are_not_weights_are_ignored() {
    let mut tensors = weights(MODEL);
    for name in ["total_ops", "total_params", "conv1.total_ops", "n_averaged"] {
        tensors.push((name.into(), Array::floats(&[1], &[7.0])));
    }
    let found = ours("counters", &sd(&tensors));
    assert_eq!(found.place.others, Vec::<String>::new());
    for name in ["mean", "std"] {
        tensors.push((name.into(), Array::floats(&[1, 3, 1, 1], &[0.5; 3])));
    }
    let found = ours("statistics", &sd(&tensors));
    assert!(
        found.place.notes[0].starts_with("mean, std among the weights"),
        "{:?}",
        found.place.notes
    );
    assert_eq!(found.said.mean, None);
}

#[test]
fn one_tensor_identifies_a_variant() {
    let plain = Adapt::default();
    let variant = |row, model, golden, adapt| {
        let found = shows(row, saved(&sd(&weights(golden))), model, golden, adapt);
        found.architecture.name.into_owned()
    };
    let stem = variant("small-stem", "resnet18", "resnet18_small_stem", &plain);
    assert_eq!(stem, "resnet18_small_stem");
    let b = variant("option-b", "resnet20_cifar", "resnet20_cifar_b", &plain);
    assert_eq!(b, "resnet20_cifar_b");
    let both = Adapt {
        zero_pad: Some(ZeroPad::Both),
        ..Adapt::default()
    };
    variant("zero-padding", MODEL, "resnet20_cifar.both", &both);
    // The published files have a head named `linear` and no other hint.
    let linear = renamed(&weights("resnet20_cifar.both"), |key| {
        key.replace("fc.", "linear.")
    });
    let found = shows(
        "zero-padding",
        saved(&sd(&linear)),
        MODEL,
        "resnet20_cifar.both",
        &plain,
    );
    assert!(
        found.place.notes[0].contains("on both sides is assumed"),
        "{:?}",
        found.place.notes
    );
    assert!(
        found.place.notes[0].contains("--zero-pad end|both"),
        "{:?}",
        found.place.notes
    );
    // Saved files record it in both formats, whatever the name of the head.
    for bytes in [
        found.network.to_safetensors(Default::default()).unwrap(),
        found.network.to_burnpack(Default::default()).unwrap(),
    ] {
        let again = shows("zero-padding", bytes, MODEL, "resnet20_cifar.both", &plain);
        assert_eq!(again.place.notes, Vec::<String>::new());
    }
}

#[test]
fn metadata_in_a_file_is_used() {
    let tensors = weights(MODEL);
    let names = |count: usize| {
        (0..count)
            .map(|at| format!("name {at}"))
            .collect::<Vec<_>>()
    };
    let list = Py::List(names(10).iter().map(|name| text(name)).collect());
    let pairs = names(10).into_iter().enumerate();
    let by_name = pairs.map(|(at, name)| (text(&name), Py::Int(at as i64)));
    // Out of order, because dictionaries may be.
    let by_name = Py::Dict(by_name.rev().collect());
    let pairs = names(10).into_iter().enumerate();
    let by_number = Py::Dict(
        pairs
            .map(|(at, name)| (Py::Int(at as i64), text(&name)))
            .collect(),
    );
    for (key, value) in [
        ("class_names", list.clone()),
        ("classes", list.clone()),
        ("class_to_idx", by_name),
        ("idx_to_class", by_number),
        ("label_names", list.clone()),
        ("meta", dict([("CLASSES", list.clone())])),
        (
            "args",
            object("argparse.Namespace", [("classes", list.clone())]),
        ),
    ] {
        let found = ours(
            "labels",
            &dict([("state_dict", sd(&tensors)), (key, value)]),
        );
        assert_eq!(found.said.labels, Some(names(10)), "{key}");
    }
    // A number of classes is not a list of names.
    let found = ours(
        "labels",
        &dict([("state_dict", sd(&tensors)), ("classes", Py::Int(10))]),
    );
    assert_eq!(found.said.labels, None);

    let floats = |values: [f64; 3]| Py::Tuple(values.map(Py::Float).to_vec());
    let settings = dict([
        ("state_dict", sd(&tensors)),
        ("img_size", Py::Int(64)),
        ("mean", floats([0.5, 0.25, 0.125])),
        ("std", Py::Tensor(Array::floats(&[3], &[0.5, 0.75, 1.0]))),
        ("config", dict([("interpolation", text("bicubic"))])),
    ]);
    let found = ours("image-settings", &settings);
    let preprocess = found.preprocess();
    assert_eq!(preprocess.crop, [64, 64]);
    assert_eq!(preprocess.mean, [0.5, 0.25, 0.125]);
    assert_eq!(preprocess.std, [0.5, 0.75, 1.0]);
    assert_eq!(preprocess.interpolation, Interpolation::Bicubic);
    // The mean of a loss is not a pixel mean.
    let metrics = dict([(
        "loss",
        dict([("mean", Py::Float(0.25)), ("std", Py::Float(0.5))]),
    )]);
    let found = ours(
        "image-settings",
        &dict([("model", sd(&tensors)), ("metrics", metrics)]),
    );
    assert!(!found.said.prepares_images());
}

#[test]
fn a_file_can_declare_independent_outputs() {
    let tensors = weights(MODEL);
    let said = |key: &str, value: Py| {
        let file = dict([("model", sd(&tensors)), (key, value)]);
        ours("multi-label", &file).said.multi_label
    };
    assert!(said("multi_label", Py::Bool(true)));
    assert!(said("problem_type", text("multi_label_classification")));
    assert!(!said("multi_label", Py::Bool(false)));
}

#[test]
fn files_that_are_not_weights_are_named() {
    let named = |bytes: &[u8]| {
        let error = Checkpoint::from_bytes("theirs", bytes.to_vec()).unwrap_err();
        error.to_string()
    };
    let whole = saved(&sd(&weights(MODEL)));
    let pictures = write_zip(&[("a.png".to_owned(), vec![1, 2, 3])], &Default::default());
    let arrays = write_zip(
        &[("a.npy".to_owned(), b"\x93NUMPY\x01\0".to_vec())],
        &Default::default(),
    );
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    let rows: [(&[u8], &str, bool); 9] = [
        (pointer, "Git LFS pointer", false),
        (b"<!DOCTYPE html><html><body>Sign in", "HTML page", false),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0\0\0\0\0", "Keras HDF5", false),
        (&arrays, "NumPy .npz", false),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "gzip", false),
        (&pictures, "a.png", false),
        (b"", "empty", true),
        (&whole[..whole.len() / 2], "cut off", true),
        (b"just some text", "text", false),
    ];
    for (bytes, what, again) in rows {
        let message = named(bytes);
        assert!(
            message.contains("theirs") && message.contains(what),
            "{what}: {message}"
        );
        assert_eq!(
            message.contains("fetch it again"),
            again,
            "{what}: {message}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let message = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("folder"), "{message}");
}

#[test]
fn no_code_in_a_file_runs() {
    // `os.system` next to the weights is skipped like any other object.
    let evil = call("os.system", [text("touch /tmp/burn-zoo-was-here")]);
    ours(
        "other-objects",
        &dict([("state_dict", sd(&weights(MODEL))), ("hook", evil)]),
    );
    assert!(!Path::new("/tmp/burn-zoo-was-here").exists());
}

/// What a head sees is changed by layers that stand before or behind it.
#[test]
fn a_head_behind_other_layers_is_not_taken_for_the_networks() {
    let tensors = weights(MODEL);
    let (fc, body): (Tensors, Tensors) = tensors
        .into_iter()
        .partition(|(key, _)| key.starts_with("fc."));
    let body = prefixed(&body, "backbone.");
    let floats = |shape: &[u64]| {
        let size = shape.iter().product::<u64>() as usize;
        Array::floats(shape, &vec![0.5; size])
    };
    let norm = |name: &str| {
        let parts = ["weight", "bias", "running_mean", "running_var"];
        parts
            .map(|part| (format!("{name}.{part}"), floats(&[64])))
            .to_vec()
    };
    let classifier = renamed(&fc, |key| key.replace("fc.", "classifier."));
    let inner = prefixed(&fc, "backbone.");
    let numbered = [
        renamed(&body, |key| key.replace("backbone.", "0.")),
        norm("2"),
        prefixed(&renamed(&fc, |key| key.replace("fc.", "")), "3."),
    ];
    let rows = [
        (
            "a norm before it",
            [body.clone(), norm("bottleneck"), classifier.clone()].concat(),
        ),
        (
            "an embedding",
            [
                body.clone(),
                vec![("embedding.weight".to_owned(), floats(&[64, 64]))],
                classifier,
            ]
            .concat(),
        ),
        ("numbered", numbered.concat()),
        (
            "another layer behind it",
            [
                body,
                inner,
                vec![
                    ("fc.weight".to_owned(), floats(&[3, 10])),
                    ("fc.bias".to_owned(), floats(&[3])),
                ],
            ]
            .concat(),
        ),
    ];
    for (what, tensors) in rows {
        let bytes = saved(&sd(&tensors));
        let error = refuses("mlp-head", bytes.clone(), MODEL, &Adapt::default());
        assert!(error.contains("its head is an MLP"), "{what}: {error}");
        let features = Adapt {
            head: HeadUse::Unused,
            ..Adapt::default()
        };
        let found = open("mlp-head", bytes, MODEL, &features).unwrap();
        assert!(
            found
                .place
                .notes
                .iter()
                .any(|note| note.contains("is left out")),
            "{what}"
        );
    }
}

#[test]
fn other_numbers_of_the_same_names_are_not_the_networks() {
    let tensors = weights(MODEL);
    let numbers = |mean: f64, std: f64| dict([("mean", Py::Float(mean)), ("std", Py::Float(std))]);
    let ints = |values: [i64; 4]| Py::List(values.map(Py::Int).to_vec());
    let names = Py::List((0..10).map(|at| text(&format!("name {at}"))).collect());
    let file = dict([
        ("model", sd(&tensors)),
        ("cv", numbers(93.2, 0.4)),
        ("head_cfg", dict([("input_size", Py::Int(512))])),
        ("labels", ints([0, 1, 1, 0])),
        ("class_names", names),
    ]);
    let said = ours("labels", &file).said;
    assert!(!said.prepares_images(), "{said:?}");
    assert_eq!(said.labels.unwrap()[9], "name 9");
    // Where settings are kept, the same names are meant.
    let args = dict([
        ("input_size", Py::Int(64)),
        ("mean", Py::Float(0.5)),
        ("std", Py::Float(0.25)),
    ]);
    let said = ours(
        "image-settings",
        &dict([("model", sd(&tensors)), ("args", args)]),
    )
    .said;
    assert_eq!(
        (said.image_size, said.mean, said.std),
        (Some([64; 2]), Some([0.5; 3]), Some([0.25; 3]))
    );
}

#[test]
fn what_stands_around_a_network_is_named() {
    let tensors = weights(MODEL);
    let floats =
        |shape: &[u64]| Array::floats(shape, &vec![0.5; shape.iter().product::<u64>() as usize]);
    let around = [
        ("stn.conv.weight", &[8_u64, 3, 5, 5][..]),
        ("temperature", &[1]),
    ];
    let mut beside = prefixed(&tensors, "model.");
    beside.extend(around.map(|(name, shape)| (name.to_owned(), floats(shape))));
    let found = ours("prefixed", &sd(&beside));
    let notes = found.place.notes.join("; ");
    assert!(notes.contains("not run: stn, temperature"), "{notes}");
    let mut normalized = prefixed(&tensors, "1.");
    normalized.extend(["0.mean", "0.std"].map(|name| (name.to_owned(), floats(&[3]))));
    let notes = ours("statistics", &sd(&normalized)).place.notes.join("; ");
    assert!(notes.contains("0.mean, 0.std among the weights"), "{notes}");
    let whole = containers(&tensors)
        .into_iter()
        .find(|(row, _)| *row == "whole-module");
    let found = shows(
        "whole-module",
        whole.unwrap().1,
        MODEL,
        MODEL,
        &Adapt::default(),
    );
    let notes = found.place.notes.join("; ");
    assert!(notes.contains("an object (my_code.Layer)"), "{notes}");
}

#[test]
fn a_key_reaches_one_of_many_networks() {
    let tensors = weights(MODEL);
    let other = sd(&changed(&tensors));
    let names: Vec<String> = (0..20).map(|fold| format!("fold{fold}")).collect();
    let folds = names.iter().map(|name| {
        let own = if name == "fold9" {
            sd(&tensors)
        } else {
            other.clone()
        };
        (name.as_str(), own)
    });
    let file = saved(&dict(folds.collect::<Vec<_>>()));
    let ninth = select(|select| select.key = Some("fold9".to_owned()));
    shows("tie", file, MODEL, MODEL, &ninth);
}

#[test]
fn hostile_names_cost_no_time() {
    let start = std::time::Instant::now();
    let mut tensors: Tensors = vec![(".".repeat(200_000), Array::floats(&[1], &[0.5]))];
    for number in 0..20_000 {
        let name = format!("a{}.{}.w", number / 5, number % 5);
        tensors.push((name, Array::floats(&[1], &[0.5])));
    }
    let file = Checkpoint::from_bytes("hostile", saved(&sd(&tensors))).unwrap();
    let device = Device::flex();
    assert!(burn_zoo::load(MODEL, &file, &device).is_err());
    assert!(burn_zoo::fits(&file, &device).is_empty());
    burn_zoo::nearest(&file, &Select::default(), &device);
    // Seconds, where each ending and each place with numbers was looked at it took minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
