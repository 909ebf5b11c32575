//! Real-world forms of weight files, built from a golden file's weights.

use burn_zoo_checkpoint::testing::{
    Array, Py, bare, call, dict, export, export_old, global, legacy, module, numpy, object, script,
    script_entries, state_dict, tar, text, torch_zip, write_zip,
};
use safetensors::SafeTensors;

use crate::golden::Golden;

/// Tensors by name.
pub type Tensors = Vec<(String, Array)>;

/// The weights that a golden file describes.
///
/// # Panics
///
/// If the golden file is broken.
pub fn weights(golden: &str) -> Tensors {
    let bytes = Golden::read(golden).safetensors();
    let file = SafeTensors::deserialize(&bytes).expect("we wrote it");
    let order = Golden::read(golden).state_dict;
    let tensors = order.iter().map(|(key, _, dtype)| {
        let view = file.tensor(key).expect("each key has a tensor");
        let shape: Vec<u64> = view.shape().iter().map(|&size| size as u64).collect();
        let kind = if dtype == "int64" { "Long" } else { "Float" };
        (key.clone(), Array::new(kind, &shape, view.data().to_vec()))
    });
    tensors.collect()
}

/// The same tensors under other names.
pub fn renamed(tensors: &Tensors, name: impl Fn(&str) -> String) -> Tensors {
    let tensors = tensors.iter();
    tensors
        .map(|(key, array)| (name(key), array.clone()))
        .collect()
}

/// The same tensors with a prefix.
pub fn prefixed(tensors: &Tensors, prefix: &str) -> Tensors {
    renamed(tensors, |key| format!("{prefix}{key}"))
}

/// The tensors whose names do not begin with the prefix.
pub fn without(tensors: &Tensors, start: &str) -> Tensors {
    let kept = tensors.iter().filter(|(key, _)| !key.starts_with(start));
    kept.cloned().collect()
}

/// Other weights of the same network: each number a little larger.
pub fn changed(tensors: &Tensors) -> Tensors {
    let tensors = tensors.iter().map(|(key, array)| {
        let mut array = array.clone();
        if array.kind == "Float" {
            for number in array.bytes.chunks_exact_mut(4) {
                let value = f32::from_le_bytes([number[0], number[1], number[2], number[3]]);
                number.copy_from_slice(&(value * 1.25).to_le_bytes());
            }
        }
        (key.clone(), array)
    });
    tensors.collect()
}

/// A state dict.
pub fn sd(tensors: &Tensors) -> Py {
    state_dict(borrowed(tensors))
}

/// `torch.save` of a value.
pub fn saved(value: &Py) -> Vec<u8> {
    torch_zip("archive", value)
}

fn borrowed(tensors: &Tensors) -> Vec<(&str, Array)> {
    let tensors = tensors.iter();
    tensors
        .map(|(key, array)| (key.as_str(), array.clone()))
        .collect()
}

/// The same weights in each form that holds a network, by the form's name in `docs/weight-files.md`.
pub fn containers(tensors: &Tensors) -> Vec<(&'static str, Vec<u8>)> {
    let plain = sd(tensors);
    let arrays = tensors
        .iter()
        .map(|(key, array)| (key.as_str(), numpy(array, "<")));
    let arrays = dict(arrays.collect::<Vec<_>>());
    let whole = modules(tensors, "");
    let st = burn_zoo_checkpoint::testing::safetensors(&borrowed(tensors), &[("format", "pt")]);
    vec![
        ("state-dict", saved(&plain)),
        ("legacy", legacy(&plain, 2)),
        ("legacy", legacy(&plain, 4)),
        ("tar", tar(&plain)),
        ("safetensors", st),
        ("whole-module", saved(&whole)),
        ("whole-module", legacy(&whole, 2)),
        ("torchscript", script("net", &borrowed(tensors))),
        ("exported", export("net", &borrowed(tensors))),
        ("exported", export_old(&plain)),
        ("bare-pickle", bare(&arrays, 4)),
        ("bare-pickle", saved(&arrays)),
    ]
}

/// The objects of `torch.save(model)`: a module for each level of the names.
fn modules(tensors: &Tensors, at: &str) -> Py {
    let (mut parameters, mut buffers) = (Vec::new(), Vec::new());
    let mut children: Vec<&str> = Vec::new();
    for (key, array) in tensors {
        let Some(rest) = key.strip_prefix(at) else {
            continue;
        };
        match rest.split_once('.') {
            Some((child, _)) if !children.contains(&child) => children.push(child),
            Some(_) => {}
            None if rest.starts_with("running_") || rest.starts_with("num_") => {
                buffers.push((rest, array.clone()));
            }
            None => parameters.push((rest, array.clone())),
        }
    }
    let children = children.into_iter();
    let children = children.map(|child| (child, modules(tensors, &format!("{at}{child}."))));
    let children = children.collect();
    module("my_code.Layer", parameters, buffers, children, Vec::new())
}

/// A frozen TorchScript: constants without names.
pub fn frozen(tensors: &Tensors) -> Vec<u8> {
    let mut entries = script_entries("net", &[]);
    for (number, (_, array)) in tensors.iter().enumerate() {
        entries.push((format!("net/constants/{number}"), array.bytes.clone()));
    }
    write_zip(&entries, &Default::default())
}

/// What training scripts save next to the weights.
pub fn beside() -> Vec<(&'static str, Py)> {
    let moments = Py::Tensor(Array::floats(&[4], &[0.5; 4]));
    let state = Py::Dict(vec![(Py::Int(0), dict([("exp_avg", moments)]))]);
    let history = (0..2_000).map(|step| Py::Float(f64::from(step)));
    let none = || Box::new(call("collections.defaultdict", [global("builtins.list")]));
    let window = Box::new(call(
        "collections.deque",
        [Py::List(Vec::new()), Py::Int(5)],
    ));
    vec![
        ("epoch", Py::Int(3)),
        ("optimizer_state_dict", dict([("state", state)])),
        ("losses", Py::List(history.collect())),
        (
            "history",
            Py::Fill(none(), vec![(text("loss"), Py::List(vec![Py::Float(0.5)]))]),
        ),
        ("window", Py::Append(window, vec![Py::Float(1.0)])),
        ("config", object("my_code.Config", [("lr", Py::Float(0.1))])),
        (
            "thresholds",
            Py::Dict(vec![
                (Py::Float(0.5), Py::Int(1)),
                (Py::None, Py::Int(2)),
                (Py::Tuple(vec![Py::Int(3), Py::Int(32)]), Py::Int(3)),
                (Py::Bool(true), Py::Int(4)),
            ]),
        ),
    ]
}
