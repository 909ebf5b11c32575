//! Folders of images, one folder per class.

use std::path::{Path, PathBuf};

use burn_zoo_core::Error;

use crate::idx::dataset;

const ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"];

/// The images below `root` with their classes, and the classes' names in sorted order.
pub(crate) struct Listing {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) labels: Vec<usize>,
    pub(crate) names: Vec<String>,
}

/// Lists `root/<class>/<image>`; hidden entries and files that are no images are passed over.
/// Classes are sorted by name; their images, sorted too, are mixed so that any stretch of the
/// list holds about the same share of each class.
pub(crate) fn list(root: &Path) -> Result<Listing, Error> {
    let (mut names, mut placed) = (Vec::new(), Vec::new());
    for class in entries(root)?.into_iter().filter(|path| path.is_dir()) {
        let images: Vec<_> = entries(&class)?
            .into_iter()
            .filter(|path| path.is_file() && is_image(path))
            .collect();
        if images.is_empty() {
            let reason = format!("no image in it; known endings are {}", ENDINGS.join(", "));
            return Err(dataset(&class, reason));
        }
        let (label, count) = (names.len(), images.len() as f64);
        let places = (0..).map(|index| (f64::from(index) + 0.5) / count);
        placed.extend(places.zip(images).map(|(place, path)| (place, label, path)));
        let name = class
            .file_name()
            .expect("a folder that was listed has a name");
        names.push(name.to_string_lossy().into_owned());
    }
    if names.is_empty() {
        return Err(dataset(
            root,
            "no folder of images in it, one per class".to_owned(),
        ));
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    Ok(Listing {
        labels: placed.iter().map(|(_, label, _)| *label).collect(),
        files: placed.into_iter().map(|(_, _, path)| path).collect(),
        names,
    })
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
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_image(path: &Path) -> bool {
    path.extension().is_some_and(|found| {
        ENDINGS
            .iter()
            .any(|ending| found.eq_ignore_ascii_case(ending))
    })
}
