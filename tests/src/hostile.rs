//! Weight files that somebody broke, by chance or on purpose: one for each number.

use std::collections::HashMap;
use std::sync::LazyLock;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{Bytes, DType, Device};
use burn_zoo::weights::{Checkpoint, Layout};
use burn_zoo_checkpoint::testing::{self, Array, dict};
use safetensors::tensor::TensorView;

use crate::forms::{self, Tensors, beside};
use crate::synthetic;
use crate::torch::{self, Described, Packed};

/// A network small enough to be broken many times.
#[derive(Module, Debug)]
pub struct Tiny {
    conv1: Conv2d,
    bn1: BatchNorm,
    fc: Linear,
}

impl Tiny {
    /// Untrained.
    pub fn new(device: &Device) -> Self {
        Self {
            conv1: Conv2dConfig::new([3, 4], [3, 3])
                .with_bias(false)
                .init(device),
            bn1: BatchNormConfig::new(4).init(device),
            fc: LinearConfig::new(4, 5).init(device),
        }
    }
}

/// Its tensors: key, sizes, and whether they are whole numbers.
const TENSORS: [(&str, &[usize], bool); 8] = [
    ("conv1.weight", &[4, 3, 3, 3], false),
    ("bn1.weight", &[4], false),
    ("bn1.bias", &[4], false),
    ("bn1.running_mean", &[4], false),
    ("bn1.running_var", &[4], false),
    ("bn1.num_batches_tracked", &[], true),
    ("fc.weight", &[5, 4], false),
    ("fc.bias", &[5], false),
];

/// The containers, in the order of the files.
pub const FORMS: [&str; 14] = [
    "pytorch-zip",
    "pytorch-zip, deflated",
    "pytorch-legacy",
    "pytorch-tar",
    "safetensors",
    "burnpack",
    "training script",
    "whole module",
    "whole module, legacy",
    "torchscript",
    "torch.export",
    "torch.export, older",
    "bare pickle",
    "arrays in a zip",
];

/// Forms that are built here byte by byte; the others are damaged as they are.
const CRAFTED: usize = 6;

/// The other forms, undamaged.
static OTHERS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let tensors: Tensors = described()
        .into_iter()
        .map(|tensor| {
            let kind = tensor.storage.trim_end_matches("Storage");
            (tensor.key, Array::new(kind, &tensor.shape, tensor.bytes))
        })
        .collect();
    let mut pairs = beside();
    pairs.push(("model_state_dict", forms::sd(&tensors)));
    let script = forms::saved(&dict(pairs));
    let others = forms::containers(&tensors).into_iter();
    let others = others.skip_while(|(form, _)| *form != "whole-module");
    std::iter::once(script)
        .chain(others.map(|(_, bytes)| bytes))
        .collect()
});

/// What was done to a file.
pub const ATTACKS: [&str; 12] = [
    "bits",
    "cut",
    "spliced",
    "lengths",
    "bits of the header",
    "codes of the header",
    "shapes",
    "nesting",
    "sizes of entries",
    "callables",
    "bomb",
    "untouched",
];

/// Numbers that programs get wrong.
const EXTREMES: [u64; 16] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
    u64::MAX - 7,
    u64::MAX / 4,
    u64::MAX / 8 + 1,
    3_000_000_000,
];

/// A source of numbers: the same ones for the same seed.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        synthetic::splitmix64(self.0)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn extreme(&mut self) -> u64 {
        let value = EXTREMES[self.below(EXTREMES.len())];
        match self.below(4) {
            0 => value.wrapping_add(self.next() % 16),
            1 => value.wrapping_sub(self.next() % 16),
            _ => value,
        }
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let (a, b) = (self.below(len + 1), self.below(len + 1));
        a.min(b)..a.max(b)
    }
}

/// A broken file.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// One of [`FORMS`].
    pub form: &'static str,
    /// One of [`ATTACKS`].
    pub attack: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// File `number`: forms and attacks take turns, the rest is chance.
