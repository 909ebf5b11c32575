//! Objects next to the weights in a pickle are skipped or read, and never called.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use burn_zoo_checkpoint::testing::{self, Array, Py, call, dict, global, object, text, tuple};
use burn_zoo_checkpoint::{Archive, Value};

fn open(value: &Py) -> Archive {
    Archive::from_bytes("file", testing::torch_zip("archive", value)).unwrap()
}

fn ones(len: u64) -> Py {
    Py::Tensor(Array::floats(&[len], &vec![1.0; len as usize]))
}

fn paths(archive: &Archive) -> Vec<String> {
    archive
        .tensors()
        .iter()
        .map(|tensor| tensor.path().join("/"))
        .collect()
}

fn floats(list: &Value) -> Vec<f64> {
    list.as_list()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

#[test]
fn dictionaries_of_every_class_are_dictionaries() {
    let pairs = || vec![(text("w"), ones(1)), (text("n"), Py::Int(2))];
    let list_of_pairs = Py::List(vec![
        Py::List(vec![text("w"), ones(1)]),
        Py::List(vec![text("n"), Py::Int(2)]),
    ]);
    let content = Py::Dict(pairs());
    let cases = [
        Py::Dict(pairs()),
        Py::Fill(Box::new(call("collections.OrderedDict", [])), pairs()),
        // Python 2.
        call("collections.OrderedDict", [list_of_pairs]),
        Py::Fill(
            Box::new(call(
                "collections.defaultdict",
                [global("__builtin__.list")],
            )),
            pairs(),
        ),
        call("collections.Counter", [content.clone()]),
        Py::Fill(
            Box::new(Py::New(Box::new(global("my.Config")), vec![])),
            pairs(),
        ),
        Py::Build(
            Box::new(Py::Fill(
                Box::new(Py::New(Box::new(global("my.Config")), vec![])),
                pairs(),
            )),
            Box::new(dict([("_frozen", Py::Bool(true))])),
        ),
        // Protocols 0 and 1.
        call(
            "copy_reg._reconstructor",
            [
                global("my.Config"),
                global("__builtin__.dict"),
                content.clone(),
            ],
        ),
        object("argparse.Namespace", [("w", ones(1)), ("n", Py::Int(2))]),
        // A class with slots.
        Py::Build(
            Box::new(Py::New(Box::new(global("my.Slots")), vec![])),
            Box::new(tuple([Py::None, content])),
        ),
    ];
    for case in cases {
        let archive = open(&dict([("it", case.clone())]));
        assert_eq!(paths(&archive), ["it/w"], "{case:?}");
        assert_eq!(
            archive.root().get("it").unwrap().get("n"),
            Some(&Value::Int(2)),
            "{case:?}"
        );
    }
}

#[test]
fn lists_of_every_class_are_lists() {
    let items = || vec![Py::Float(0.5), Py::Float(2.0)];
    let cases = [
        Py::List(items()),
        Py::Tuple(items()),
        Py::Set(items()),
        call("builtins.frozenset", [Py::List(items())]),
        Py::Append(
            Box::new(call("collections.deque", [tuple([]), Py::Int(5)])),
            items(),
        ),
        call("collections.deque", [Py::List(items()), Py::Int(5)]),
        Py::Append(
            Box::new(Py::New(Box::new(global("my.Items")), vec![])),
            items(),
        ),
        call(
            "copy_reg._reconstructor",
            [
                global("my.Items"),
                global("__builtin__.list"),
                Py::List(items()),
            ],
        ),
        Py::New(Box::new(global("my.Point")), items()),
        call("torch.Size", [Py::Tuple(items())]),
    ];
    for case in cases {
        let archive = open(&dict([("it", case.clone())]));
        assert_eq!(
            floats(archive.root().get("it").unwrap()),
            [0.5, 2.0],
            "{case:?}"
        );
    }
}

#[test]
fn keys_of_any_type_have_a_readable_path() {
    let keys = [
        Py::Float(0.5),
        Py::None,
        Py::Bool(true),
        Py::Int(7),
        text("a.b"),
        tuple([Py::Int(3), Py::Int(32), Py::Int(32)]),
        tuple([text("a"), tuple([Py::Int(1)])]),
    ];
    let archive = open(&Py::Dict(
        keys.into_iter().map(|key| (key, ones(1))).collect(),
    ));
    assert_eq!(
        paths(&archive),
        [
            "0.5",
            "None",
            "True",
            "7",
            "a.b",
            "(3, 32, 32)",
            "('a', (1,))"
        ]
    );
}

#[test]
fn a_tensor_as_a_key_is_no_weight() {
    let state = Py::Dict(vec![(ones(3), dict([("momentum", ones(2))]))]);
    assert_eq!(
        paths(&open(&dict([("state", state)]))),
        ["state/<key 0>/momentum"]
    );
}

#[test]
fn objects_that_hold_tensors_have_their_fields_as_keys() {
    let meter = object(
        "__main__.Meter",
        [
            ("avg", ones(1)),
            ("history", Py::List(vec![ones(2), Py::Int(1)])),
        ],
    );
    let options = object(
        "__main__.Options",
        [("model", object("__main__.Model", [("weight", ones(3))]))],
    );
    let odd = Py::Build(
        Box::new(Py::New(Box::new(global("my.State")), vec![])),
        Box::new(tuple([Py::Int(1), ones(1)])),
    );
    let archive = open(&dict([
        ("meter", meter),
        ("options", options),
        ("odd", odd),
    ]));
    let expected = [
        "meter/avg",
        "meter/history/0",
        "options/model/weight",
        "odd/state/1",
    ];
    assert_eq!(paths(&archive), expected);
    let class = archive
        .root()
        .get("meter")
        .unwrap()
        .as_dict()
        .unwrap()
        .class()
        .unwrap();
    assert_eq!(class, "__main__.Meter");
}

#[test]
fn values_of_small_classes_are_read() {
    let bytes = |bytes: &[u8]| Py::Bytes(bytes.to_vec());
    let dtype = |code: &str| call("numpy.dtype", [text(code), Py::Bool(false), Py::Bool(true)]);
    let scalar = |module: &str, code: &str, value: &[u8]| {
        call(
            &format!("numpy.{module}.multiarray.scalar"),
            [dtype(code), bytes(value)],
        )
    };
    let cases = [
        (
            call("torch.device", [text("cuda"), Py::Int(1)]),
            Value::Text("cuda:1".into()),
        ),
        (global("torch.float16"), Value::Text("torch.float16".into())),
        (
            call("pathlib.PosixPath", [text("/"), text("a"), text("b.c")]),
            Value::Text("/a/b.c".into()),
        ),
        (call("__main__.Color", [Py::Int(2)]), Value::Int(2)),
        (
            scalar("core", "f8", &91.25_f64.to_le_bytes()),
            Value::Float(91.25),
        ),
        (
            scalar("_core", "i4", &(-3_i32).to_le_bytes()),
            Value::Int(-3),
        ),
        (scalar("_core", "b1", &[1]), Value::Bool(true)),
        (
            call(
                "datetime.datetime",
                [bytes(b"\x07\xe4\x01\x01\0\0\0\0\0\0")],
            ),
            Value::Opaque("datetime.datetime".into()),
        ),
        (
            call("posix.system", [text("touch /tmp/never")]),
            Value::Opaque("posix.system".into()),
        ),
        (
            call("builtins.eval", [text("1 / 0")]),
            Value::Opaque("builtins.eval".into()),
        ),
        (global("my.function"), Value::Opaque("my.function".into())),
        (
            Py::Raw(b"\x8a\x0a\0\0\0\0\0\0\0\0\0\x01".to_vec()),
            Value::Opaque("a number of more than 64 bits".into()),
        ),
        (Py::Raw(b"\x8a\x02\xff\xff".to_vec()), Value::Int(-1)),
        (
            Py::Raw(b"L12345678901L\n".to_vec()),
            Value::Int(12_345_678_901),
        ),
        (Py::Raw(b"F1e-05\n".to_vec()), Value::Float(1e-5)),
        (
            Py::Raw(b"S'caf\\xc3\\xa9'\n".to_vec()),
            Value::Text("café".into()),
        ),
        (Py::Raw(b"U\x03abc".to_vec()), Value::Text("abc".into())),
        (Py::Raw(b"I01\n".to_vec()), Value::Bool(true)),
    ];
    for (case, expected) in cases {
        let archive = open(&dict([("it", case.clone()), ("w", ones(1))]));
        assert_eq!(archive.root().get("it"), Some(&expected), "{case:?}");
        assert_eq!(paths(&archive), ["w"]);
    }
}

#[test]
fn numpy_texts_are_class_names() {
    let letters = |text: &str| {
        text.chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect::<Vec<_>>()
    };
    let dtype = call("numpy.dtype", [text("U3"), Py::Bool(false), Py::Bool(true)]);
    let state = tuple([
        Py::Int(1),
        tuple([Py::Int(2)]),
        dtype,
        Py::Bool(false),
        Py::Bytes([letters("cat"), letters("ox\0")].concat()),
    ]);
    let made = call(
        "numpy.core.multiarray._reconstruct",
        [
            global("numpy.ndarray"),
            tuple([Py::Int(0)]),
            Py::Bytes(b"b".to_vec()),
        ],
    );
    let archive = open(&dict([(
        "names",
        Py::Build(Box::new(made), Box::new(state)),
    )]));
    let names: Vec<_> = archive
        .root()
        .get("names")
        .unwrap()
        .as_list()
        .unwrap()
        .iter()
        .collect();
    assert_eq!(names, [Value::Text("cat".into()), Value::Text("ox".into())]);
}

#[test]
fn a_million_floats_are_read_in_little_memory() {
    let history = Py::List(
        (0..1_000_000)
            .map(|at| Py::Float(f64::from(at) * 0.1))
            .collect(),
    );
    let archive = open(&dict([("losses", history), ("w", ones(2))]));
    let losses = archive.root().get("losses").unwrap().as_list().unwrap();
    assert_eq!(
        (losses.len(), losses.get(999_999)),
        (1_000_000, Some(Value::Float(999_999.0 * 0.1)))
    );
    assert_eq!(paths(&archive), ["w"]);
}

#[test]
fn what_refers_to_itself_is_shown_once() {
    // {'self': itself, 'w': tensor}, as Python memoizes it.
    let mut circle = b"}r\x00\x00\x20\x00X\x04\x00\x00\x00selfj\x00\x00\x20\x00s".to_vec();
    circle.extend(b"X\x01\x00\x00\x00nK\x05s");
    let archive = open(&dict([("it", Py::Raw(circle)), ("w", ones(1))]));
    let it = archive.root().get("it").unwrap();
    assert_eq!(it.get("n"), Some(&Value::Int(5)));
    assert_eq!(
        it.get("self"),
        Some(&Value::Opaque("a circular reference".into()))
    );
    assert_eq!(paths(&archive), ["w"]);
}

#[test]
fn a_pickle_of_tensors_without_pytorch_s_container_is_read() {
    // `pickle.dump` writes each storage as a legacy file in bytes.
    let storage = |values: &[f32]| {
        let mut file = testing::legacy(&Py::None, 2);
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let id = tuple([
            text("storage"),
            global("torch.FloatStorage"),
            text("0"),
            text("cpu"),
            Py::Int(values.len() as i64),
            Py::None,
        ]);
        // Replace the object of an empty file by a storage, and its list of storages too.
        let empty = testing::bare(&Py::None, 2).len() + testing::bare(&Py::List(vec![]), 2).len();
        file.truncate(file.len() - empty);
        file.extend(testing::bare(&Py::Persistent(Box::new(id)), 2));
        file.extend(testing::bare(&Py::List(vec![text("0")]), 2));
        file.extend((values.len() as u64).to_le_bytes());
        file.extend(bytes);
        call("torch.storage._load_from_bytes", [Py::Bytes(file)])
    };
    let tensor = call(
        "torch._utils._rebuild_tensor_v2",
        [
            storage(&[1.0, 2.0, 3.0]),
            Py::Int(1),
            tuple([Py::Int(2)]),
            tuple([Py::Int(1)]),
            Py::Bool(false),
            call("collections.OrderedDict", []),
        ],
    );
    for protocol in [2, 4] {
        let file = testing::bare(&dict([("w", tensor.clone())]), protocol);
        let archive = Archive::from_bytes("file", file).unwrap();
        let expected: Vec<u8> = [2.0_f32, 3.0]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        assert_eq!(archive.tensors()[0].read().unwrap(), expected, "{protocol}");
    }
}
