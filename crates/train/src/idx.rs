//! The IDX format of the MNIST files: a magic number, big-endian dimensions, bytes.

use std::io::Read;
use std::path::Path;

use burn_zoo_core::Error;
use flate2::read::MultiGzDecoder;

/// An array of bytes and its dimensions.
#[derive(Debug, PartialEq)]
pub(crate) struct Idx {
    /// Sizes, slowest first.
    pub(crate) dims: Vec<usize>,
    /// The elements.
    pub(crate) bytes: Vec<u8>,
}

/// Reads a file, plain or compressed with gzip, which is told by its first bytes.
pub(crate) fn read(path: &Path) -> Result<Idx, Error> {
    let raw = std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let raw = if raw.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(raw.as_slice())
            .read_to_end(&mut plain)
            .map_err(|error| dataset(path, format!("the gzip stream is broken: {error}")))?;
        plain
    } else {
        raw
    };
    parse(&raw).map_err(|reason| dataset(path, reason))
}

/// An error about a data set's file or folder.
pub(crate) fn dataset(path: &Path, reason: String) -> Error {
    Error::Dataset {
        path: path.to_path_buf(),
        reason,
    }
}

/// The array in an uncompressed file.
fn parse(raw: &[u8]) -> Result<Idx, String> {
    let Some((magic, rest)) = raw.split_first_chunk::<4>() else {
        return Err(format!(
            "an IDX file starts with 4 bytes, this one has {}",
            raw.len()
        ));
    };
    // Two zeros, the element type (8 is an unsigned byte), the number of dimensions.
    let &[0, 0, 8, rank @ 1..=u8::MAX] = magic else {
        return Err(format!(
            "{magic:02x?} is no IDX magic number of bytes, [00, 00, 08, rank]"
        ));
    };
    let header = 4 * usize::from(rank);
    let Some((sizes, bytes)) = rest.split_at_checked(header) else {
        return Err(format!("cut off within its {rank} dimensions"));
    };
    let dims: Vec<usize> = sizes
        .chunks_exact(4)
        .map(|size| u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize)
        .collect();
    let expected = dims
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size));
    if expected != Some(bytes.len()) {
        return Err(format!(
            "dimensions {dims:?} do not fit the {} bytes that follow",
            bytes.len()
        ));
    }
    Ok(Idx {
        dims,
        bytes: bytes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TWO_BY_THREE: [u8; 18] = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];

    #[test]
    fn hand_made_bytes_are_read_plain_and_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let expected = Idx {
            dims: vec![2, 3],
            bytes: vec![1, 2, 3, 4, 5, 6],
        };

        let plain = folder.path().join("plain");
        std::fs::write(&plain, TWO_BY_THREE).unwrap();
        assert_eq!(read(&plain).unwrap(), expected);

        let packed = folder.path().join("packed");
        let file = std::fs::File::create(&packed).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        encoder.write_all(&TWO_BY_THREE).unwrap();
        encoder.finish().unwrap();
        assert_eq!(read(&packed).unwrap(), expected);

        let whole = std::fs::read(&packed).unwrap();
        std::fs::write(&packed, &whole[..whole.len() - 9]).unwrap();
        let message = read(&packed).unwrap_err().to_string();
        assert!(
            message.contains("packed") && message.contains("gzip"),
            "{message}"
        );
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error() {
        for len in 0..TWO_BY_THREE.len() {
            assert!(parse(&TWO_BY_THREE[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        let mut long = TWO_BY_THREE.to_vec();
        long.push(7);
        assert!(parse(&long).unwrap_err().contains("[2, 3]"));
    }

    #[test]
    fn another_magic_number_is_an_error_that_shows_it() {
        for magic in [[0, 0, 9, 2], [1, 0, 8, 2], [0, 0, 8, 0]] {
            let mut raw = TWO_BY_THREE;
            raw[..4].copy_from_slice(&magic);
            let message = parse(&raw).unwrap_err();
            assert!(message.contains("magic number"), "{message}");
        }
    }

    #[test]
    fn dimensions_whose_product_overflows_are_an_error() {
        let mut raw = vec![0, 0, 8, 3];
        raw.extend([0xff; 12]);
        assert!(parse(&raw).is_err());
    }
}