pub fn file(number: u64) -> Hostile {
    let mut dice = Dice(number.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let forms = FORMS.len() as u64;
    let form = (number % forms) as usize;
    let attack = (number / forms % ATTACKS.len() as u64) as usize;
    let mut tensors = described();
    let bytes = match attack {
        4..=10 if form >= CRAFTED => {
            let (file, other) = (whole(form, &tensors), dice.below(FORMS.len()));
            let mut dice = testing::Dice::new(dice.next());
            testing::damage(&file, &whole(other, &tensors), &mut dice)
        }
        4..=10 => {
            if attack == 6 {
                misshape(&mut dice, &mut tensors);
            }
            crafted(&mut dice, form, attack, &tensors)
        }
        _ => {
            let mut bytes = whole(form, &tensors);
            overwrite(&mut dice, attack, &mut bytes);
            bytes
        }
    };
    Hostile {
        form: FORMS[form],
        attack: ATTACKS[attack],
        bytes,
    }
}

/// Opens `file` as `name`, from the disk if `path` is given, and fills a network if it can be.
///
/// # Errors
///
/// What is wrong with an error: its text, which does not have the name.
pub fn check(
    name: &str,
    bytes: Vec<u8>,
    path: Option<&std::path::Path>,
    network: Tiny,
) -> Result<bool, String> {
    let (checkpoint, name) = match path {
        None => (Checkpoint::from_bytes(name, bytes), name.to_owned()),
        Some(path) => (Checkpoint::open(path), path.display().to_string()),
    };
    let layout = Layout::new(Vec::new(), "conv1.weight", &["fc"]);
    let loaded = checkpoint.and_then(|checkpoint| checkpoint.fill(network, "tiny", &layout));
    match loaded {
        Ok(_) => Ok(true),
        Err(error) => {
            let text = error.to_string();
            if text.contains(&name) && text.len() < 4096 {
                Ok(false)
            } else {
                Err(text)
            }
        }
    }
}

fn described() -> Vec<Described> {
    let tensor = |&(key, shape, whole): &(&str, &[usize], bool)| {
        if whole {
            return Described::new(key, shape, "LongStorage", vec![0; 8]);
        }
        let values = synthetic::weight(key, shape).into_iter();
        let bytes = values.flat_map(f32::to_le_bytes).collect();
        Described::new(key, shape, "FloatStorage", bytes)
    };
    TENSORS.iter().map(tensor).collect()
}

/// A file as it should be.
fn whole(form: usize, tensors: &[Described]) -> Vec<u8> {
    if form >= CRAFTED {
        return OTHERS[form - CRAFTED].clone();
    }
    let pickle = torch::pickle(tensors);
    around(form, &pickle, tensors)
}

/// `pickle` in a PyTorch container; the other containers have none.
fn around(form: usize, pickle: &[u8], tensors: &[Described]) -> Vec<u8> {
    match form {
        0 => torch::modern(pickle, tensors, Packed::Stored),
        1 => torch::modern(pickle, tensors, Packed::Deflated),
        2 => torch::legacy(pickle, tensors),
        3 => archive(&torch::ancient(tensors)),
        4 => safetensors(),
        _ => burnpack(tensors),
    }
}

fn archive(files: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, bytes)| (*name, &bytes[..]))
        .collect();
    torch::archive(&files)
}

fn safetensors() -> Vec<u8> {
    let tensors = described();
    let views = tensors.iter().map(|tensor| {
        let dtype = match tensor.storage {
            "LongStorage" => safetensors::Dtype::I64,
            _ => safetensors::Dtype::F32,
        };
        let shape = tensor.shape.iter().map(|&size| size as usize).collect();
        let view = TensorView::new(dtype, shape, &tensor.bytes);
        (tensor.key.as_str(), view.expect("shapes fit their bytes"))
    });
    let none: Option<HashMap<String, String>> = None;
    safetensors::serialize(views, none).expect("the keys differ")
}

/// Under our names and in Burn's layout, of which only the sizes matter here.
fn burnpack(tensors: &[Described]) -> Vec<u8> {
    use burn_store::burn_pack::{Tensor, Writer};
    let tensors = tensors.iter().map(|tensor| {
        let (dtype, size) = match tensor.storage {
            "LongStorage" => (DType::I64, 8),
            _ => (DType::F32, 4),
        };
        let mut shape: Vec<usize> = tensor.shape.iter().map(|&size| size as usize).collect();
        if shape.len() == 2 {
            shape.reverse();
        }
        let mut key = tensor.key.replace("bn1.weight", "bn1.gamma");
        key = key.replace("bn1.bias", "bn1.beta");
        assert_eq!(tensor.bytes.len(), shape.iter().product::<usize>() * size);
        let bytes = Bytes::from_bytes_vec(tensor.bytes.clone());
        Tensor::new(key, dtype, shape, None, bytes)
    });
    let bytes = Writer::new(tensors.collect()).into_bytes();
    bytes.expect("memory can be written to").to_vec()
}

