//! Decides which files in a folder are images.

use std::ffi::OsStr;
use std::path::Path;

/// Extensions of image files in a folder, in lower case; case does not matter. A file that the user names may have
/// any extension.
pub const IMAGE_ENDINGS: [&str; 18] = [
    "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "bmp", "gif", "tif", "tiff", "ppm",
    "pgm", "pbm", "pnm", "tga", "avif",
];

/// Whether a file in a folder is an image, by its extension.
pub fn is_image(path: &Path) -> bool {
    let ending = path.extension();
    ending.is_some_and(|found| {
        IMAGE_ENDINGS
            .iter()
            .any(|ending| found.eq_ignore_ascii_case(ending))
    })
}

/// Whether to skip an entry of a folder: hidden files of systems and editors, whose names begin with a dot
/// (`._photo.jpg`, `.DS_Store`, `.ipynb_checkpoints`), and `__MACOSX` of macOS.
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
