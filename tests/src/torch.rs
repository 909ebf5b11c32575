//! Files as PyTorch writes them, from the sizes and values of their tensors.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// A tensor as a file describes it; nothing need fit.
#[derive(Clone, Debug)]
pub struct Described {
    /// Key in the state dict.
    pub key: String,
    /// Sizes.
    pub shape: Vec<u64>,
    /// Steps in elements.
    pub stride: Vec<u64>,
    /// First element in the storage.
    pub offset: u64,
    /// Elements that the storage is said to have.
    pub elements: u64,
    /// PyTorch's storage class: `FloatStorage`, `LongStorage`, …
    pub storage: &'static str,
    /// The storage.
    pub bytes: Vec<u8>,
}

impl Described {
    /// A contiguous tensor of its own storage.
    pub fn new(key: &str, shape: &[usize], storage: &'static str, bytes: Vec<u8>) -> Self {
        let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        let mut stride = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            stride[axis - 1] = stride[axis] * shape[axis];
        }
        Self {
            key: key.to_owned(),
            elements: shape.iter().product(),
            shape,
            stride,
            offset: 0,
            storage,
            bytes,
        }
    }
}

/// The tensors of a safetensors file in memory.
///
/// # Panics
///
/// If it is none.
pub fn described(safetensors: &[u8]) -> Vec<Described> {
    let file = SafeTensors::deserialize(safetensors).expect("a safetensors file");
    let described = |(key, view): (&str, TensorView<'_>)| {
        let storage = match view.dtype() {
            Dtype::I64 => "LongStorage",
            _ => "FloatStorage",
        };
        Described::new(key, view.shape(), storage, view.data().to_vec())
    };
    file.iter().map(described).collect()
}

/// `X`: text.
pub fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

/// A whole number.
pub fn number(pickle: &mut Vec<u8>, number: u64) {
    if let Ok(small) = i32::try_from(number) {
        pickle.push(b'J');
        pickle.extend(small.to_le_bytes());
    } else {
        pickle.extend([0x8a, 9]);
        pickle.extend(number.to_le_bytes());
        pickle.push(0);
    }
}

fn numbers(pickle: &mut Vec<u8>, numbers: &[u64]) {
    pickle.push(b'(');
    for &value in numbers {
        number(pickle, value);
    }
    pickle.push(b't');
}

fn memo(pickle: &mut Vec<u8>, index: &mut u32) {
    pickle.push(b'r');
    pickle.extend(index.to_le_bytes());
    *index += 1;
}

/// The state dict.
pub fn pickle(tensors: &[Described]) -> Vec<u8> {
    let mut pickle = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(".to_vec();
    let mut index = 2;
    for (at, tensor) in tensors.iter().enumerate() {
        text(&mut pickle, &tensor.key);
        memo(&mut pickle, &mut index);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(format!("ctorch\n{}\n", tensor.storage).as_bytes());
        text(&mut pickle, &at.to_string());
        memo(&mut pickle, &mut index);
        text(&mut pickle, "cpu");
        number(&mut pickle, tensor.elements);
        pickle.push(b't');
        memo(&mut pickle, &mut index);
        pickle.push(b'Q');
        number(&mut pickle, tensor.offset);
        numbers(&mut pickle, &tensor.shape);
        memo(&mut pickle, &mut index);
        numbers(&mut pickle, &tensor.stride);
        memo(&mut pickle, &mut index);
        pickle.extend(b"\x89h\x00)R");
        pickle.push(b't');
        memo(&mut pickle, &mut index);
        pickle.push(b'R');
        memo(&mut pickle, &mut index);
    }
    pickle.extend(b"u.");
    pickle
}

/// How an entry of an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packed {
    /// As it is; PyTorch's way.
    Stored,
    /// As a zip program does.
    Deflated,
}