/// What needs no knowledge of the form.
fn overwrite(dice: &mut Dice, attack: usize, bytes: &mut Vec<u8>) {
    match attack {
        0 => flip(dice, bytes),
        1 => match dice.below(3) {
            0 => bytes.truncate(dice.below(bytes.len())),
            1 => drop(bytes.drain(dice.range(bytes.len()))),
            _ => bytes.truncate(bytes.len().saturating_sub(1 + dice.below(80))),
        },
        2 => {
            let other = whole(dice.below(FORMS.len()), &described());
            let part = &other[dice.range(other.len())];
            match dice.below(3) {
                0 => drop(bytes.splice(dice.range(bytes.len()), part.iter().copied())),
                1 => {
                    // One file's beginning, another's end.
                    let cut = dice.below(bytes.len());
                    bytes.truncate(cut);
                    bytes.extend(part);
                }
                _ => {
                    let header = dice.below(64).min(other.len());
                    bytes.splice(..header, other[..header].iter().copied());
                }
            }
        }
        3 => {
            for _ in 0..=dice.below(3) {
                let within = match dice.below(3) {
                    0 => 64,
                    1 => bytes.len(),
                    _ => bytes.len().min(2048),
                };
                let at = match dice.below(4) {
                    0 => bytes.len().saturating_sub(within),
                    _ => 0,
                } + dice.below(within);
                let width = *dice.pick(&[2, 4, 8]);
                let value = dice.extreme().to_le_bytes();
                for (byte, new) in bytes.iter_mut().skip(at).zip(&value[..width]) {
                    *byte = *new;
                }
            }
        }
        _ => {}
    }
}

fn flip(dice: &mut Dice, bytes: &mut [u8]) {
    // Half hit the beginning, where headers are, or the end, where a zip has its directory.
    for _ in 0..=dice.below(8) {
        let at = match dice.below(4) {
            0 => dice.below(bytes.len().min(512)),
            1 => bytes.len() - 1 - dice.below(bytes.len().min(1024)),
            _ => dice.below(bytes.len()),
        };
        bytes[at] ^= 1 << dice.below(8);
    }
}

fn misshape(dice: &mut Dice, tensors: &mut [Described]) {
    for _ in 0..=dice.below(3) {
        let count = tensors.len();
        let tensor = &mut tensors[dice.below(count)];
        match dice.below(8) {
            0 | 1 => {
                let axes = tensor.shape.len();
                if let Some(size) = tensor.shape.get_mut(dice.below(axes)) {
                    *size = dice.extreme();
                }
            }
            2 => {
                let axes = tensor.stride.len();
                if let Some(step) = tensor.stride.get_mut(dice.below(axes)) {
                    *step = dice.extreme();
                }
            }
            3 => tensor.offset = dice.extreme(),
            4 => tensor.elements = dice.extreme(),
            5 => {
                // One number for all elements.
                let rank = 1 + dice.below(4);
                tensor.shape = (0..rank).map(|_| 1 << dice.below(16)).collect();
                tensor.stride = vec![0; rank];
            }
            6 => {
                let rank = dice.below(2000);
                tensor.shape = vec![*dice.pick(&[1, 2, 0]); rank];
                tensor.stride = vec![*dice.pick(&[0, 1]); rank];
            }
            _ => tensor.storage = *dice.pick(&["DoubleStorage", "HalfStorage", "QInt8Storage"]),
        }
    }
}

