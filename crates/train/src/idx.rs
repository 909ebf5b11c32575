//! The IDX format of the MNIST files: a magic number, big-endian dimensions, bytes.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn_zoo_core::Error;

use crate::records::{self, Layout, Part, Records};

/// An array of bytes and its dimensions.
#[derive(Debug, PartialEq)]
pub(crate) struct Idx {
    /// Sizes, slowest first.
    pub(crate) dims: Vec<usize>,
    /// The elements.
    pub(crate) bytes: Vec<u8>,
}

/// Reads a whole file, plain or compressed with gzip, which is told by its first bytes.
pub(crate) fn read(path: &Path) -> Result<Idx, Error> {
    let (file, _) = records::plain(path)?;
    parse(BufReader::new(file)).map_err(|reason| dataset(path, reason))
}

/// The images of a file; they stay there.
pub(crate) fn images(path: &Path) -> Result<Records, Error> {
    let (mut file, length) = records::plain(path)?;
    let dims = header(&mut file).map_err(|reason| dataset(path, reason))?;
    let &[count, height, width] = dims.as_slice() else {
        let reason = format!("expected 3 dimensions, not {dims:?}");
        return Err(dataset(path, reason));
    };
    let start = (4 + 4 * dims.len()) as u64;
    if elements(&dims).map(|count| count as u64) != Some(length - start) {
        return Err(dataset(path, misfit(&dims, length - start)));
    }
    if length == start {
        return Err(dataset(path, "no images in it".to_owned()));
    }
    Ok(Records {
        size: [height, width],
        layout: Layout::Grey,
        head: 0,
        parts: vec![Part {
            path: path.to_path_buf(),
            file: Arc::new(Mutex::new(file)),
            start,
            count,
        }],
    })
}

/// An error about a data set's file or folder.
pub(crate) fn dataset(path: &Path, reason: String) -> Error {
    Error::Dataset {
        path: path.to_path_buf(),
        reason,
    }
}

/// The dimensions at the beginning of an uncompressed file.
fn header(file: &mut impl Read) -> Result<Vec<usize>, String> {
    let mut magic = [0; 4];
    file.read_exact(&mut magic)
        .map_err(|error| format!("an IDX file starts with 4 bytes: {error}"))?;
    // Two zeros, the element type (8 is an unsigned byte), the number of dimensions.
    let [0, 0, 8, rank @ 1..=u8::MAX] = magic else {
        return Err(format!(
            "{magic:02x?} is no IDX magic number of bytes, [00, 00, 08, rank]"
        ));
    };
    let mut sizes = vec![0; 4 * usize::from(rank)];
    file.read_exact(&mut sizes)
        .map_err(|error| format!("cut off within its {rank} dimensions: {error}"))?;
    let size = |size: &[u8]| u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize;
    Ok(sizes.chunks_exact(4).map(size).collect())
}

fn elements(dims: &[usize]) -> Option<usize> {
    dims.iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size))
}

fn misfit(dims: &[usize], length: u64) -> String {
    format!("dimensions {dims:?} do not fit the {length} bytes that follow")
}

/// The array in an uncompressed file.
fn parse(mut file: impl Read) -> Result<Idx, String> {
    let dims = header(&mut file)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if elements(&dims) != Some(bytes.len()) {
        return Err(misfit(&dims, bytes.len() as u64));
    }
    Ok(Idx { dims, bytes })
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
        assert!(parse(long.as_slice()).unwrap_err().contains("[2, 3]"));
    }

    #[test]
    fn another_magic_number_is_an_error_that_shows_it() {
        for magic in [[0, 0, 9, 2], [1, 0, 8, 2], [0, 0, 8, 0]] {
            let mut raw = TWO_BY_THREE;
            raw[..4].copy_from_slice(&magic);
            let message = parse(raw.as_slice()).unwrap_err();
            assert!(message.contains("magic number"), "{message}");
        }
    }

    #[test]
    fn dimensions_whose_product_overflows_are_an_error() {
        let mut raw = vec![0, 0, 8, 3];
        raw.extend([0xff; 12]);
        assert!(parse(raw.as_slice()).is_err());
    }
}
