//! Which files of a folder are images.

use std::ffi::OsStr;
use std::path::Path;

/// Endings of files that are taken for images in a folder, in lower case; upper case is the same. A file that is named
/// is tried whatever it ends in.
pub const IMAGE_ENDINGS: [&str; 18] = [
    "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "bmp", "gif", "tif", "tiff", "ppm",
    "pgm", "pbm", "pnm", "tga", "avif",
];

/// Whether a file in a folder is taken for an image, by its ending.
pub fn is_image(path: &Path) -> bool {
    let ending = path.extension();
    ending.is_some_and(|found| {
        IMAGE_ENDINGS
            .iter()
            .any(|ending| found.eq_ignore_ascii_case(ending))
    })
}

/// Whether a file or folder is passed over where all of a folder is taken: what systems and editors keep there, whose
/// names begin with a dot (`._photo.jpg`, `.DS_Store`, `.ipynb_checkpoints`), and macOS's `__MACOSX`.
pub fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_by_their_ending_and_hidden_files_by_their_dot() {
        for name in ["a.JPG", "b.c.tiff", "x.pgm", "._a.jpg"] {
            assert!(is_image(Path::new(name)), "{name}");
        }
        for name in ["a.txt", "jpg", "Thumbs.db", "a.png.txt"] {
            assert!(!is_image(Path::new(name)), "{name}");
        }
        for (name, hidden) in [
            ("._a.jpg", true),
            (".DS_Store", true),
            ("__MACOSX", true),
            ("a.jpg", false),
            ("_a", false),
        ] {
            assert_eq!(is_hidden(OsStr::new(name)), hidden, "{name}");
        }
    }
}