/// What needs knowledge of the form: headers that are broken inside and right outside.
fn crafted(dice: &mut Dice, form: usize, attack: usize, tensors: &[Described]) -> Vec<u8> {
    match form {
        4 => crafted_safetensors(dice, attack),
        5 => crafted_burnpack(dice, attack),
        3 => crafted_tar(dice, attack, tensors),
        _ => {
            let mut pickle = torch::pickle(tensors);
            match attack {
                4 => flip(dice, &mut pickle),
                5 => recode(dice, &mut pickle),
                7 => pickle = nested(dice),
                9 => pickle = called(dice, tensors),
                10 if form == 2 || dice.below(2) == 0 => pickle = bomb(dice),
                _ => {}
            }
            let mut bytes = around(form, &pickle, tensors);
            match (attack, form) {
                (8, 0 | 1) => claim(dice, &mut bytes),
                (8, _) => {
                    // The storages' own counts, which follow the pickles.
                    let at = bytes.len().saturating_sub(1 + dice.below(700));
                    let value = dice.extreme().to_le_bytes();
                    let end = bytes.len().min(at + 8);
                    bytes[at..end].copy_from_slice(&value[..end - at]);
                }
                (10, 0 | 1) if dice.below(2) == 0 => bytes = zip_bomb(dice, &pickle, tensors),
                _ => {}
            }
            bytes
        }
    }
}

/// Other opcodes, repeated and missing parts.
fn recode(dice: &mut Dice, pickle: &mut Vec<u8>) {
    const CODES: &[u8] =
        b"(.012FIJKLMNPQRSTUVX]abcdeghijlopqrstu)}\x80\x81\x82\x83\x84\x85\x86\x87\
        \x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98BC\xff";
    for _ in 0..=dice.below(4) {
        let range = dice.range(pickle.len());
        match dice.below(4) {
            0 => {
                let part = pickle[range].to_vec();
                let at = dice.below(pickle.len());
                pickle.splice(at..at, part);
            }
            1 => drop(pickle.drain(range)),
            2 => {
                let at = dice.below(pickle.len());
                let codes: Vec<u8> = (0..dice.below(12)).map(|_| *dice.pick(CODES)).collect();
                pickle.splice(at..at, codes);
            }
            _ => {
                let at = dice.below(pickle.len());
                if let Some(byte) = pickle.get_mut(at) {
                    *byte = *dice.pick(CODES);
                }
            }
        }
    }
}

fn nested(dice: &mut Dice) -> Vec<u8> {
    let depth = *dice.pick(&[10, 900, 1001, 5_000, 200_000]);
    let mut pickle = b"\x80\x02".to_vec();
    let (open, close): (&[u8], &[u8]) = match dice.below(7) {
        0 => (b"]", b"a"),
        1 => (b"}X\x01\0\0\0a", b"s"),
        2 => (b"(", b"t"),
        3 => (b"(", b"l"),
        4 => (b"", b"\x85"),
        5 => (b"ccollections\nOrderedDict\n", b"\x85R"),
        _ => (b"c__main__\nNet\n)\x81", b"b"),
    };
    pickle.extend(open.repeat(depth));
    pickle.extend(b"]");
    pickle.extend(close.repeat(depth));
    if dice.below(2) == 0 {
        // Below a key of the root.
        pickle.splice(2..2, *b"}X\x01\0\0\0k");
        pickle.push(b's');
    }
    pickle.push(b'.');
    pickle
}

fn called(dice: &mut Dice, tensors: &[Described]) -> Vec<u8> {
    let name = *dice.pick(&[
        "os\nsystem",
        "posix\nsystem",
        "builtins\neval",
        "__builtin__\nexec",
        "subprocess\nPopen",
        "runpy\n_run_code",
        "torch._utils\n_rebuild_parameter",
        "torch._utils\n_rebuild_tensor",
        "torch._utils\n_rebuild_tensor_v2",
        "torch._utils\n_rebuild_tensor_v3",
        "torch._tensor\n_rebuild_from_type_v2",
        "torch._utils\n_rebuild_qtensor",
        "torch._utils\n_rebuild_sparse_tensor",
        "collections\nOrderedDict",
        "__builtin__\nset",
        "numpy.core.multiarray\n_reconstruct",
        "torch\nFloatStorage",
    ]);
    let mut call = format!("c{name}\n").into_bytes();
    match dice.below(6) {
        0 => call.extend(b"X\x06\0\0\0reboot\x85R"),
        1 => call.extend(b")R"),
        2 => call.extend(b"]R"),
        3 => call.extend(b")\x81}X\x01\0\0\0aK\x01sb"),
        4 => {
            // Itself and what it is called with, over and over.
            for _ in 0..dice.below(200) {
                call.extend(b"2\x85R");
            }
            call.extend(b"\x85R");
        }
        _ => {
            call.push(b'(');
            for _ in 0..dice.below(9) {
                let argument = *dice.pick(&[
                    b"K\x01".as_slice(),
                    b"N",
                    b")",
                    b"]",
                    b"}",
                    b"K\x02K\x03\x86",
                    b"ctorch\nfloat32\n",
                    b"X\x01\0\0\0a",
                    b"J\xff\xff\xff\xff",
                ]);
                call.extend(argument);
            }
            call.extend(b"tR");
        }
    }
    let mut pickle = torch::pickle(tensors);
    if dice.below(2) == 0 {
        // In place of the first tensor's values, or another's.
        let key = b"ctorch._utils\n_rebuild_tensor_v2\n";
        let places: Vec<usize> = (0..pickle.len() - key.len())
            .filter(|&at| pickle[at..].starts_with(key))
            .collect();
        let at = *dice.pick(&places);
        pickle.splice(at..at + key.len(), call);
    } else {
        // An entry of its own, behind the others.
        let end = pickle.len() - 2;
        let mut entry = Vec::new();
        torch::text(&mut entry, "extra");
        entry.extend(call);
        pickle.splice(end..end, entry);
    }
    pickle
}

