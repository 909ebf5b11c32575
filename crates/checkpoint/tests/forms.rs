//! Every file format yields the same weights.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use burn_zoo_checkpoint::testing::{self, Array, Py};
use burn_zoo_checkpoint::{Archive, Format, Value};

fn open(bytes: Vec<u8>) -> Archive {
    Archive::from_bytes("file", bytes).unwrap()
}

/// Tensors whose paths end in the keys of the weights, in the file's order.
fn check(name: &str, archive: &Archive) {
    for (key, array) in testing::weights() {
        let found: Vec<_> = archive
            .tensors()
            .iter()
            .filter(|tensor| {
                let path = tensor.path().join(".");
                path == key || path.ends_with(&format!(".{key}"))
            })
            .collect();
        assert!(!found.is_empty(), "{name}: {key}");
        for tensor in found {
            let shape: Vec<_> = array.shape.iter().map(|&size| size as usize).collect();
            assert_eq!(tensor.shape(), shape, "{name}: {key}");
            let dtype = if array.kind == "Long" { "I64" } else { "F32" };
            assert_eq!(tensor.dtype().to_string(), dtype, "{name}: {key}");
            assert_eq!(tensor.byte_len(), array.bytes.len() as u64, "{name}: {key}");
            assert_eq!(tensor.read().unwrap(), array.bytes, "{name}: {key}");
        }
    }
}

#[test]
fn every_form_has_the_same_weights() {
    let formats = [
        "pytorch-zip",
        "pytorch-zip",
        "pytorch-zip",
        "pytorch-zip",
        "pytorch-zip",
        "pytorch-zip",
        "pytorch-zip",
        "pytorch-zip",
        "pytorch-legacy",
        "pytorch-legacy",
        "pytorch-legacy",
        "pytorch-legacy",
        "pytorch-tar",
        "pytorch-legacy",
        "pytorch-legacy",
        "torchscript",
        "torch-export",
        "torch-export",
        "safetensors",
    ];
    let forms = testing::forms();
    assert_eq!(forms.len(), formats.len());
    let folder = tempfile::tempdir().unwrap();
    for ((name, bytes), format) in forms.into_iter().zip(formats) {
        let path = folder.path().join("weights.jpg");
        std::fs::write(&path, &bytes).unwrap();
        let len = bytes.len() as u64;
        for archive in [open(bytes), Archive::open(&path).unwrap()] {
            assert_eq!(archive.format().to_string(), format, "{name}");
            assert_eq!(archive.len(), len, "{name}");
            check(name, &archive);
        }
    }
}

#[test]
fn a_plain_file_lists_its_tensors_alone_and_in_order() {
    let forms = testing::forms();
    let keys: Vec<_> = testing::weights()
        .into_iter()
        .map(|(key, _)| key.to_owned())
        .collect();
    for name in [
        "zip",
        "legacy",
        "tar",
        "zip, module",
        "torch.export, older",
        "safetensors",
    ] {
        let (_, bytes) = forms.iter().find(|(other, _)| *other == name).unwrap();
        let archive = open(bytes.clone());
        let mut paths: Vec<_> = archive
            .tensors()
            .iter()
            .map(|t| t.path().join("."))
            .collect();
        assert_eq!(paths.len(), keys.len(), "{name}");
        // safetensors orders tensors by offset, which the writer assigns in key order.
        if name == "zip, module" {
            paths.sort();
            let mut keys = keys.clone();
            keys.sort();
            assert_eq!(paths, keys);
        } else {
            assert_eq!(paths, keys, "{name}");
        }
    }
}

#[test]
fn every_protocol_is_read_in_each_container() {
    let state = testing::state_dict(testing::weights());
    for protocol in 0..=5 {
        let options = testing::ZipOptions::default();
        let entries = testing::torch_entries("archive", &state, protocol);
        check("zip", &open(testing::write_zip(&entries, &options)));
        check("legacy", &open(testing::legacy(&state, protocol)));
        let arrays = testing::weights()
            .into_iter()
            .map(|(key, array)| (key, testing::numpy(&array, "<")));
        check(
            "bare",
            &open(testing::bare(
                &testing::dict(arrays.collect::<Vec<_>>()),
                protocol,
            )),
        );
    }
}

