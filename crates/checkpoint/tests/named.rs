//! Errors identify other files and say what to do.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use burn_zoo_checkpoint::testing::{ZipOptions, write_zip};
use burn_zoo_checkpoint::{Archive, ErrorKind};

fn error(bytes: &[u8]) -> String {
    let error = Archive::from_bytes("it", bytes.to_vec()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::NotWeights { .. }),
        "{error}"
    );
    error.to_string()
}

#[test]
fn files_are_named_by_their_usual_names() {
    let onnx = b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x0b\x0a\x09\x0a\x01x\x12\x01y\x22\x01z";
    let table = [&b"\0\0\0\0"[..], &0xdb47_7524_8b80_fb57_u64.to_le_bytes()].concat();
    let cases: [(&[u8], &str, &str); 28] = [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "a Git LFS pointer",
            "git lfs pull",
        ),
        (
            b"<!DOCTYPE html><html><body>Sign in</body></html>",
            "an HTML page",
            "download URL",
        ),
        (b"\n\n<html lang=en>", "an HTML page", "`resolve`"),
        (
            b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
            "an XML page",
            "server",
        ),
        (b"", "an empty file", "fetch it again"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "a gzip file", "unpack it"),
        (b"\xfd7zXZ\0\0\x04", "an xz file", "unpack it"),
        (b"\x28\xb5\x2f\xfd\x04\0", "a zstd file", "unpack it"),
        (b"BZh91AY&SY", "a bzip2 file", "unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive", "unpack it"),
        (b"Rar!\x1a\x07\x01\0", "a rar archive", "unpack it"),
        (
            b"\x89HDF\r\n\x1a\n\0\0\0\0",
            "a Keras HDF5 file (.h5)",
            "convert",
        ),
        (
            b"\x93NUMPY\x01\0v\0{'descr': '<f4'}",
            "a NumPy .npy array",
            "safetensors",
        ),
        (onnx, "an ONNX model", "model.state_dict()"),
        (
            b"\x08\x01\x12\xff\x01\x0a",
            "a TensorFlow SavedModel",
            "convert",
        ),
        (&table, "the index of a TensorFlow checkpoint", "convert"),
        (
            b"model_checkpoint_path: \"model.ckpt-7\"\n",
            "the `checkpoint` file of a TensorFlow checkpoint",
            "convert",
        ),
        (b"\x1c\0\0\0TFL3\0\0", "a TensorFlow Lite model", "convert"),
        (
            b"\x0a\x09ResNet-50\xa2\x06\x10",
            "a Caffe model",
            "model.state_dict()",
        ),
        (
            b"\x82\xa6params\x81\xa2fc",
            "a MessagePack file, as Flax",
            "model.state_dict()",
        ),
        (
            b"{\"error\":\"Invalid credentials\"}",
            "a server's error message in JSON",
            "download URL",
        ),
        (
            b"Entry not found",
            "plain text that begins with \"Entry not found\"",
            "give the weight file",
        ),
        (b"GGUF\x03\0\0\0", "a GGUF language model", "not supported"),
        (
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            "a JPEG image",
            "image as input",
        ),
        (
            b"{\"architectures\": [\"ResNet\"]}",
            "JSON text",
            "in the same folder",
        ),
        (
            b"lr: 0.1\nepochs: 3\n",
            "plain text that begins with \"lr: 0.1\"",
            "give the weight file",
        ),
        (
            b"\x01\x02\x03\x04\x05\x06\x07\x08\x09",
            "a file of an unknown kind",
            "safetensors",
        ),
        (
            b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x13joblib.numpy_pickle\x94.",
            "a joblib file",
            "safetensors",
        ),
    ];
    for (bytes, what, advice) in cases {
        let text = error(bytes);
        assert!(text.starts_with(&format!("it: {what}")), "{text}");
        assert!(text.contains(advice), "{text}");
        assert_eq!(text.contains("fetch it again"), bytes.is_empty(), "{text}");
    }
}

#[test]
fn zip_archives_are_named_by_what_is_in_them() {
    let zip = |names: &[&str]| {
        let entries: Vec<_> = names
            .iter()
            .map(|name| ((*name).to_owned(), b"x".to_vec()))
            .collect();
        error(&write_zip(&entries, &ZipOptions::default()))
    };
    let cases: [(&[&str], &str); 8] = [
        (
            &["a.npy", "b.npy"],
            "it: a NumPy .npz archive with 2 arrays",
        ),
        (
            &["metadata.json", "config.json", "model.weights.h5"],
            "it: a Keras 3 .keras file",
        ),
        (
            &["cat/1.jpg", "cat/2.jpg", "readme"],
            "it: a zip archive of images (cat/1.jpg, cat/2.jpg, readme)",
        ),
        (
            &["run/model.pth", "run/log.txt"],
            "it: a zip archive that holds a weight file, not weights; unpack it and open run/model.pth",
        ),
        (
            &["a.pth", "b.pth", "c.pth", "d.pth"],
            "it: a zip archive with several weight files (a.pth, b.pth, c.pth and 1 more)",
        ),
        (&["a.txt"], "it: a zip archive of other files (a.txt)"),
        (&[], "it: an empty zip archive"),
        (
            &["m/saved_model.pb", "m/variables/variables.index"],
            "it: a zipped TensorFlow SavedModel",
        ),
    ];
    for (names, start) in cases {
        let text = zip(names);
        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn a_tar_archive_of_other_files_is_named() {
    let mut header = vec![0; 2048];
    header[..8].copy_from_slice(b"data.csv");
    header[124..135].copy_from_slice(b"00000000000");
    header[257..262].copy_from_slice(b"ustar");
    let text = error(&header);
    assert!(
        text.starts_with("it: a tar archive of other files (data.csv)"),
        "{text}"
    );
}

#[test]
fn a_folder_is_named_with_the_weights_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Archive::open(folder.path()).unwrap_err().reason();
    assert!(
        open().starts_with("a folder, not weights; give the weight file"),
        "{}",
        open()
    );
    let put = |name: &str| std::fs::write(folder.path().join(name), b"").unwrap();
    put("model.safetensors");
    put("readme.txt");
    assert_eq!(
        open(),
        "a folder, not weights; give the file in it: model.safetensors"
    );
    put("a.pth");
    assert_eq!(
        open(),
        "a folder, not weights; give one of the files in it: a.pth, model.safetensors"
    );
    put("saved_model.pb");
    assert!(
        open().starts_with("a folder that holds a TensorFlow SavedModel"),
        "{}",
        open()
    );
}

#[test]
fn a_file_that_is_not_there_is_the_system_s_error() {
    let error = Archive::open("nowhere.pth").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)));
    assert!(
        error
            .to_string()
            .starts_with("nowhere.pth: cannot be read: "),
        "{error}"
    );
}
