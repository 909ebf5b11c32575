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

/// Lists `root/<class>/<image>`, both levels sorted by name; hidden entries and files that are no
/// images are passed over.
pub(crate) fn list(root: &Path) -> Result<Listing, Error> {
    let mut found = Listing {
        files: Vec::new(),
        labels: Vec::new(),
        names: Vec::new(),
    };
    for class in entries(root)?.into_iter().filter(|path| path.is_dir()) {
        let label = found.names.len();
        let images = entries(&class)?
            .into_iter()
            .filter(|path| path.is_file() && is_image(path));
        let before = found.files.len();
        found.files.extend(images);
        if found.files.len() == before {
            let reason = format!("no image in it; known endings are {}", ENDINGS.join(", "));
            return Err(dataset(&class, reason));
        }
        found.labels.resize(found.files.len(), label);
        let name = class
            .file_name()
            .expect("a folder that was listed has a name");
        found.names.push(name.to_string_lossy().into_owned());
    }
    if found.names.is_empty() {
        return Err(dataset(
            root,
            "no folder of images in it, one per class".to_owned(),
        ));
    }
    Ok(found)
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
