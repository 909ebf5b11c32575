//! One small file in each format.

use super::container::{
    bare, export, export_old, legacy, safetensors, script, tar, torch_entries, torch_zip,
};
use super::value::{Array, Py, call, dict, global, module, object, state_dict, text, tuple};
use super::zip::{ZipOptions, write_zip};

/// The weights of [`forms`]: a layer, its statistics and a counter.
pub fn weights() -> Vec<(&'static str, Array)> {
    let ramp = |len: u32| (0..len).map(|at| at as f32 * 0.5 - 3.0).collect::<Vec<_>>();
    vec![
        ("conv1.weight", Array::floats(&[4, 3, 3, 3], &ramp(108))),
        (
            "bn1.running_var",
            Array::floats(&[4], &[1.0, 2.0, 3.0, 4.0]),
        ),
        ("bn1.num_batches_tracked", Array::longs(&[], &[7])),
        ("fc.weight", Array::floats(&[5, 4], &ramp(20))),
    ]
}

/// [`weights`] in every file format, by the format's name.
pub fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let plain = state_dict(weights());
    let training = training();
    let packed = |options: ZipOptions| write_zip(&torch_entries("archive", &plain, 2), &options);
    let modules = whole_module();
    vec![
        ("zip", torch_zip("archive", &plain)),
        (
            "zip, protocol 0",
            write_zip(&torch_entries("a", &plain, 0), &ZipOptions::default()),
        ),
        (
            "zip, protocol 5",
            write_zip(&torch_entries("a", &training, 5), &ZipOptions::default()),
        ),
        (
            "zip, deflated",
            packed(ZipOptions {
                deflated: true,
                ..ZipOptions::default()
            }),
        ),
        (
            "zip64 with descriptors",
            packed(ZipOptions {
                zip64: true,
                descriptors: true,
                comment: b"comment".to_vec(),
                ..ZipOptions::default()
            }),
        ),
        (
            "zip behind data",
            packed(ZipOptions {
                before: vec![b'#'; 77],
                ..ZipOptions::default()
            }),
        ),
        ("zip, training", torch_zip("archive", &training)),
        ("zip, module", torch_zip("archive", &modules)),
        ("legacy", legacy(&plain, 2)),
        ("legacy, protocol 0", legacy(&plain, 0)),
        ("legacy, training", legacy(&training, 4)),
        ("legacy, module", legacy(&modules, 2)),
        ("tar", tar(&plain)),
        ("pickle of arrays", bare(&arrays(), 2)),
        ("pickle of arrays, protocol 4", bare(&arrays(), 4)),
        ("torchscript", script("net", &weights())),
        ("torch.export", export("net", &weights())),
        ("torch.export, older", export_old(&plain)),
        ("safetensors", safetensors(&weights(), &[("format", "pt")])),
    ]
}

/// A training script's dictionary around [`weights`].
fn training() -> Py {
    let momentum = Py::Tensor(Array::floats(&[4], &[0.0; 4]));
    dict([
        ("epoch", Py::Int(3)),
        ("best", Py::Float(91.2)),
        ("state_dict", Py::Put(1, Box::new(state_dict(weights())))),
        ("ema", Py::Get(1)),
        (
            "optimizer",
            dict([(
                "state",
                Py::Dict(vec![(Py::Int(0), dict([("momentum", momentum)]))]),
            )]),
        ),
        (
            "losses",
            Py::List((0..200).map(|at| Py::Float(f64::from(at) * 0.1)).collect()),
        ),
        ("classes", Py::List(vec![text("cat"), text("dog")])),
        (
            "history",
            Py::Fill(
                Box::new(call("collections.defaultdict", [global("builtins.list")])),
                vec![(text("loss"), Py::List(vec![Py::Float(0.5)]))],
            ),
        ),
        (
            "args",
            object(
                "argparse.Namespace",
                [("lr", Py::Float(0.1)), ("name", text("sgd"))],
            ),
        ),
        (
            "size",
            call("torch.Size", [tuple([Py::Int(3), Py::Int(32)])]),
        ),
        ("seen", Py::Set(vec![Py::Int(1), Py::Int(2)])),
    ])
}

/// [`weights`] in modules.
fn whole_module() -> Py {
    let mut layers = Vec::new();
    for (key, array) in weights() {
        let (layer, name) = key.split_once('.').unwrap_or(("", key));
        let class = "torch.nn.modules.linear.Linear";
        let (parameters, buffers) = match layer {
            "bn1" => (Vec::new(), vec![(name, array)]),
            _ => (vec![(name, array)], Vec::new()),
        };
        match layers.iter_mut().find(|(other, _, _)| *other == layer) {
            Some((_, _, more)) => {
                let more: &mut Vec<(&str, Array)> = more;
                more.extend(buffers);
            }
            None => layers.push((layer, (class, parameters), buffers)),
        }
    }
    let layers = layers
        .into_iter()
        .map(|(name, (class, parameters), buffers)| {
            (
                name,
                module(class, parameters, buffers, Vec::new(), Vec::new()),
            )
        });
    let passing = vec![("passing", Array::floats(&[2], &[8.0, 9.0]))];
    let attributes = vec![
        ("class_names", Py::List(vec![text("cat"), text("dog")])),
        ("mean", Py::Tensor(Array::floats(&[3], &[0.25, 0.5, 0.75]))),
    ];
    module(
        "__main__.Net",
        Vec::new(),
        passing,
        layers.collect(),
        attributes,
    )
}

/// [`weights`] as NumPy arrays.
fn arrays() -> Py {
    let pairs = weights()
        .into_iter()
        .map(|(key, array)| (key, numpy(&array, "<")));
    dict(pairs.collect::<Vec<_>>())
}

/// A tensor as a NumPy array with byte order `<` or `>`.
pub fn numpy(array: &Array, order: &str) -> Py {
    let code = if array.kind == "Long" { "i8" } else { "f4" };
    let dtype = Py::Build(
        Box::new(call(
            "numpy.dtype",
            [text(code), Py::Bool(false), Py::Bool(true)],
        )),
        Box::new(tuple([
            Py::Int(3),
            text(order),
            Py::None,
            Py::None,
            Py::None,
            Py::Int(-1),
            Py::Int(-1),
            Py::Int(0),
        ])),
    );
    let arguments = [
        global("numpy.ndarray"),
        tuple([Py::Int(0)]),
        Py::Bytes(b"b".to_vec()),
    ];
    let shape = tuple(array.shape.iter().map(|&size| Py::Int(size as i64)));
    // The array is column-major if the first stride is 1.
    let is_fortran = array.shape.len() > 1 && array.strides.first() == Some(&1);
    let state = [
        Py::Int(1),
        shape,
        dtype,
        Py::Bool(is_fortran),
        Py::Bytes(array.bytes.clone()),
    ];
    Py::Build(
        Box::new(call("numpy.core.multiarray._reconstruct", arguments)),
        Box::new(tuple(state)),
    )
}
