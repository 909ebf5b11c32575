//! Every form in which people keep weights, on the same values.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io::Read as _;

use burn::tensor::Device;
use burn_zoo::weights::{Checkpoint, Container, Dtype};
use burn_zoo::{AnyClassifier, Classifier, Error};
use burn_zoo_tests::golden::{Golden, fixture, values};
use burn_zoo_tests::torch::{self, Described, Packed};
use burn_zoo_tests::{relative_error, synthetic};
use safetensors::SafeTensors;

fn error_of(model: &AnyClassifier, golden: &str) -> f32 {
    let golden = Golden::read(golden);
    let logits = values(model.forward(golden.input(&Device::flex())));
    relative_error(&logits, &golden.output)
}

#[test]
fn every_container_gives_the_golden_logits_without_a_word_about_its_form() {
    // f16 keeps 11 bits of a weight and bf16 8, over 20 layers.
    let files = [
        ("resnet20_cifar.zip.pth", Container::PytorchZip, 1e-4),
        ("resnet20_cifar.legacy.pth", Container::PytorchLegacy, 1e-4),
        (
            "resnet20_cifar.dataparallel.pth",
            Container::PytorchZip,
            1e-4,
        ),
        ("resnet20_cifar.safetensors", Container::Safetensors, 1e-4),
        (
            "resnet20_cifar.f16.safetensors",
            Container::Safetensors,
            5e-3,
        ),
        (
            "resnet20_cifar.bf16.safetensors",
            Container::Safetensors,
            4e-2,
        ),
    ];
    let device = Device::flex();
    for (file, container, tolerance) in files {
        let path = fixture(&format!("checkpoints/{file}"));
        let checkpoint = Checkpoint::open(&path).unwrap();
        assert_eq!(checkpoint.container(), container, "{file}");
        let model = burn_zoo::load("resnet20_cifar", &checkpoint, &device).unwrap();
        let error = error_of(&model, "resnet20_cifar");
        assert!(error < tolerance, "{file}: logits differ by {error}");

        let bytes = std::fs::read(&path).unwrap();
        let checkpoint = Checkpoint::from_bytes(file, bytes).unwrap();
        let again = burn_zoo::load("resnet20_cifar", &checkpoint, &device).unwrap();
        assert_eq!(
            error_of(&again, "resnet20_cifar"),
            error,
            "{file} from memory"
        );
    }
}

#[test]
fn synthetic_weights_are_those_that_python_wrote() {
    let bytes = std::fs::read(fixture("checkpoints/resnet20_cifar.safetensors")).unwrap();
    let theirs = SafeTensors::deserialize(&bytes).unwrap();
    let golden = Golden::read("resnet20_cifar");
    let ours = golden.safetensors();
    let ours = SafeTensors::deserialize(&ours).unwrap();
    assert_eq!(ours.len(), golden.state_dict.len());
    for (key, shape, _) in &golden.state_dict {
        let [ours, theirs] = [&ours, &theirs].map(|file| file.tensor(key).unwrap());
        assert_eq!(theirs.shape(), shape, "{key}");
        assert_eq!(ours.data(), theirs.data(), "{key}");
    }
}

#[test]
fn a_bit_that_fell_over_is_an_error_that_names_the_file_or_another_value() {
    let device = Device::flex();
    let mut seed = 1_u64;
    for file in [
        "resnet20_cifar.zip.pth",
        "resnet20_cifar.legacy.pth",
        "resnet20_cifar.safetensors",
    ] {
        let whole = std::fs::read(fixture(&format!("checkpoints/{file}"))).unwrap();
        for round in 0..120 {
            // Half of the flips hit the first 8 KiB, where headers and pickles are.
            seed = synthetic::splitmix64(seed);
            let within = if round % 2 == 0 { 8 << 10 } else { whole.len() };
            let (byte, bit) = (seed as usize / 8 % within, seed % 8);
            let mut bytes = whole.clone();
            bytes[byte] ^= 1 << bit;
            let loaded = Checkpoint::from_bytes(file, bytes)
                .and_then(|checkpoint| burn_zoo::load("resnet20_cifar", &checkpoint, &device));
            if let Err(error) = loaded {
                let message = error.to_string();
                assert!(message.contains(file), "bit {bit} of {byte}: {message}");
            }
        }
    }
}

