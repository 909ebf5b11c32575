//! Complete files.

use super::pickle::{References, write};
use super::value::{Array, Py};
use super::zip::{ZipOptions, write_zip};

/// PyTorch's magic number of legacy files: 0x1950a86a20f9469cfc6c.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The entries of a `torch.save` file since PyTorch 1.6, in a folder.
pub fn torch_entries(root: &str, value: &Py, protocol: u8) -> Vec<(String, Vec<u8>)> {
    let pickled = write(value, protocol, References::Zip);
    let mut entries = vec![
        (format!("{root}/data.pkl"), pickled.bytes),
        (format!("{root}/.format_version"), b"1".to_vec()),
        (format!("{root}/.storage_alignment"), b"64".to_vec()),
        (format!("{root}/byteorder"), b"little".to_vec()),
    ];
    for (key, _, _, bytes) in pickled.storages {
        entries.push((format!("{root}/data/{key}"), bytes));
    }
    entries.push((format!("{root}/version"), b"3\n".to_vec()));
    entries.push((format!("{root}/.data/serialization_id"), vec![b'0'; 40]));
    entries
}

/// A `torch.save` file since PyTorch 1.6, with pickle protocol 2.
pub fn torch_zip(root: &str, value: &Py) -> Vec<u8> {
    let options = ZipOptions {
        alignment: 64,
        ..ZipOptions::default()
    };
    write_zip(&torch_entries(root, value, 2), &options)
}

/// A `torch.save` file from 0.1.10 to 1.5.
pub fn legacy(value: &Py, protocol: u8) -> Vec<u8> {
    let pickled = write(value, protocol, References::Legacy);
    let mut file = match protocol {
        0 | 1 => b"L119547037146038801333356L\n.".to_vec(),
        _ => [&[0x80, protocol, 0x8a, 10], &MAGIC[..], b"."].concat(),
    };
    let plain = |value: Py| write(&value, protocol, References::Legacy).bytes;
    file.extend(plain(Py::Int(1001)));
    file.extend(plain(super::dict([
        ("protocol_version", Py::Int(1001)),
        ("little_endian", Py::Bool(true)),
    ])));
    file.extend(pickled.bytes);
    let keys = pickled
        .storages
        .iter()
        .map(|(key, ..)| Py::Text(key.clone()));
    file.extend(plain(Py::List(keys.collect())));
    for (_, _, elements, bytes) in pickled.storages {
        file.extend(elements.to_le_bytes());
        file.extend(bytes);
    }
    file
}

/// A `torch.save` file before 0.1.10. Shared storages are not supported.
pub fn tar(value: &Py) -> Vec<u8> {
    let pickled = write(value, 2, References::Tar);
    let mut arrays = Vec::new();
    collect(value, &mut arrays);
    let plain = |value: Py| write(&value, 2, References::Tar).bytes;
    let mut storages = plain(Py::Int(arrays.len() as i64));
    let mut tensors = storages.clone();
    for (at, array) in arrays.iter().enumerate() {
        let (key, storage) = (Py::Text(at.to_string()), Py::Int(1000 + at as i64));
        let class = |end: &str| super::global(&format!("torch.{}{end}", array.kind));
        storages.extend(plain(super::tuple([
            storage.clone(),
            super::text("cpu"),
            class("Storage"),
        ])));
        storages.extend(array.elements.to_le_bytes());
        storages.extend(&array.bytes);
        tensors.extend(plain(super::tuple([key, storage, class("Tensor")])));
        tensors.extend((array.shape.len() as u64).to_le_bytes());
        for number in array.shape.iter().chain(&array.strides) {
            tensors.extend(number.to_le_bytes());
        }
        tensors.extend(array.offset.to_le_bytes());
    }
    storages.extend(plain(Py::List(Vec::new())));
    archive(&[
        (
            "sys_info",
            plain(super::dict([("little_endian", Py::Bool(true))])),
        ),
        ("pickle", pickled.bytes),
        ("tensors", tensors),
        ("storages", storages),
    ])
}

