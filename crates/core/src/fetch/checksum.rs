//! Checksums of files.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Evidence that a file is complete and the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof<'a> {
    /// This sha256, or its first digits.
    Sha256(&'a str),
    /// The git blob hash of the content.
    Git(&'a str),
    /// Only the length that a server reports.
    None,
}

/// A file with the wrong checksum.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) expected: String,
    pub(super) found: String,
}

impl<'a> Proof<'a> {
    /// The proof for a checksum, if it is known.
    pub(super) fn of(sha256: Option<&'a str>) -> Self {
        sha256.map_or(Self::None, Self::Sha256)
    }

    /// Checks a file and returns its size and sha256.
    pub(super) fn check(self, path: &Path) -> io::Result<Result<(u64, String), Wrong>> {
        let (bytes, sha256) = of(path)?;
        let (expected, found) = match self {
            Self::None => return Ok(Ok((bytes, sha256))),
            Self::Sha256(expected) => (expected, sha256.clone()),
            Self::Git(expected) => (expected, git_blob(path, bytes)?),
        };
        if fits(&found, Some(expected)) {
            return Ok(Ok((bytes, sha256)));
        }
        Ok(Err(Wrong {
            expected: expected.to_owned(),
            found,
        }))
    }
}

/// Size and sha256 of a file, which is read in pieces.
pub(super) fn of(path: &Path) -> io::Result<(u64, String)> {
    digest(path, Sha256::new())
}

/// The git blob hash of a file: the sha1 of its type, length and content.
fn git_blob(path: &Path, bytes: u64) -> io::Result<String> {
    let head = format!("blob {bytes}\0");
    Ok(digest(path, Sha1::new_with_prefix(head))?.1)
}

fn digest(path: &Path, mut hasher: impl Digest) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
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

    #[test]
    fn gits_name_of_a_file_is_gits() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hello\n").unwrap();
        // By `git hash-object`.
        let name = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert!(Proof::Git(name).check(file.path()).unwrap().is_ok());
        std::fs::write(file.path(), "hullo\n").unwrap();
        let wrong = Proof::Git(name).check(file.path()).unwrap().unwrap_err();
        assert_eq!(wrong.expected, name);
    }
}