/// A zip archive with PyTorch's records at its end.
///
/// # Panics
///
/// If memory cannot be written to.
pub fn zip(entries: &[(String, &[u8])], packed: Packed) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let mut crc = Crc::new();
        crc.update(bytes);
        let mut data = bytes.to_vec();
        if packed == Packed::Deflated {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).expect("memory");
            data = encoder.finish().expect("memory");
        }
        let offset = file.len() as u32;
        let method = if packed == Packed::Deflated { 8_u16 } else { 0 };
        let mut common = Vec::new();
        common.extend([0, 0, 0, 0]); // version, flags
        common.extend(method.to_le_bytes());
        common.extend([0; 4]); // time
        common.extend(crc.sum().to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((bytes.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        // PyTorch's values begin at multiples of 64.
        let padding = (64 - (file.len() + 34 + name.len()) % 64) % 64;
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend((padding as u16 + 4).to_le_bytes());
        file.extend(name.as_bytes());
        file.extend(b"FB");
        file.extend((padding as u16).to_le_bytes());
        file.extend(vec![b'Z'; padding]);
        file.extend(data);
        directory.extend(b"PK\x01\x02\0\0");
        directory.extend(common);
        directory.extend([0; 2 + 2 + 2 + 2 + 4]); // extra, comment, disk, attributes
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (offset, size) = (file.len() as u64, directory.len() as u64);
    let count = entries.len() as u64;
    file.extend(directory);
    let end = file.len() as u64;
    file.extend(b"PK\x06\x06");
    file.extend(44_u64.to_le_bytes());
    file.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for value in [count, count, size, offset] {
        file.extend(value.to_le_bytes());
    }
    file.extend(b"PK\x06\x07\0\0\0\0");
    file.extend(end.to_le_bytes());
    file.extend([1, 0, 0, 0]);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((count as u16).to_le_bytes());
    file.extend((count as u16).to_le_bytes());
    file.extend((size as u32).to_le_bytes());
    file.extend((offset as u32).to_le_bytes());
    file.extend([0, 0]);
    file
}

/// `torch.save` since 1.6, around any pickle.
pub fn modern(pickle: &[u8], tensors: &[Described], packed: Packed) -> Vec<u8> {
    let mut entries = vec![
        ("archive/data.pkl".to_owned(), pickle),
        ("archive/byteorder".to_owned(), b"little"),
    ];
    for (at, tensor) in tensors.iter().enumerate() {
        entries.push((format!("archive/data/{at}"), &tensor.bytes));
    }
    entries.push(("archive/version".to_owned(), b"3\n"));
    zip(&entries, packed)
}

/// `torch.save` from 0.1.10 to 1.5, around any pickle.
pub fn legacy(pickle: &[u8], tensors: &[Described]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec();
    file.extend(b"\x80\x02}q\x00(");
    text(&mut file, "protocol_version");
    file.extend(b"M\xe9\x03");
    text(&mut file, "little_endian");
    file.extend(b"\x88u.");
    file.extend(pickle);
    file.extend(b"\x80\x02]q\x00(");
    for at in 0..tensors.len() {
        text(&mut file, &at.to_string());
    }
    file.extend(b"e.");
    for tensor in tensors {
        file.extend(tensor.elements.to_le_bytes());
        file.extend(&tensor.bytes);
    }
    file
}

/// A tar archive.
pub fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, bytes) in entries {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[136..147].copy_from_slice(b"00000000000");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        sign(&mut header);
        file.extend(header);
        file.extend(*bytes);
        file.resize(file.len().div_ceil(512) * 512, 0);
    }
    file.extend([0; 1024]);
    file
}

/// Puts a tar header's sum right.
pub fn sign(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// The four files of `torch.save` before 0.1.10: `sys_info`, `pickle`, `tensors`, `storages`.
pub fn ancient(tensors: &[Described]) -> [(&'static str, Vec<u8>); 4] {
    let mut info = b"\x80\x02}(".to_vec();
    text(&mut info, "little_endian");
    info.extend(b"\x88u.");
    let mut state = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    let mut count = b"\x80\x02".to_vec();
    number(&mut count, tensors.len() as u64);
    count.push(b'.');
    let (mut tables, mut storages) = (count.clone(), count);
    for (at, tensor) in tensors.iter().enumerate() {
        let key = at as u64;
        text(&mut state, &tensor.key);
        text(&mut state, &at.to_string());
        state.push(b'Q');

        storages.extend(b"\x80\x02(");
        number(&mut storages, key);
        text(&mut storages, "cpu");
        storages.extend(format!("ctorch\n{}\nt.", tensor.storage).as_bytes());
        storages.extend(tensor.elements.to_le_bytes());
        storages.extend(&tensor.bytes);

        tables.extend(b"\x80\x02(");
        number(&mut tables, key);
        number(&mut tables, key);
        tables.extend(b"ctorch\nFloatTensor\nt.");
        tables.extend((tensor.shape.len() as u64).to_le_bytes());
        for value in tensor.shape.iter().chain(&tensor.stride) {
            tables.extend(value.to_le_bytes());
        }
        tables.extend(tensor.offset.to_le_bytes());
    }
    state.extend(b"u.");
    storages.extend(b"\x80\x02].");
    [
        ("sys_info", info),
        ("pickle", state),
        ("tensors", tables),
        ("storages", storages),
    ]
}