fn resnet18() -> Vec<u8> {
    let file = std::fs::File::open(fixture("checkpoints/resnet18.pth.gz")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[test]
fn torchvisions_file_gives_the_golden_logits() {
    let checkpoint = Checkpoint::from_bytes("resnet18.pth", resnet18()).unwrap();
    let device = Device::flex();
    let model = burn_zoo::load("resnet18", &checkpoint, &device).unwrap();
    assert!(error_of(&model, "resnet18") < 1e-4);
    assert_eq!(burn_zoo::fits(&checkpoint, &device), ["resnet18"]);
}

#[test]
fn a_file_fits_every_architecture_with_its_keys() {
    let checkpoint = Checkpoint::open(fixture("checkpoints/resnet20_cifar.zip.pth")).unwrap();
    let fits = burn_zoo::fits(&checkpoint, &Device::flex());
    assert_eq!(fits, ["resnet20_cifar", "plain20_cifar"]);
}

#[test]
fn another_networks_file_is_refused_with_a_list() {
    let golden = Golden::read("resnet34");
    let checkpoint = golden.checkpoint("resnet34.pth");
    let error = burn_zoo::load("resnet18", &checkpoint, &Device::flex()).unwrap_err();
    let Error::Weights {
        name,
        model,
        mismatch,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (name.as_str(), model.as_str()),
        ("resnet34.pth", "resnet18")
    );
    assert!(mismatch.contains("unused (layer1.2.bn1.bias"), "{mismatch}");
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let mut golden = Golden::read("resnet20_cifar");
    golden
        .state_dict
        .retain(|(key, _, _)| key != "layer1.0.conv1.weight");
    let wide = golden
        .state_dict
        .iter_mut()
        .find(|(key, _, _)| key == "bn1.bias")
        .unwrap();
    wide.1 = vec![17];
    let checkpoint = golden.checkpoint("odd");
    let error = burn_zoo::load("resnet20_cifar", &checkpoint, &Device::flex()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("1 missing (layer1.0.conv1.weight)"),
        "{message}"
    );
    assert!(
        message.contains("bn1.bias is [17], expected [16]"),
        "{message}"
    );
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_that_names_it() {
    let device = Device::flex();
    for file in [
        "resnet20_cifar.zip.pth",
        "resnet20_cifar.legacy.pth",
        "resnet20_cifar.safetensors",
    ] {
        let bytes = std::fs::read(fixture(&format!("checkpoints/{file}"))).unwrap();
        for sixteenth in 0..16 {
            let cut = bytes[..bytes.len() * sixteenth / 16].to_vec();
            let loaded = Checkpoint::from_bytes(file, cut)
                .and_then(|checkpoint| burn_zoo::load("resnet20_cifar", &checkpoint, &device));
            let message = loaded.expect_err("a part is not the whole").to_string();
            assert!(
                message.contains(file),
                "{file} at {sixteenth}/16: {message}"
            );
        }
    }
    let error = Checkpoint::from_bytes("notes.safetensors", b"just some text".to_vec());
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("notes.safetensors: plain text")
    );
}

#[test]
fn a_saved_file_has_the_references_keys_and_the_same_values() {
    let golden = Golden::read("resnet20_cifar");
    let device = Device::flex();
    let checkpoint = golden.checkpoint("golden");
    let model = burn_zoo::load("resnet20_cifar", &checkpoint, &device).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved");
    model.save(&path, Dtype::F32).unwrap();

    let saved = Checkpoint::open(&path).unwrap();
    let mut expected = golden.keys();
    expected.sort();
    let tensors = saved.tensors().iter();
    let keys: Vec<_> = tensors
        .map(|tensor| (tensor.name.clone(), tensor.shape.clone()))
        .collect();
    assert_eq!(keys, expected);
    let again = burn_zoo::load("resnet20_cifar", &saved, &device).unwrap();
    assert!(error_of(&again, "resnet20_cifar") < 1e-4);
}

/// The three forms of `torch.save`, and one that went through a zip program.
fn saved(tensors: &[Described]) -> [(Container, Vec<u8>); 4] {
    let pickle = torch::pickle(tensors);
    let ancient = torch::ancient(tensors);
    let ancient: Vec<_> = ancient
        .iter()
        .map(|(name, file)| (*name, &file[..]))
        .collect();
    let modern = |packed| torch::modern(&pickle, tensors, packed);
    [
        (Container::PytorchZip, modern(Packed::Stored)),
        (Container::PytorchZip, modern(Packed::Deflated)),
        (Container::PytorchLegacy, torch::legacy(&pickle, tensors)),
        (Container::PytorchTar, torch::archive(&ancient)),
    ]
}

#[test]
fn every_form_of_torch_save_gives_the_golden_logits() {
    let golden = Golden::read("resnet20_cifar");
    let tensors = torch::described(&golden.safetensors());
    let device = Device::flex();
    for (container, bytes) in saved(&tensors) {
        let checkpoint = Checkpoint::from_bytes("saved", bytes).unwrap();
        assert_eq!(checkpoint.container(), container);
        let model = burn_zoo::load("resnet20_cifar", &checkpoint, &device).unwrap();
        let error = error_of(&model, "resnet20_cifar");
        assert!(error < 1e-4, "{container}: logits differ by {error}");
    }
}

#[test]
fn many_tiny_tensors_are_not_taken_for_an_attack() {
    // As many as 1,202 layers with gates have.
    let tensors: Vec<Described> = (0..4_808)
        .map(|layer| {
            let key = format!("layers.{layer}.transform_gate.weight");
            Described::new(&key, &[1], "FloatStorage", vec![0; 4])
        })
        .collect();
    for (container, bytes) in saved(&tensors) {
        let checkpoint = Checkpoint::from_bytes("deep", bytes).unwrap();
        assert_eq!(checkpoint.tensors().len(), tensors.len(), "{container}");
    }
}

#[test]
fn a_tensor_that_repeats_one_value_is_not_unpacked() {
    let mut tensors = vec![Described::new("w", &[1], "FloatStorage", vec![0; 4])];
    tensors[0].shape = vec![50_000, 50_000];
    tensors[0].stride = vec![0, 0];
    let bytes = torch::modern(&torch::pickle(&tensors), &tensors, Packed::Stored);
    let error = Checkpoint::from_bytes("flat", bytes)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read weights flat: it holds no tensor"),
        "{error}"
    );
}

/// `tests/src/bin/hostile.rs` measures the memory that such files take.
#[test]
fn pickles_that_would_fill_the_memory_are_refused() {
    let refused = |pickle: &[u8]| {
        let bytes = torch::modern(pickle, &[], Packed::Deflated);
        Checkpoint::from_bytes("bomb", bytes)
            .unwrap_err()
            .to_string()
    };
    // Eight copies of the one before, forty times.
    let mut laughs = b"\x80\x02]q\0".to_vec();
    laughs.extend(b"(h\0h\0h\0h\0h\0h\0h\0h\0tq\0".repeat(40));
    laughs.push(b'.');
    assert!(refused(&laughs).contains("bomb: it holds no tensor"));
    let error = refused(&b"]".repeat(1 << 20));
    assert!(error.contains("bomb: "), "{error}");
    let error = refused(&b"]".repeat(64 << 20));
    assert!(
        error.contains("bomb: ") && error.contains("unpack"),
        "{error}"
    );
}