fn collect(value: &Py, arrays: &mut Vec<Array>) {
    match value {
        Py::Tensor(array) => arrays.push(array.clone()),
        Py::List(items) | Py::Tuple(items) | Py::Set(items) => {
            items.iter().for_each(|item| collect(item, arrays));
        }
        Py::Dict(pairs) => pairs.iter().for_each(|(_, value)| collect(value, arrays)),
        Py::Fill(object, pairs) => {
            collect(object, arrays);
            pairs.iter().for_each(|(_, value)| collect(value, arrays));
        }
        Py::Call(_, arguments) | Py::New(_, arguments) => {
            arguments.iter().for_each(|item| collect(item, arrays));
        }
        Py::Build(object, state) => {
            collect(object, arrays);
            collect(state, arrays);
        }
        Py::Put(_, value) => collect(value, arrays),
        _ => {}
    }
}

fn archive(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, bytes) in entries {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[136..147].copy_from_slice(b"00000000000");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        file.extend(header);
        file.extend(bytes);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file.extend([0; 1024]);
    file
}

/// What Python's `pickle.dump` writes.
pub fn bare(value: &Py, protocol: u8) -> Vec<u8> {
    write(value, protocol, References::Zip).bytes
}

/// A TorchScript archive as `torch.jit.save` writes it: a module with parameters by dotted name.
pub fn script(root: &str, parameters: &[(&str, Array)]) -> Vec<u8> {
    let options = ZipOptions {
        alignment: 64,
        ..ZipOptions::default()
    };
    write_zip(&script_entries(root, parameters), &options)
}

/// The entries of [`script`]. The root module has a plain attribute `plain`, a tensor.
pub fn script_entries(root: &str, parameters: &[(&str, Array)]) -> Vec<(String, Vec<u8>)> {
    let mut code = String::new();
    let plain = ("plain".to_owned(), Py::Tensor(Array::floats(&[1], &[0.5])));
    let all: Vec<_> = parameters
        .iter()
        .map(|(key, array)| (*key, array))
        .collect();
    let value = script_module(&all, "Net", vec![plain], &mut code);
    let mut entries = torch_entries(root, &value, 2);
    entries.push((format!("{root}/code/__torch__.py"), code.into_bytes()));
    entries.push((format!("{root}/constants.pkl"), b"\x80\x02).".to_vec()));
    entries
}

fn script_module(
    parameters: &[(&str, &Array)],
    class: &str,
    attributes: Vec<(String, Py)>,
    code: &mut String,
) -> Py {
    let mut own = Vec::new();
    let mut children: Vec<(&str, Vec<(&str, &Array)>)> = Vec::new();
    for &(key, array) in parameters {
        match key.split_once('.') {
            None => own.push((key, array)),
            Some((child, rest)) => match children.iter_mut().find(|(name, _)| *name == child) {
                Some((_, group)) => group.push((rest, array)),
                None => children.push((child, vec![(rest, array)])),
            },
        }
    }
    let names: String = own
        .iter()
        .map(|(name, _)| format!("\"{name}\", "))
        .collect();
    code.push_str(&format!(
        "class {class}(Module):\n  __parameters__ = [{names}]\n  __buffers__ = []\n"
    ));
    let mut fields: Vec<(Py, Py)> = own
        .into_iter()
        .map(|(name, array)| (super::text(name), Py::Tensor(array.clone())))
        .collect();
    fields.push((super::text("training"), Py::Bool(false)));
    for (name, group) in children {
        let module = script_module(&group, &format!("{class}_{name}"), Vec::new(), code);
        fields.push((super::text(name), module));
    }
    fields.extend(
        attributes
            .into_iter()
            .map(|(name, value)| (Py::Text(name), value)),
    );
    let new = Py::New(
        Box::new(super::global(&format!("__torch__.{class}"))),
        Vec::new(),
    );
    Py::Build(Box::new(new), Box::new(Py::Dict(fields)))
}

