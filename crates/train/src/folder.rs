//! Folders of images, one folder per class.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use burn_zoo_core::{Error, IMAGE_ENDINGS, is_hidden, is_image};

use crate::idx::dataset;

/// The images below `root` with their classes, and the classes' names in sorted order.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) files: Vec<PathBuf>,
    /// Folder index of each file.
    pub(crate) labels: Vec<usize>,
    /// Names of the folders.
    pub(crate) names: Vec<String>,
    /// Number of images in each folder.
    pub(crate) counts: Vec<usize>,
}

impl Listing {
    /// The first folder without images.
    pub(crate) fn empty(&self) -> Option<&str> {
        let folder = self.counts.iter().position(|count| *count == 0)?;
        Some(&self.names[folder])
    }
}

/// The error for a class folder without images.
pub(crate) fn without_images(folder: &Path) -> Error {
    let endings = IMAGE_ENDINGS.join(", ");
    let reason = format!("no images to train on; supported extensions are {endings}");
    dataset(folder, reason)
}

/// Lists the images in `root/<class>` and below it, as torchvision's `ImageFolder` does. Skips hidden entries and other
/// files. Classes are sorted by name; their images, sorted too, are mixed so that any
/// stretch of the list holds about the same share of each class.
pub(crate) fn list(root: &Path) -> Result<Listing, Error> {
    let (mut names, mut counts, mut placed) = (Vec::new(), Vec::new(), Vec::new());
    for class in entries(root)?.into_iter().filter(|path| path.is_dir()) {
        let images = images(&class)?;
        let (label, count) = (names.len(), images.len() as f64);
        counts.push(images.len());
        let places = (0..).map(|index| (f64::from(index) + 0.5) / count);
        placed.extend(places.zip(images).map(|(place, path)| (place, label, path)));
        let name = class
            .file_name()
            .expect("a folder that was listed has a name");
        names.push(name.to_string_lossy().into_owned());
    }
    if placed.is_empty() {
        let endings = IMAGE_ENDINGS.join(", ");
        let reason = format!("no class folders with images; supported extensions are {endings}");
        return Err(dataset(root, reason));
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    Ok(Listing {
        labels: placed.iter().map(|(_, label, _)| *label).collect(),
        files: placed.into_iter().map(|(_, _, path)| path).collect(),
        names,
        counts,
    })
}

/// The images in a folder and those below it, in the order of torchvision: `sorted(os.walk(folder, followlinks=True))`,
/// that is, by the text of the folder's path, then by name. Skips a link back to a parent folder.
fn images(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    walk(folder, &mut HashSet::new(), &mut found)?;
    found.sort_by(|a, b| a.0.as_os_str().cmp(b.0.as_os_str()).then(a.1.cmp(&b.1)));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// `around` has the real paths of the parent folders.
fn walk(
    folder: &Path,
    around: &mut HashSet<PathBuf>,
    found: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), Error> {
    let real = folder.canonicalize().map_err(|source| Error::Read {
        path: folder.to_path_buf(),
        source,
    })?;
    if !around.insert(real.clone()) {
        return Ok(());
    }
    for path in entries(folder)? {
        if path.is_dir() {
            walk(&path, around, found)?;
        } else if path.is_file() && is_image(&path) {
            found.push((folder.to_path_buf(), path));
        }
    }
    around.remove(&real);
    Ok(())
}

/// The visible entries of a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !is_hidden(&entry.file_name()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn names(root: &Path, files: &[PathBuf]) -> Vec<String> {
        let name = |file: &PathBuf| file.strip_prefix(root).unwrap().display().to_string();
        files.iter().map(name).collect()
    }

    #[test]
    fn images_below_a_class_come_in_torchvisions_order() {
        // torchvision.datasets.folder.make_dataset of these files.
        let expected = [
            "c/b.png",
            "c/z.jpg",
            "c/a/k.png",
            "c/a/l.png",
            "c/a-b/k.png",
            "c/a/x/k.png",
        ];
        let folder = folder(&[&expected[..], &["c/notes.txt", "c/a/._k.png"]].concat());
        let found = images(&folder.path().join("c")).unwrap();
        // "a-b" sorts before "a/x", since "-" comes before "/".
        assert_eq!(names(folder.path(), &found), expected);
    }

    #[test]
    fn hidden_entries_are_no_classes_and_no_images() {
        let files = [
            "a/1.png",
            "a/._1.png",
            "a/.ipynb_checkpoints/1.png",
            "a/.DS_Store",
            ".ipynb_checkpoints/1.png",
            "__MACOSX/a/1.png",
            "b/Thumbs.db",
        ];
        let folder = folder(&files);
        let found = list(folder.path()).unwrap();
        assert_eq!(names(folder.path(), &found.files), ["a/1.png"]);
        assert_eq!(
            (found.names, found.counts),
            (vec!["a".to_owned(), "b".to_owned()], vec![1, 0])
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        let folder = folder(&["a/1.png", "elsewhere/2.png"]);
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(name)).unwrap();
        };
        link("elsewhere", "a/linked");
        link("a", "a/around");
        let found = images(&folder.path().join("a")).unwrap();
        assert_eq!(names(folder.path(), &found), ["a/1.png", "a/linked/2.png"]);
    }
}