/// Few bytes for much memory or time.
fn bomb(dice: &mut Dice) -> Vec<u8> {
    let mut pickle = b"\x80\x02".to_vec();
    let count = *dice.pick(&[1_000, 30_000, 1_000_000]);
    match dice.below(8) {
        0 => pickle.extend(vec![b']'; count]),
        1 => pickle.extend(vec![b'N'; count]),
        2 => pickle.extend(vec![b'('; count]),
        3 => {
            // A billion laughs.
            pickle.extend(b"]q\0");
            for _ in 0..40 {
                pickle.extend(b"(h\0h\0h\0h\0h\0h\0h\0h\0tq\0");
            }
        }
        4 => {
            // A long text, many times.
            pickle.push(b'X');
            pickle.extend((count as u32).to_le_bytes());
            pickle.extend(vec![b'a'; count]);
            pickle.extend(b"q\0");
            for _ in 0..2_000 {
                pickle.extend(b"h\0");
            }
        }
        5 => {
            // Every tensor's name begins with a long text.
            let length = count.min(30_000);
            pickle.extend(b"}");
            torch::text(&mut pickle, &"k".repeat(length));
            pickle.extend(b"}(");
            for index in 0..2_000 {
                torch::text(&mut pickle, &index.to_string());
                pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n");
                pickle.extend(b"FloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x6ctQ");
                pickle.extend(b"K\0K\x04\x85K\x01\x85\x89}tR");
            }
            pickle.extend(b"us");
        }
        6 => {
            pickle.extend(b"}(");
            for index in 0..count / 10 {
                torch::text(&mut pickle, &index.to_string());
                pickle.push(b'}');
            }
            pickle.push(b'u');
        }
        _ => {
            // A line without an end, or a number of many digits.
            pickle.push(*dice.pick(b"ILFVcpgP"));
            pickle.extend(vec![b'9'; count]);
            if dice.below(2) == 0 {
                pickle.push(b'\n');
            }
        }
    }
    pickle.push(b'.');
    pickle
}

type Fields = &'static [(usize, usize)];