/// `torch.export.save` of PyTorch 2.8 and later: raw weights and a description.
pub fn export(root: &str, tensors: &[(&str, Array)]) -> Vec<u8> {
    let mut config = serde_json::Map::new();
    let mut entries = Vec::new();
    for (at, (key, array)) in tensors.iter().enumerate() {
        let union = |number: u64| serde_json::json!({ "as_int": number });
        let sizes: Vec<_> = array.shape.iter().map(|&size| union(size)).collect();
        let strides: Vec<_> = array.strides.iter().map(|&stride| union(stride)).collect();
        let file = format!("weight_{at}");
        config.insert(
            (*key).to_owned(),
            serde_json::json!({
                "path_name": file, "is_param": true, "use_pickle": false,
                "tensor_meta": {
                    "dtype": export_dtype(array.kind), "sizes": sizes, "requires_grad": true,
                    "device": {"type": "cpu", "index": null}, "strides": strides,
                    "storage_offset": union(array.offset), "layout": 7,
                },
            }),
        );
        entries.push((format!("{root}/data/weights/{file}"), array.bytes.clone()));
    }
    let config = serde_json::json!({ "config": config }).to_string();
    entries.push((
        format!("{root}/data/weights/model_weights_config.json"),
        config.into_bytes(),
    ));
    entries.push((format!("{root}/models/model.json"), b"{}".to_vec()));
    entries.push((format!("{root}/archive_format"), b"pt2".to_vec()));
    entries.push((format!("{root}/byteorder"), b"little".to_vec()));
    write_zip(&entries, &ZipOptions::default())
}

/// `torch/_export/serde/schema.py`.
fn export_dtype(kind: &str) -> u64 {
    match kind {
        "Byte" => 1,
        "Long" => 5,
        "Half" => 6,
        "Double" => 8,
        "Bool" => 12,
        "BFloat16" => 13,
        _ => 7,
    }
}

/// `torch.export.save` of PyTorch 2.1 to 2.7: a `torch.save` state dict inside another archive.
pub fn export_old(state_dict: &Py) -> Vec<u8> {
    let entries = [
        ("version".to_owned(), b"5.1".to_vec()),
        (
            "serialized_exported_program.json".to_owned(),
            b"{}".to_vec(),
        ),
        (
            "serialized_state_dict.pt".to_owned(),
            torch_zip("archive", state_dict),
        ),
        ("serialized_constants.pt".to_owned(), Vec::new()),
    ];
    write_zip(&entries, &ZipOptions::default())
}

/// A safetensors file. Strides and offsets are not supported.
pub fn safetensors(tensors: &[(&str, Array)], metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        let pairs = metadata
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).into()));
        header.insert(
            "__metadata__".to_owned(),
            serde_json::Value::Object(pairs.collect()),
        );
    }
    let mut data: Vec<u8> = Vec::new();
    for (key, array) in tensors {
        let start = data.len();
        data.extend(&array.bytes);
        let dtype = match array.kind {
            "Byte" => "U8",
            "Long" => "I64",
            "Half" => "F16",
            "Double" => "F64",
            "Bool" => "BOOL",
            "BFloat16" => "BF16",
            _ => "F32",
        };
        let info = serde_json::json!({ "dtype": dtype, "shape": array.shape, "data_offsets": [start, data.len()] });
        header.insert((*key).to_owned(), info);
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// The index of sharded files: maps each tensor to its file.
pub fn index(places: &[(&str, &str)]) -> Vec<u8> {
    let map: serde_json::Map<_, _> = places
        .iter()
        .map(|(key, file)| ((*key).to_owned(), (*file).into()))
        .collect();
    serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map })
        .to_string()
        .into_bytes()
}
