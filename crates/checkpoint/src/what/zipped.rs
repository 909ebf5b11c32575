//! Zip archives that are not PyTorch files.

use super::{ENDINGS, more};
use crate::error::{ErrorKind, one_line};
use crate::zip::Zip;

const PICTURES: [&str; 6] = [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif"];
const UNPACK: &str = "unpack it and open the file inside";

/// Identifies an archive by its entry names.
pub(crate) fn zip(zip: &Zip) -> ErrorKind {
    let names: Vec<_> = zip.entries.iter().map(|entry| &*entry.name).collect();
    let files: Vec<_> = names
        .iter()
        .copied()
        .filter(|name| !name.ends_with('/'))
        .collect();
    let has = |name: &str| names.contains(&name);
    if files.is_empty() {
        return ErrorKind::not_weights("an empty zip archive", "fetch it again");
    }
    if files.iter().all(|name| name.ends_with(".npy")) {
        return ErrorKind::not_weights(
            format!("a NumPy .npz archive with {} arrays", files.len()),
            "save the weights by name with safetensors.numpy.save_file or torch.save",
        );
    }
    if has("config.json")
        && has("metadata.json")
        && names.iter().any(|name| name.ends_with(".weights.h5"))
    {
        return ErrorKind::not_weights(
            "a Keras 3 .keras file",
            "Keras files are not supported; convert the weights to PyTorch or safetensors",
        );
    }
    let ends = |end: &str| names.iter().any(|name| name.ends_with(end));
    if ends("/model.json") && names.iter().any(|name| name.contains("/code/")) {
        return ErrorKind::Unsupported(
            "a TorchScript file of PyTorch 1.0 or 1.1; load it with that version and save \
             model.state_dict()"
                .into(),
        );
    }
    if ends(".data/extern_modules") {
        return ErrorKind::Unsupported(
            "a torch.package archive; load it with torch.package and save model.state_dict()"
                .into(),
        );
    }
    if ends("saved_model.pb") {
        return ErrorKind::not_weights(
            "a zipped TensorFlow SavedModel",
            "TensorFlow files are not supported; convert the weights to PyTorch or safetensors",
        );
    }
    if has("[Content_Types].xml") {
        return ErrorKind::not_weights("a Microsoft Office document", "give the weight file");
    }
    if has("META-INF/MANIFEST.MF") || has("AndroidManifest.xml") {
        return ErrorKind::not_weights("a Java or Android program", "give the weight file");
    }
    let is_weights = |name: &&str| {
        let name = name.to_lowercase();
        ENDINGS
            .iter()
            .chain(&[".h5", ".onnx", ".npz"])
            .any(|ending| name.ends_with(ending))
    };
    let is_hidden = |name: &str| name.starts_with("__MACOSX/");
    let weights: Vec<_> = files
        .iter()
        .copied()
        .filter(is_weights)
        .filter(|name| !is_hidden(name))
        .collect();
    if let [one] = weights.as_slice() {
        return ErrorKind::not_weights(
            "a zip archive that holds a weight file",
            format!("unpack it and open {}", one_line(one)),
        );
    }
    let is_picture = |name: &&str| {
        let name = name.to_lowercase();
        PICTURES.iter().any(|ending| name.ends_with(ending))
    };
    let pictures = files.iter().copied().filter(is_picture).count();
    let what = match (weights.len(), pictures) {
        (0, pictures) if pictures * 2 > files.len() => "a zip archive of images",
        (0, _) => "a zip archive of other files",
        _ => "a zip archive with several weight files",
    };
    let shown = if weights.is_empty() { &files } else { &weights };
    let some: Vec<_> = shown.iter().take(3).map(|name| one_line(name)).collect();
    let what = format!("{what} ({}{})", some.join(", "), more(shown.len(), 3));
    ErrorKind::not_weights(what, UNPACK)
}