/// A zip archive's records: their signs, and where they have fields of which width.
const RECORDS: [(&[u8; 4], Fields); 5] = [
    (
        b"PK\x03\x04",
        &[(6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    ),
    (
        b"PK\x01\x02",
        &[
            (8, 2),
            (10, 2),
            (16, 4),
            (20, 4),
            (24, 4),
            (28, 2),
            (30, 2),
            (32, 2),
            (42, 4),
        ],
    ),
    (b"PK\x06\x06", &[(4, 8), (24, 8), (32, 8), (40, 8), (48, 8)]),
    (b"PK\x06\x07", &[(8, 8), (16, 4)]),
    (b"PK\x05\x06", &[(8, 2), (10, 2), (12, 4), (16, 4), (20, 2)]),
];

/// Sizes, offsets and counts of a zip archive's records.
fn claim(dice: &mut Dice, bytes: &mut [u8]) {
    for _ in 0..=dice.below(3) {
        let (sign, fields) = *dice.pick(&RECORDS);
        let places: Vec<usize> = (0..bytes.len() - 4)
            .filter(|&at| bytes[at..].starts_with(sign))
            .collect();
        let Some(&place) = places.get(dice.below(places.len())) else {
            continue;
        };
        let value = dice.extreme().to_le_bytes();
        // Sizes packed and unpacked agree in every other file.
        let both = fields.iter().filter(|(_, width)| *width == 4).take(2);
        let one = [*dice.pick(fields)];
        let chosen: Vec<_> = if dice.below(2) == 0 {
            both.copied().collect()
        } else {
            one.to_vec()
        };
        for (at, width) in chosen {
            if let Some(field) = bytes.get_mut(place + at..place + at + width) {
                field.copy_from_slice(&value[..width]);
            }
        }
    }
}

/// Deflated zeros, one entry's bytes under many names, entries without end.
fn zip_bomb(dice: &mut Dice, pickle: &[u8], tensors: &[Described]) -> Vec<u8> {
    let zeros = vec![0; *dice.pick(&[1 << 16, 1 << 20, 8 << 20])];
    match dice.below(4) {
        0 => {
            let mut tensors = tensors.to_vec();
            tensors[0].elements = zeros.len() as u64 / 4;
            tensors[0].shape = vec![tensors[0].elements];
            tensors[0].stride = vec![1];
            let pickle = torch::pickle(&tensors);
            tensors[0].bytes = zeros;
            torch::modern(&pickle, &tensors, Packed::Deflated)
        }
        1 => {
            let codes = vec![*dice.pick(b"]N}("); zeros.len()];
            torch::modern(&codes, tensors, Packed::Deflated)
        }
        2 => {
            let entries: Vec<(String, &[u8])> = (0..*dice.pick(&[3, 100, 20_000]))
                .map(|at| (format!("{at}/data.pkl"), &pickle[..pickle.len().min(30)]))
                .collect();
            torch::zip(&entries, Packed::Stored)
        }
        _ => {
            let mut entries = vec![("a/data.pkl".to_owned(), pickle)];
            entries.extend((0..30_000).map(|at| (format!("a/data/{at}"), &pickle[..0])));
            torch::zip(&entries, Packed::Stored)
        }
    }
}

fn crafted_tar(dice: &mut Dice, attack: usize, tensors: &[Described]) -> Vec<u8> {
    let mut files = torch::ancient(tensors);
    let which = dice.below(4);
    match attack {
        4 => flip(dice, &mut files[which].1),
        5 => recode(dice, &mut files[which].1),
        7 => files[which].1 = nested(dice),
        8 => {
            let mut bytes = archive(&files);
            let headers: Vec<usize> = (0..bytes.len() / 512)
                .map(|block| block * 512)
                .filter(|&at| bytes[at + 257..].starts_with(b"ustar"))
                .collect();
            let at = *dice.pick(&headers);
            let header = &mut bytes[at..at + 512];
            match dice.below(4) {
                0 => {
                    let size = format!("{:011o}", dice.extreme() % (1 << 33));
                    header[124..135].copy_from_slice(size.as_bytes());
                }
                1 => {
                    header[124] = 0x80;
                    header[128..136].copy_from_slice(&dice.extreme().to_be_bytes());
                }
                2 => {
                    // A sparse entry of GNU tar: a terabyte of holes.
                    header[156] = b'S';
                    header[257..265].copy_from_slice(b"ustar  \0");
                    header[386..397].copy_from_slice(b"77777777000");
                    header[398..409].copy_from_slice(b"00000000000");
                    header[483..494].copy_from_slice(b"77777777000");
                }
                _ => header[156] = *dice.pick(b"01234567xgLKSVMD"),
            }
            torch::sign(header);
            return bytes;
        }
        9 => files[1].1 = called(dice, tensors),
        10 => files[which].1 = bomb(dice),
        _ => {}
    }
    if dice.below(8) == 0 {
        files.swap(0, which);
    }
    archive(&files)
}

fn crafted_safetensors(dice: &mut Dice, attack: usize) -> Vec<u8> {
    let bytes = safetensors();
    let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight"));
    let (json, data) = bytes[8..].split_at(header as usize);
    let mut json = json.to_vec();
    let mut length = None;
    match attack {
        4 => flip(dice, &mut json),
        5 => {
            for _ in 0..=dice.below(4) {
                let range = dice.range(json.len());
                let part = json[dice.range(json.len())].to_vec();
                json.splice(range, part);
            }
        }
        6 => {
            // Numbers, wherever they stand.
            for _ in 0..=dice.below(3) {
                let places: Vec<usize> = (1..json.len())
                    .filter(|&at| json[at].is_ascii_digit())
                    .collect();
                if let Some(&at) = places.get(dice.below(places.len())) {
                    let digits = dice.extreme().to_string();
                    json.splice(at..=at, digits.into_bytes());
                }
            }
        }
        7 => {
            let depth = *dice.pick(&[10, 127, 128, 129, 10_000, 200_000]);
            let (open, close) = *dice.pick(&[("[", "]"), ("{\"a\":", "}")]);
            let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            json = match dice.below(3) {
                0 => format!("{{\"a\":{value}}}").into_bytes(),
                1 => format!("{{\"__metadata__\":{value}}}").into_bytes(),
                _ => format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{value}}}}}").into_bytes(),
            };
        }
        8 => length = Some(dice.extreme()),
        9 => {
            let text = String::from_utf8_lossy(&json).into_owned();
            let other = *dice.pick(&["F64", "BF16", "F4", "F8_E4M3", "BOOL", "U64", "C64", "X"]);
            json = text.replacen("F32", other, 1 + dice.below(3)).into_bytes();
        }
        _ => {
            let count = *dice.pick(&[1_000, 30_000, 1_000_000]);
            json = match dice.below(3) {
                0 => {
                    let ones = vec!["1"; count].join(",");
                    format!(
                        "{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{ones}],\"data_offsets\":[0,1]}}}}"
                    )
                }
                1 => {
                    let empty = "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
                    let rows = (0..count / 20).map(|at| format!("\"{at}\":{empty}"));
                    format!("{{{}}}", rows.collect::<Vec<_>>().join(","))
                }
                _ => format!("{{\"__metadata__\":{{\"a\":\"{}\"}}}}", "b".repeat(count)),
            }
            .into_bytes();
        }
    }
    let mut bytes = length.unwrap_or(json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json);
    bytes.extend(data);
    bytes
}

