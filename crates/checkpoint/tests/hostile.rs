//! Malicious files.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::{Duration, Instant};

use burn_zoo_checkpoint::testing::{self, Dice, Py, ZipOptions, damage, dict};
use burn_zoo_checkpoint::{Archive, Value};

/// A file whose `data.pkl` has these bytes.
fn file(pickle: Vec<u8>) -> Vec<u8> {
    testing::write_zip(
        &[("archive/data.pkl".to_owned(), pickle)],
        &ZipOptions::default(),
    )
}

/// Number of values in a tree, counted once per place.
fn count(value: &Value) -> usize {
    match value {
        Value::List(list) => 1 + list.iter().map(|item| count(&item)).sum::<usize>(),
        Value::Dict(dict) => {
            1 + dict
                .pairs()
                .iter()
                .map(|(key, value)| count(key) + count(value))
                .sum::<usize>()
        }
        _ => 1,
    }
}

fn quickly<T>(run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = run();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    done
}

#[test]
fn a_billion_laughs_do_not_multiply() {
    // A list with ten references to the previous list, a hundred levels deep.
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for level in 0..100_u8 {
        pickle.extend(b"](");
        pickle.extend([b'h', level].repeat(10));
        pickle.extend([b'e', b'q', level + 1]);
    }
    pickle.push(b'.');
    let archive = quickly(|| Archive::from_bytes("file", file(pickle)).unwrap());
    assert!(count(archive.root()) < 10_000, "{}", count(archive.root()));
}

#[test]
fn deep_nesting_ends() {
    for (open, close) in [
        ("]", "a"),
        (")", "\u{85}"),
        ("}K\x00", "s"),
        ("cm\nC\n", "\u{85}R"),
    ] {
        let mut pickle = open.repeat(200_000).into_bytes();
        pickle.push(b'N');
        pickle.extend(
            close
                .chars()
                .map(|c| c as u8)
                .collect::<Vec<_>>()
                .repeat(200_000),
        );
        pickle.push(b'.');
        quickly(|| drop(Archive::from_bytes("file", file(pickle))));
    }
}

#[test]
fn memory_stays_in_proportion_to_the_file() {
    // A million objects of a hundred bytes in one byte each.
    let mut pickle = vec![b']'; 1_000_000];
    pickle.push(b'.');
    let error = Archive::from_bytes("file", file(pickle))
        .unwrap_err()
        .to_string();
    assert!(error.contains("MB of memory"), "{error}");
    // Lengths beyond the end of the file.
    for length in [
        b"B\xff\xff\xff\xff".to_vec(),
        b"X\xff\xff\xff\x7f".to_vec(),
        [&b"\x8e"[..], &[255; 8]].concat(),
        b"\x8b\xff\xff\xff\xff".to_vec(),
    ] {
        let error = Archive::from_bytes("file", file(length))
            .unwrap_err()
            .to_string();
        assert!(error.contains("cut off"), "{error}");
    }
}

#[test]
fn long_paths_and_long_calls_end() {
    // A tensor below a key of a megabyte, and one object in many.
    let key = "k".repeat(60_000);
    let archive = Archive::from_bytes(
        "file",
        testing::torch_zip(
            "a",
            &Py::Dict(vec![(
                Py::Text(key),
                dict([("w", Py::Tensor(testing::Array::floats(&[1], &[1.0])))]),
            )]),
        ),
    );
    assert!(archive.unwrap().tensors().is_empty());
    let arguments = Py::Put(1, Box::new(Py::Tuple(vec![Py::None; 100_000])));
    let mut items = vec![arguments];
    items.extend((0..20_000).map(|_| Py::Raw(b"cm\nf\nj\x01\x00\x10\x00R".to_vec())));
    quickly(|| {
        drop(Archive::from_bytes(
            "file",
            testing::torch_zip("a", &Py::List(items)),
        ))
    });
}

#[test]
fn broken_files_are_read_or_refused() {
    let forms = testing::forms();
    let mut read = 0;
    for number in 0..6_000 {
        let mut dice = Dice::new(number);
        let (name, seed) = &forms[number as usize % forms.len()];
        let (_, other) = &forms[dice.below(forms.len())];
        let bytes = damage(seed, other, &mut dice);
        let start = Instant::now();
        match Archive::from_bytes("file", bytes) {
            Ok(archive) => {
                read += 1;
                for tensor in archive.tensors().iter().take(64) {
                    if let Ok(values) = tensor.read() {
                        assert_eq!(values.len() as u64, tensor.byte_len(), "{name} {number}");
                    }
                }
            }
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.starts_with("file: ") && !text.contains('\n') && text.len() < 2_000,
                    "{text}"
                );
            }
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{name} {number}");
    }
    // Damage that affects only values is not detected.
    assert!((100..5_000).contains(&read), "{read}");
}

#[test]
fn large_values_that_many_objects_share_end() {
    let many = |operations: &[u8]| Py::Raw(operations.repeat(40_000));
    let get = |number: u8| [b'j', number, 0, 16, 0];
    let shared = |value: Py| Py::Put(1, Box::new(value));
    let list = |value: Py, operations: &[u8]| {
        Py::Append(
            Box::new(Py::List(vec![shared(value)])),
            vec![many(operations)],
        )
    };
    let keys = |count: i64| (0..count).map(|at| (testing::text(&format!("_{at}")), Py::None));
    let fields = keys(50_000).chain([
        (testing::text("_parameters"), dict([])),
        (testing::text("_modules"), dict([])),
    ]);
    let bytes = testing::call(
        "_codecs.encode",
        [Py::Text("x".repeat(60_000)), testing::text("latin1")],
    );
    let cases = [
        // Many modules, paths and dictionaries that share one state or list.
        list(
            Py::Dict(fields.clone().collect()),
            &[&b"cm\nC\n)\x81"[..], &get(1), b"b"].concat(),
        ),
        list(
            Py::Dict(fields.collect()),
            &[&b"cpathlib\nPath\n)\x81"[..], &get(1), b"b"].concat(),
        ),
        list(
            Py::List(vec![Py::None; 50_000]),
            &[&b"ccollections\nOrderedDict\n"[..], &get(1), b"\x85R"].concat(),
        ),
        // Many scalars and storages that share the same bytes.
        list(
            bytes.clone(),
            &[
                &b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02f8\x85R"[..],
                &get(1),
                b"\x86R",
            ]
            .concat(),
        ),
        list(
            bytes,
            &[
                &b"ctorch.storage\n_load_from_bytes\n"[..],
                &get(1),
                b"\x85R",
            ]
            .concat(),
        ),
    ];
    for case in cases {
        quickly(|| drop(Archive::from_bytes("file", testing::torch_zip("a", &case))));
    }
}
