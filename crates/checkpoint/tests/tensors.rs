//! Views, number formats and skipped tensors.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use burn_zoo_checkpoint::testing::{self, Array, Py, call, dict, global, text, tuple};
use burn_zoo_checkpoint::{Archive, ErrorKind, Value};

fn open(value: &Py) -> Archive {
    Archive::from_bytes("file", testing::torch_zip("archive", value)).unwrap()
}

fn view(shape: &[u64], strides: &[u64], offset: u64) -> Py {
    Py::Tensor(Array {
        shape: shape.to_vec(),
        strides: strides.to_vec(),
        offset,
        shared: Some(1),
        ..Array::new("Byte", &[40], (0..40).collect())
    })
}

#[test]
fn views_of_a_shared_storage_are_in_row_major_order() {
    let archive = open(&dict([
        ("whole", view(&[40], &[1], 0)),
        ("slice", view(&[3], &[1], 10)),
        ("transposed", view(&[3, 2], &[1, 3], 0)),
        ("channels last", view(&[1, 2, 2, 2], &[8, 1, 4, 2], 8)),
        ("expanded", view(&[2, 3], &[0, 1], 5)),
        ("steps", view(&[3], &[13], 1)),
        ("scalar", view(&[], &[], 39)),
        ("empty", view(&[0, 3], &[3, 1], 0)),
        ("same", view(&[3], &[1], 10)),
    ]));
    let values: Vec<_> = archive
        .tensors()
        .iter()
        .map(|tensor| tensor.read().unwrap())
        .collect();
    let expected: [&[u8]; 9] = [
        &(0..40).collect::<Vec<u8>>(),
        &[10, 11, 12],
        &[0, 3, 1, 4, 2, 5],
        &[8, 10, 12, 14, 9, 11, 13, 15],
        &[5, 6, 7, 5, 6, 7],
        &[1, 14, 27],
        &[39],
        &[],
        &[10, 11, 12],
    ];
    assert_eq!(values, expected);
    let tensors = archive.tensors();
    assert!(tensors[1].is_same_place(&tensors[8]) && !tensors[1].is_same_place(&tensors[0]));
}

#[test]
fn numbers_of_every_format_are_listed() {
    let kinds = [
        ("Double", "F64", 8),
        ("Half", "F16", 2),
        ("BFloat16", "BF16", 2),
        ("Long", "I64", 8),
        ("Int", "I32", 4),
        ("Short", "I16", 2),
        ("Char", "I8", 1),
        ("Byte", "U8", 1),
        ("Bool", "BOOL", 1),
        ("ComplexFloat", "C64", 8),
        ("ComplexDouble", "C128", 16),
    ];
    for (kind, dtype, width) in kinds {
        let bytes: Vec<u8> = (0..width * 3).collect();
        let archive = open(&dict([(
            "w",
            Py::Tensor(Array::new(kind, &[3], bytes.clone())),
        )]));
        let tensor = &archive.tensors()[0];
        assert_eq!(
            (tensor.dtype().to_string(), tensor.read().unwrap()),
            (dtype.to_owned(), bytes)
        );
    }
}

fn storage(class: &str, elements: i64) -> Py {
    Py::Persistent(Box::new(tuple([
        text("storage"),
        global(class),
        text("0"),
        text("cpu"),
        Py::Int(elements),
    ])))
}

/// A file whose storage `0` has the bytes 1 to 8.
fn with_storage(value: Py) -> Archive {
    let mut entries = testing::torch_entries("archive", &dict([("it", value)]), 2);
    entries.push(("archive/data/0".to_owned(), (1..=8).collect()));
    Archive::from_bytes(
        "file",
        testing::write_zip(&entries, &testing::ZipOptions::default()),
    )
    .unwrap()
}

#[test]
fn every_way_to_make_a_tensor_is_known() {
    let hooks = || call("collections.OrderedDict", []);
    let two = || tuple([Py::Int(2)]);
    let one = || tuple([Py::Int(1)]);
    let bytes = || storage("torch.storage.UntypedStorage", 8);
    let old = || {
        call(
            "torch._utils._rebuild_tensor",
            [storage("torch.FloatStorage", 2), Py::Int(0), two(), one()],
        )
    };
    let v3 = |dtype: &str| {
        call(
            "torch._utils._rebuild_tensor_v3",
            [
                bytes(),
                Py::Int(0),
                two(),
                one(),
                Py::Bool(false),
                hooks(),
                global(dtype),
            ],
        )
    };
    let parameter = Py::Build(
        Box::new(call("torch.nn.parameter.Parameter", [old()])),
        Box::new(tuple([Py::Bool(true), Py::Bool(false), hooks()])),
    );
    let cases = [
        (old(), "F32", 8),
        (v3("torch.uint16"), "U16", 4),
        (v3("torch.float8_e4m3fn"), "F8_E4M3", 2),
        (
            call(
                "torch._utils._rebuild_parameter",
                [old(), Py::Bool(true), hooks()],
            ),
            "F32",
            8,
        ),
        (
            call(
                "torch._utils._rebuild_parameter_with_state",
                [old(), Py::Bool(true), hooks(), dict([])],
            ),
            "F32",
            8,
        ),
        (parameter, "F32", 8),
        (
            call(
                "torch._tensor._rebuild_from_type_v2",
                [
                    global("torch._utils._rebuild_tensor"),
                    global("my.Tensor"),
                    tuple([storage("torch.FloatStorage", 2), Py::Int(0), two(), one()]),
                    dict([]),
                ],
            ),
            "F32",
            8,
        ),
        (storage("torch.cuda.HalfStorage", 4), "F16", 8),
        (bytes(), "U8", 8),
        (
            call(
                "torch._utils._rebuild_device_tensor_from_cpu_tensor",
                [old(), global("torch.float32"), text("xla"), Py::Bool(false)],
            ),
            "F32",
            8,
        ),
    ];
    for (case, dtype, len) in cases {
        let archive = with_storage(case.clone());
        let [tensor] = archive.tensors() else {
            panic!("{case:?}")
        };
        let expected: Vec<u8> = (1..=len).collect();
        assert_eq!(
            (tensor.dtype().to_string(), tensor.read().unwrap()),
            (dtype.to_owned(), expected),
            "{case:?}"
        );
    }
}

