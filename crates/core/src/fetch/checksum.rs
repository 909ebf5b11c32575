//! sha256 of files.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Size and sha256 of a file, which is read in pieces.
pub(super) fn of(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
    let mut digits = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Ok((bytes, digits))
}

/// Whether a checksum is the published one, or begins with what is published of it.
pub(super) fn fits(found: &str, published: Option<&str>) -> bool {
    published.is_none_or(|published| {
        found
            .get(..published.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(published))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standards_and_its_beginning_suffices() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(file.path()).unwrap(), (3, expected.to_owned()));
        assert!(fits(expected, Some("ba7816bf")));
        assert!(fits(expected, Some("BA7816BF")));
        assert!(fits(expected, None));
        assert!(!fits(expected, Some("ba7816be")));
        assert!(!fits("ba", Some("ba7816bf")));
    }
}
