//! Zip archives with every feature that readers must handle.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// How an archive is written.
#[derive(Clone, Debug, Default)]
pub struct ZipOptions {
    /// Deflated instead of stored.
    pub deflated: bool,
    /// 64-bit sizes and offsets.
    pub zip64: bool,
    /// Sizes after the data instead of before it.
    pub descriptors: bool,
    /// Alignment of data in bytes; 0 for no padding.
    pub alignment: usize,
    /// Data before the archive, which offsets do not include.
    pub before: Vec<u8>,
    /// The comment at the end.
    pub comment: Vec<u8>,
}

/// Writes named entries.
pub fn write_zip(entries: &[(String, Vec<u8>)], options: &ZipOptions) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in entries {
        entry(&mut file, &mut directory, name, bytes, options);
    }
    let (offset, size, count) = (file.len(), directory.len(), entries.len());
    file.extend(directory);
    let end = file.len() as u64;
    if options.zip64 {
        file.extend(b"PK\x06\x06");
        file.extend(44_u64.to_le_bytes());
        file.extend([45, 0, 45, 0]);
        file.extend([0; 8]);
        for number in [count, count, size, offset] {
            file.extend((number as u64).to_le_bytes());
        }
        file.extend(b"PK\x06\x07");
        file.extend(0_u32.to_le_bytes());
        file.extend(end.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
    }
    let small = |number: usize| {
        if options.zip64 {
            u32::MAX
        } else {
            number as u32
        }
    };
    let count = if options.zip64 {
        u16::MAX
    } else {
        count as u16
    };
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(small(size).to_le_bytes());
    file.extend(small(offset).to_le_bytes());
    file.extend((options.comment.len() as u16).to_le_bytes());
    file.extend(&options.comment);
    [&options.before[..], &file].concat()
}

fn entry(
    file: &mut Vec<u8>,
    directory: &mut Vec<u8>,
    name: &str,
    bytes: &[u8],
    options: &ZipOptions,
) {
    let mut crc = Crc::new();
    crc.update(bytes);
    let packed = if options.deflated {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let written = encoder.write_all(bytes);
        written.and_then(|()| encoder.finish()).unwrap_or_default()
    } else {
        bytes.to_vec()
    };
    let offset = file.len();
    let flags: u16 = if options.descriptors { 8 } else { 0 };
    let method: u16 = if options.deflated { 8 } else { 0 };
    let sizes = |hidden: bool| {
        let mut fields = Vec::new();
        let numbers = [
            u64::from(crc.sum()),
            packed.len() as u64,
            bytes.len() as u64,
        ];
        for (at, number) in numbers.into_iter().enumerate() {
            let number = match (hidden, options.zip64 && at > 0) {
                (true, _) => 0,
                (_, true) => u32::MAX,
                _ => number as u32,
            };
            fields.extend(number.to_le_bytes());
        }
        fields
    };
    let wide = |with_offset: bool| {
        let mut extra = Vec::new();
        if options.zip64 {
            let mut numbers = vec![bytes.len(), packed.len()];
            if with_offset {
                numbers.push(offset);
            }
            extra.extend([1, 0]);
            extra.extend((numbers.len() as u16 * 8).to_le_bytes());
            extra.extend(
                numbers
                    .into_iter()
                    .flat_map(|number| (number as u64).to_le_bytes()),
            );
        }
        extra
    };
    let mut extra = wide(false);
    if options.alignment > 0 {
        // PyTorch pads with an extra field named FB.
        let start = offset + 30 + name.len() + extra.len() + 4;
        let padding = start.next_multiple_of(options.alignment) - start;
        extra.extend(b"FB");
        extra.extend((padding as u16).to_le_bytes());
        extra.extend(vec![b'Z'; padding]);
    }
    file.extend(b"PK\x03\x04\x14\0");
    file.extend(flags.to_le_bytes());
    file.extend(method.to_le_bytes());
    file.extend([0; 4]);
    file.extend(sizes(options.descriptors));
    file.extend((name.len() as u16).to_le_bytes());
    file.extend((extra.len() as u16).to_le_bytes());
    file.extend(name.as_bytes());
    file.extend(&extra);
    file.extend(&packed);
    if options.descriptors {
        file.extend(b"PK\x07\x08");
        file.extend(crc.sum().to_le_bytes());
        file.extend((packed.len() as u32).to_le_bytes());
        file.extend((bytes.len() as u32).to_le_bytes());
    }

    let extra = wide(true);
    directory.extend(b"PK\x01\x02\x14\0\x14\0");
    directory.extend(flags.to_le_bytes());
    directory.extend(method.to_le_bytes());
    directory.extend([0; 4]);
    directory.extend(sizes(false));
    directory.extend((name.len() as u16).to_le_bytes());
    directory.extend((extra.len() as u16).to_le_bytes());
    directory.extend([0; 10]);
    let local = if options.zip64 {
        u32::MAX
    } else {
        offset as u32
    };
    directory.extend(local.to_le_bytes());
    directory.extend(name.as_bytes());
    directory.extend(extra);
}
