//! safetensors, also in shards.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;

use burn_zoo_checkpoint::testing::{self, Array};
use burn_zoo_checkpoint::{Archive, Format};
use safetensors::tensor::{Dtype, TensorView, serialize};

fn error(bytes: Vec<u8>) -> String {
    Archive::from_bytes("file", bytes).unwrap_err().to_string()
}

fn with_header(header: &str, data: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + data, 0);
    file
}

#[test]
fn every_type_that_the_format_has_is_listed_and_read() {
    let types = [
        (Dtype::BOOL, "BOOL", 8),
        (Dtype::F4, "F4", 4),
        (Dtype::F6_E2M3, "F6_E2M3", 6),
        (Dtype::F6_E3M2, "F6_E3M2", 6),
        (Dtype::U8, "U8", 8),
        (Dtype::I8, "I8", 8),
        (Dtype::F8_E5M2, "F8_E5M2", 8),
        (Dtype::F8_E4M3, "F8_E4M3", 8),
        (Dtype::F8_E8M0, "F8_E8M0", 8),
        (Dtype::F8_E4M3FNUZ, "F8_E4M3FNUZ", 8),
        (Dtype::F8_E5M2FNUZ, "F8_E5M2FNUZ", 8),
        (Dtype::I16, "I16", 16),
        (Dtype::U16, "U16", 16),
        (Dtype::F16, "F16", 16),
        (Dtype::BF16, "BF16", 16),
        (Dtype::I32, "I32", 32),
        (Dtype::U32, "U32", 32),
        (Dtype::F32, "F32", 32),
        (Dtype::C64, "C64", 64),
        (Dtype::F64, "F64", 64),
        (Dtype::I64, "I64", 64),
        (Dtype::U64, "U64", 64),
    ];
    let datas: Vec<Vec<u8>> = types
        .iter()
        .enumerate()
        .map(|(at, (_, _, bits))| vec![at as u8; *bits])
        .collect();
    let views = types.iter().zip(&datas).map(|((dtype, name, _), data)| {
        (*name, TensorView::new(*dtype, vec![2, 4], data).unwrap())
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let file = serialize(views, Some(metadata)).unwrap();
    let archive = Archive::from_bytes("file", file).unwrap();
    assert_eq!(
        archive.metadata().get("format").map(String::as_str),
        Some("pt")
    );
    assert_eq!(archive.tensors().len(), types.len());
    for tensor in archive.tensors() {
        let at = types
            .iter()
            .position(|(_, name, _)| *name == &*tensor.path()[0])
            .unwrap();
        assert_eq!(tensor.dtype().to_string(), types[at].1);
        assert_eq!(tensor.read().unwrap(), datas[at]);
    }
}

#[test]
fn what_a_header_must_not_say_is_an_error_that_names_the_tensor() {
    let tensor = |key: &str, shape: &str, from: u64, to: u64| {
        format!(r#""{key}":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let file = |tensors: &[String], data| with_header(&format!("{{{}}}", tensors.join(",")), data);
    let one = tensor("a", "[1]", 0, 4);
    assert!(Archive::from_bytes("file", file(std::slice::from_ref(&one), 4)).is_ok());
    let cases = [
        (
            file(&[one.clone(), tensor("a", "[1]", 4, 8)], 8),
            "duplicate key a",
        ),
        (
            file(&[one.clone(), tensor("b", "[1]", 2, 6)], 6),
            "tensor b does not begin where the previous one ends",
        ),
        (
            file(&[one.clone(), tensor("b", "[1]", 6, 10)], 10),
            "tensor b does not begin",
        ),
        (
            file(&[tensor("b", "[2]", 0, 4)], 4),
            "tensor b has a shape that does not match its byte count",
        ),
        (
            file(&[tensor("b", "[4611686018427387905]", 0, 4)], 4),
            "tensor b has a shape that does not match",
        ),
        (
            file(
                &[tensor("b", "[4294967296,4294967296,4294967296]", 0, 0)],
                0,
            ),
            "tensor b has a shape that does not match",
        ),
        (
            file(std::slice::from_ref(&one), 9),
            "5 extra bytes follow its last tensor",
        ),
        (file(&[one.replace("F32", "F33")], 4), "unknown type F33"),
        (with_header("{]", 0), "its safetensors header"),
        (with_header("{}", 3), "3 extra bytes follow"),
    ];
    for (bytes, reason) in cases {
        let error = error(bytes);
        assert!(
            error.starts_with("file: ") && error.contains(reason),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_cut_off_says_how_much_is_there() {
    let file = testing::safetensors(&testing::weights(), &[]);
    let all = file.len();
    let text = error(file[..all - 5].to_vec());
    assert_eq!(
        text,
        format!(
            "file: cut off: it has {} of {all} bytes; fetch it again",
            all - 5
        )
    );
    assert!(
        error(file[..40].to_vec()).contains("cut off: it has 40 of"),
        "{text}"
    );
}

#[test]
fn an_index_opens_all_files_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let (a, b) = (Array::floats(&[2], &[1.0, 2.0]), Array::longs(&[1], &[3]));
    put(
        "model-1.safetensors",
        &testing::safetensors(&[("a", a.clone()), ("unnamed", b.clone())], &[]),
    );
    put(
        "model-2.safetensors",
        &testing::safetensors(&[("b", b.clone())], &[("format", "pt")]),
    );
    let index = testing::index(&[("a", "model-1.safetensors"), ("b", "model-2.safetensors")]);
    put("model.safetensors.index.json", &index);
    let path = folder.path().join("model.safetensors.index.json");
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.format(), Format::SafetensorsIndex);
    let found: Vec<_> = archive
        .tensors()
        .iter()
        .map(|t| (t.path().join("/"), t.read().unwrap()))
        .collect();
    assert_eq!(
        found,
        [("a".to_owned(), a.bytes), ("b".to_owned(), b.bytes)]
    );
    assert_eq!(archive.root().get("b").unwrap().as_tensor(), Some(1));

    // PyTorch files have such an index too.
    let state = testing::state_dict([("a", Array::floats(&[2], &[1.0, 2.0]))]);
    put(
        "pytorch_model-1.bin",
        &testing::torch_zip("archive", &state),
    );
    put(
        "pytorch_model.bin.index.json",
        &testing::index(&[("a", "pytorch_model-1.bin")]),
    );
    let archive = Archive::open(folder.path().join("pytorch_model.bin.index.json")).unwrap();
    assert_eq!(archive.tensors()[0].read().unwrap().len(), 8);

    let error = |places: &[(&str, &str)]| {
        put("model.safetensors.index.json", &testing::index(places));
        Archive::open(&path).unwrap_err().reason()
    };
    let missing = error(&[("a", "model-3.safetensors")]);
    assert!(
        missing.starts_with("its shard model-3.safetensors is missing"),
        "{missing}"
    );
    let outside = error(&[("a", "../model-1.safetensors")]);
    assert!(outside.contains("outside its folder"), "{outside}");
    assert!(error(&[("a", "/etc/passwd")]).contains("outside its folder"));
    let other = error(&[("c", "model-1.safetensors")]);
    assert!(other.contains("c is not in model-1.safetensors"), "{other}");
    let itself = error(&[("a", "model.safetensors.index.json")]);
    assert!(itself.contains("index"), "{itself}");
}

#[test]
fn a_hundred_thousand_tensors_are_listed_at_once() {
    let entries: Vec<_> = (0..100_000)
        .map(|at| {
            format!(
                r#""layer.{at}.w":{{"dtype":"U8","shape":[1],"data_offsets":[{at},{}]}}"#,
                at + 1
            )
        })
        .collect();
    let file = with_header(&format!("{{{}}}", entries.join(",")), 100_000);
    let start = std::time::Instant::now();
    let archive = Archive::from_bytes("file", file).unwrap();
    assert_eq!(archive.tensors().len(), 100_000);
    assert_eq!(&*archive.tensors()[99_999].path()[0], "layer.99999.w");
    // 0.1 s; ten times that on a machine under load.
    assert!(start.elapsed().as_secs() < 3, "{:?}", start.elapsed());
}