#[test]
fn a_whole_module_reads_like_its_state_dict_with_its_attributes_beside() {
    let (_, bytes) = testing::forms()
        .into_iter()
        .find(|(name, _)| *name == "legacy, module")
        .unwrap();
    let archive = open(bytes);
    let root = archive.root();
    assert_eq!(root.as_dict().unwrap().class(), Some("__main__.Net"));
    let names = root.get("class_names").unwrap().as_list().unwrap();
    assert_eq!(names.get(1), Some(Value::Text("dog".into())));
    // Tensors that are not in the state dict become numbers.
    let numbers = |key: &str| {
        let list = root.get(key).unwrap().as_list().unwrap();
        list.iter()
            .map(|value| value.as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers("mean"), [0.25, 0.5, 0.75]);
    assert_eq!(numbers("passing"), [8.0, 9.0]);
    let place = root
        .get("fc")
        .unwrap()
        .get("weight")
        .unwrap()
        .as_tensor()
        .unwrap();
    assert_eq!(archive.tensors()[place].path().join("/"), "fc/weight");
}

#[test]
fn modules_lie_in_wrappers_and_legacy_files_have_their_sources() {
    let layer = testing::module(
        "Linear",
        vec![("weight", Array::floats(&[1], &[2.0]))],
        vec![],
        vec![],
        vec![],
    );
    // The class of a module as PyTorch 0.1 to 1.5 wrote it.
    let class = Py::Persistent(Box::new(testing::tuple([
        testing::text("module"),
        testing::global("__main__.Net"),
        testing::text("net.py"),
        testing::text("class Net: ..."),
    ])));
    let fields = testing::dict([
        ("_parameters", testing::call("collections.OrderedDict", [])),
        (
            "_modules",
            testing::dict([("fc", layer), ("none", Py::None)]),
        ),
        (
            "_backend",
            testing::object("torch.nn.backends.thnn.THNNFunctionBackend", []),
        ),
    ]);
    let net = Py::Build(Box::new(Py::New(Box::new(class), vec![])), Box::new(fields));
    let wrapped = testing::module(
        "torch.nn.DataParallel",
        vec![],
        vec![],
        vec![("module", net)],
        vec![],
    );
    let archive = open(testing::legacy(&testing::dict([("model", wrapped)]), 2));
    let [tensor] = archive.tensors() else {
        panic!("{:?}", archive.tensors())
    };
    assert_eq!(tensor.path().join("/"), "model/module/fc/weight");
    let class = archive
        .root()
        .get("model")
        .unwrap()
        .get("module")
        .unwrap()
        .as_dict()
        .unwrap();
    assert_eq!(class.class(), Some("__main__.Net"));
}

#[test]
fn a_tar_archive_s_modules_have_their_class_first() {
    let class = Py::Persistent(Box::new(testing::tuple([
        testing::global("__main__.Net"),
        testing::text("net.py"),
        testing::text("class Net: ..."),
    ])));
    let weight = Py::Tensor(Array::floats(&[2], &[2.0, 3.0]));
    let parameter = testing::call("torch.nn.parameter.Parameter", [weight]);
    let fields = testing::dict([
        ("_parameters", testing::dict([("weight", parameter)])),
        ("_modules", testing::dict([])),
    ]);
    let net = Py::Build(Box::new(Py::New(Box::new(class), vec![])), Box::new(fields));
    let archive = open(testing::tar(&net));
    assert_eq!(
        archive.root().as_dict().unwrap().class(),
        Some("__main__.Net")
    );
    let [tensor] = archive.tensors() else {
        panic!("{:?}", archive.tensors())
    };
    assert_eq!(tensor.path().join("/"), "weight");
    assert_eq!(tensor.read().unwrap(), [0, 0, 0, 64, 0, 0, 64, 64]);
}

#[test]
fn a_graph_of_torch_fx_is_a_module() {
    let weight = testing::dict([("weight", Py::Tensor(Array::floats(&[1], &[2.0])))]);
    let fields = testing::dict([("_parameters", weight), ("_modules", testing::dict([]))]);
    let graph = testing::call(
        "torch.fx.graph_module.reduce_graph_module",
        [fields, testing::text("import torch")],
    );
    let archive = open(testing::torch_zip("archive", &graph));
    assert_eq!(archive.tensors()[0].path().join("/"), "weight");
}

#[test]
fn torchscript_lists_parameters_and_shows_plain_tensors_as_numbers() {
    let archive = open(testing::script("net", &testing::weights()));
    assert_eq!(archive.format(), Format::TorchScript);
    assert_eq!(archive.tensors().len(), 4);
    let path: Vec<_> = archive.tensors()[0]
        .path()
        .iter()
        .map(|key| &**key)
        .collect();
    assert_eq!(path, ["conv1", "weight"]);
    let plain = archive.root().get("plain").unwrap().as_list().unwrap();
    assert_eq!(plain.get(0), Some(Value::Float(0.5)));
}

#[test]
fn a_frozen_torchscript_is_named() {
    let mut entries = testing::script_entries("net", &[]);
    entries[0].1 = testing::bare(
        &testing::object("__torch__.Net", [("training", Py::Bool(false))]),
        2,
    );
    entries.push(("net/constants/0".into(), vec![0; 16]));
    let file = testing::write_zip(&entries, &testing::ZipOptions::default());
    let error = Archive::from_bytes("net.pt", file).unwrap_err().to_string();
    assert!(error.starts_with("net.pt: a frozen TorchScript"), "{error}");
    assert!(error.contains("model.state_dict()"), "{error}");
}

#[test]
fn values_beside_the_weights_are_read() {
    let (_, bytes) = testing::forms()
        .into_iter()
        .find(|(name, _)| *name == "zip, training")
        .unwrap();
    let archive = open(bytes);
    let root = archive.root();
    assert_eq!(root.get("epoch").unwrap().as_i64(), Some(3));
    assert_eq!(root.get("best").unwrap().as_f64(), Some(91.2));
    let losses = root.get("losses").unwrap().as_list().unwrap();
    assert_eq!(
        (losses.len(), losses.get(7)),
        (200, Some(Value::Float(7.0 * 0.1)))
    );
    assert_eq!(
        root.get("args").unwrap().get("lr").unwrap().as_f64(),
        Some(0.1)
    );
    assert_eq!(
        root.get("size").unwrap().as_list().unwrap().get(1),
        Some(Value::Int(32))
    );
    assert_eq!(
        root.get("history")
            .unwrap()
            .get("loss")
            .unwrap()
            .as_list()
            .unwrap()
            .len(),
        1
    );
    // Weights with two keys are listed under both, and compare as the same data.
    let place = |wrapper: &str| {
        let mut all = archive.tensors().iter();
        all.find(|tensor| tensor.path().join("/") == format!("{wrapper}/fc.weight"))
            .unwrap()
    };
    assert!(place("state_dict").is_same_place(place("ema")));
    assert!(!place("state_dict").is_same_place(&archive.tensors()[0]));
}