fn crafted_burnpack(dice: &mut Dice, attack: usize) -> Vec<u8> {
    let mut bytes = burnpack(&described());
    let header = 10;
    let length = u32::from_le_bytes(bytes[6..10].try_into().expect("four")) as usize;
    let metadata = header..header + length;
    let put = |metadata: &[u8]| {
        let mut file = bytes[..6].to_vec();
        file.extend((metadata.len() as u32).to_le_bytes());
        file.extend(metadata);
        file.resize(file.len().div_ceil(256) * 256 + 4096, 0);
        file
    };
    match attack {
        4 => {
            flip(dice, &mut bytes[metadata]);
            bytes
        }
        5 => {
            let mut changed = bytes[metadata].to_vec();
            let part = changed[dice.range(changed.len())].to_vec();
            changed.splice(dice.range(changed.len()), part);
            put(&changed)
        }
        6 | 9 => {
            // Numbers of CBOR, of one byte or more.
            let mut changed = bytes[metadata].to_vec();
            for _ in 0..=dice.below(3) {
                let at = dice.below(changed.len());
                let mut number = vec![0x1b];
                number.extend(dice.extreme().to_be_bytes());
                match dice.below(3) {
                    0 => changed[at] = 0x1b,
                    1 => drop(changed.splice(at..=at, number)),
                    _ => changed[at] = *dice.pick(&[0x9b, 0xbb, 0x5b, 0x7b, 0x9f, 0xbf, 0xff]),
                }
            }
            put(&changed)
        }
        7 => {
            let depth = *dice.pick(&[10, 127, 129, 10_000, 200_000]);
            let open = *dice.pick(&[b"\x81".as_slice(), b"\xa1\x61a", b"\xc1", b"\x9f"]);
            put(&open.repeat(depth))
        }
        8 => {
            let value = dice.extreme().to_le_bytes();
            let at = *dice.pick(&[4, 6]);
            bytes[at..at + 4].copy_from_slice(&value[..4]);
            bytes
        }
        _ => {
            let count = *dice.pick(&[1_000, 30_000, 900_000]);
            let mut changed = b"\xa1\x67tensors\xa1\x61a\xa3\x65dtype\x63F32\x65shape\x9a".to_vec();
            changed.extend((count as u32).to_be_bytes());
            changed.extend(vec![1; count]);
            changed.extend(b"\x6cdata_offsets\x82\x00\x04");
            put(&changed)
        }
    }
}