#[test]
fn tensors_that_are_no_plain_numbers_are_passed_over_by_name() {
    let two = || tuple([Py::Int(2)]);
    let old = |offset, size: i64, stride: i64| {
        call(
            "torch._utils._rebuild_tensor",
            [
                storage("torch.FloatStorage", 2),
                Py::Int(offset),
                tuple([Py::Int(size)]),
                tuple([Py::Int(stride)]),
            ],
        )
    };
    let meta = Py::Persistent(Box::new(tuple([
        text("storage"),
        global("torch.FloatStorage"),
        text("0"),
        text("meta"),
        Py::Int(2),
    ])));
    let cases = [
        (
            call(
                "torch._utils._rebuild_qtensor",
                [storage("torch.QInt8Storage", 2), Py::Int(0), two(), two()],
            ),
            "a quantized tensor",
        ),
        (
            call(
                "torch._utils._rebuild_sparse_tensor",
                [Py::None, tuple([old(0, 2, 1), old(0, 2, 1)])],
            ),
            "a sparse tensor",
        ),
        (
            call(
                "torch._utils._rebuild_meta_tensor_no_storage",
                [global("torch.float32"), two(), two(), Py::Bool(false)],
            ),
            "a meta tensor, which has no values",
        ),
        (
            call(
                "torch._utils._rebuild_tensor",
                [meta, Py::Int(0), two(), two()],
            ),
            "a meta tensor, which has no values",
        ),
        (
            call("torch._utils._rebuild_something", [old(0, 2, 1)]),
            "a tensor built by _rebuild_something, which is not supported",
        ),
        (old(0, 1 << 40, 0), "it is larger than the file"),
        (old(0, -1, 1), "a tensor with an invalid shape"),
        (old(-1, 1, 1), "a tensor with an invalid shape"),
    ];
    for (case, reason) in cases {
        let archive = with_storage(case.clone());
        assert!(archive.tensors().is_empty(), "{case:?}");
        assert_eq!(
            archive.root().get("it"),
            Some(&Value::Opaque(reason.into())),
            "{case:?}"
        );
    }
}

#[test]
fn a_tensor_outside_of_its_storage_is_an_error_that_names_it_when_it_is_read() {
    let outside = call(
        "torch._utils._rebuild_tensor",
        [
            storage("torch.FloatStorage", 9),
            Py::Int(1),
            tuple([Py::Int(2)]),
            tuple([Py::Int(1)]),
        ],
    );
    let archive = with_storage(outside);
    let [tensor] = archive.tensors() else {
        panic!()
    };
    assert_eq!(tensor.shape(), [2]);
    assert!(tensor.problem().is_some());
    let error = tensor.read().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Damaged(_)));
    assert!(
        error
            .to_string()
            .starts_with("file: tensor it: damaged: its values are outside"),
        "{error}"
    );
}

#[test]
fn numpy_arrays_of_either_order_are_tensors() {
    let array = Array::floats(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let mut big = array.clone();
    big.bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    // The same values in column-major order.
    let mut fortran = Array::floats(&[2, 3], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    fortran.strides = vec![1, 2];
    for (order, array_of) in [("<", &array), (">", &big), ("<", &fortran)] {
        for protocol in [0, 2, 4] {
            let file = testing::bare(&dict([("w", testing::numpy(array_of, order))]), protocol);
            let archive = Archive::from_bytes("file", file).unwrap();
            assert_eq!(
                archive.tensors()[0].read().unwrap(),
                array.bytes,
                "{order} {protocol}"
            );
        }
    }
}

#[test]
fn numpy_s_buffers_with_turned_axes_are_read() {
    let dtype = || call("numpy.dtype", [text("u1"), Py::Bool(false), Py::Bool(true)]);
    let made = |order: &str, axes: Option<Py>| {
        let mut arguments = vec![
            Py::Bytes((0..6).collect()),
            dtype(),
            tuple([Py::Int(2), Py::Int(3)]),
            text(order),
        ];
        arguments.extend(axes);
        call("numpy._core.numeric._frombuffer", arguments)
    };
    let turned = tuple([Py::Int(1), Py::Int(0)]);
    let cases = [
        (made("C", None), [2, 3], [0, 1, 2, 3, 4, 5]),
        (made("F", None), [2, 3], [0, 2, 4, 1, 3, 5]),
        (made("K", Some(turned)), [3, 2], [0, 3, 1, 4, 2, 5]),
    ];
    for (case, shape, values) in cases {
        let archive = Archive::from_bytes("file", testing::bare(&dict([("w", case)]), 5)).unwrap();
        assert_eq!(archive.tensors()[0].shape(), shape);
        assert_eq!(archive.tensors()[0].read().unwrap(), values);
    }
}

#[test]
fn a_legacy_file_that_is_cut_in_its_values_says_so() {
    let file = testing::legacy(&testing::state_dict(testing::weights()), 2);
    let error = Archive::from_bytes("old.pth", file[..file.len() - 9].to_vec())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "old.pth: cut off: a tensor has 71 of its 80 bytes; fetch it again"
    );
}
