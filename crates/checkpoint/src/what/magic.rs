//! File formats by their first bytes.

use crate::source::Source;

/// Offset, magic bytes, usual name, advice.
type Row = (usize, &'static [u8], &'static str, &'static str);

const UNPACK: &str = "unpack it and open the file inside";
const EXPORT: &str =
    "not supported; save the network's model.state_dict() with torch.save or safetensors";
const TENSORFLOW: &str =
    "TensorFlow files are not supported; convert the weights to PyTorch or safetensors";
const NUMPY: &str = "save the weights by name with safetensors.numpy.save_file or torch.save";
const PICTURE: &str = "give the weight file here and the image as input";
const OTHER: &str = "give the weight file";

const KINDS: [Row; 44] = [
    (
        0,
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer",
        "run `git lfs pull` in its repository, or fetch the file itself",
    ),
    (0, b"\x1f\x8b", "a gzip file", UNPACK),
    (0, b"\xfd7zXZ\0", "an xz file", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file", UNPACK),
    (0, b"BZh", "a bzip2 file", UNPACK),
    (0, b"\x04\x22\x4d\x18", "an lz4 file", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (
        0,
        b"\x89HDF\r\n\x1a\n",
        "a Keras HDF5 file (.h5)",
        "HDF5 is not supported; convert the weights to safetensors",
    ),
    (0, b"\x93NUMPY", "a NumPy .npy array", NUMPY),
    (0, b"GGUF", "a GGUF language model", EXPORT),
    (0, b"ggml", "a GGML language model", EXPORT),
    (0, b"lmgg", "a GGML language model", EXPORT),
    (4, b"TFL3", "a TensorFlow Lite model", TENSORFLOW),
    (4, b"ET12", "an ExecuTorch program", EXPORT),
    (0, b"\xff\xd8\xff", "a JPEG image", PICTURE),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", PICTURE),
    (0, b"GIF8", "a GIF image", PICTURE),
    (8, b"WEBP", "a WebP image", PICTURE),
    (0, b"II*\0", "a TIFF image", PICTURE),
    (0, b"MM\0*", "a TIFF image", PICTURE),
    (4, b"ftyp", "an MP4, HEIC or AVIF file", OTHER),
    (0, b"%PDF", "a PDF document", OTHER),
    (0, b"\x7fELF", "a program or shared library", OTHER),
    (0, b"\xcf\xfa\xed\xfe", "a program or shared library", OTHER),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a Microsoft Office document",
        OTHER,
    ),
    (
        0,
        b"MATLAB 5.0 MAT-file",
        "a MATLAB file",
        "convert the weights to safetensors",
    ),
    (0, b"SQLite format 3\0", "an SQLite database", OTHER),
    (0, b"PAR1", "a Parquet table", OTHER),
    (0, b"ARROW1", "an Arrow table", OTHER),
    (0, b"RIFF", "a RIFF file, such as audio or video", OTHER),
    (0, b"OggS", "an Ogg file", OTHER),
    (0, b"ID3", "an MP3 file", OTHER),
    (
        0,
        b"\x12\x01\0\0\0\0\0\0\0\0\0\0",
        "an MXNet parameter file",
        EXPORT,
    ),
    (0, b"\x08\x01\x12", "a TensorFlow SavedModel", TENSORFLOW),
    (0, b"\x08\x02\x12", "a TensorFlow SavedModel", TENSORFLOW),
    (0, b"7767517\n", "an ncnn network description", EXPORT),
    (0, b"<net name=", "an OpenVINO network description", EXPORT),
    (0, b"name: \"", "a Caffe network description", EXPORT),
    (
        0,
        b"# This file was created by",
        "a text file written by a tool",
        OTHER,
    ),
    (0, b"solver_mode", "a Caffe solver", EXPORT),
    (0, b"!<arch>\n", "a static library", OTHER),
    (0, b"\xca\xfe\xba\xbe", "a Java class or program", OTHER),
    (
        0,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        "a Windows Media file",
        OTHER,
    ),
];

/// Usual name and advice.
pub(super) fn find(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let row = KINDS
        .iter()
        .find(|(at, magic, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    if let Some((_, _, what, advice)) = row {
        return Some((what, advice));
    }
    if is_joblib(head) {
        return Some(("a joblib file", NUMPY));
    }
    if is_onnx(head) {
        return Some(("an ONNX model", EXPORT));
    }
    if is_msgpack(head) {
        return Some((
            "a MessagePack file, as Flax and Burn's .mpk records are",
            EXPORT,
        ));
    }
    if is_caffe(head) {
        return Some(("a Caffe model", EXPORT));
    }
    None
}

/// Formats that the last bytes identify.
pub(super) fn end(source: &Source) -> Option<(&'static str, &'static str)> {
    const TABLE: [u8; 8] = 0xdb47_7524_8b80_fb57_u64.to_le_bytes();
    let at = source.len().checked_sub(8)?;
    let is_table = source.bytes(at, 8).ok()? == TABLE;
    is_table.then_some(("the index of a TensorFlow checkpoint", TENSORFLOW))
}

/// Whether the first bytes belong to a known format.
pub(crate) fn is_known(head: &[u8]) -> bool {
    find(head).is_some()
}

/// Whether it is a pickle with raw arrays in the middle (joblib).
fn is_joblib(head: &[u8]) -> bool {
    let word = b"joblib.numpy_pickle";
    head.first() == Some(&0x80) && head.windows(word.len()).any(|window| window == word)
}

/// Whether it is a protobuf message with a version, then a producer name, a domain or a graph (ONNX).
fn is_onnx(head: &[u8]) -> bool {
    let [8, version @ 3..=30, field, len, rest @ ..] = head else {
        return false;
    };
    match field {
        // Names are short and printable.
        0x12 | 0x1a | 0x22 => {
            let name = rest.get(..usize::from(*len));
            name.is_some_and(|name| name.iter().all(|byte| (32..127).contains(byte)))
        }
        // Model version, documentation, graph, operator sets.
        0x28 | 0x32 | 0x3a | 0x42 => *version <= 30,
        _ => false,
    }
}

/// Whether it is a MessagePack map whose first key is printable text.
fn is_msgpack(head: &[u8]) -> bool {
    let [0x81..=0x8f, len @ 0xa1..=0xbf, rest @ ..] = head else {
        return false;
    };
    let key = rest.get(..usize::from(len - 0xa0));
    key.is_some_and(|key| key.iter().all(|byte| (32..127).contains(byte)))
}

/// Whether it is a protobuf message with a name, then layers or inputs (Caffe).
fn is_caffe(head: &[u8]) -> bool {
    let [10, len, rest @ ..] = head else {
        return false;
    };
    let Some((name, rest)) = rest.split_at_checked(usize::from(*len)) else {
        return false;
    };
    let is_name = !name.is_empty() && name.iter().all(|byte| (32..127).contains(byte));
    let is_layer = rest.starts_with(&[0xa2, 6]) || matches!(rest.first(), Some(0x12 | 0x1a));
    is_name && *len < 128 && is_layer
}
