//! Identifies files that this crate does not read, and says what to do.

mod magic;
mod zipped;

use std::path::Path;

use crate::error::{ErrorKind, one_line};
use crate::source::Source;

pub(crate) use magic::is_known;
pub(crate) use zipped::zip;

/// Number of first bytes to look at.
const HEAD: u64 = 4096;
/// Extensions of weight files.
const ENDINGS: [&str; 12] = [
    ".pth",
    ".pt",
    ".pt2",
    ".bin",
    ".ckpt",
    ".tar",
    ".th",
    ".pkl",
    ".safetensors",
    ".index.json",
    ".mpk",
    ".bpk",
];

/// The error for a file that is not a weight file.
pub(crate) fn named(source: &Source) -> ErrorKind {
    let head = match source.head(HEAD) {
        Ok(head) => head,
        Err(error) => return error.into(),
    };
    if head.is_empty() {
        return ErrorKind::not_weights("an empty file", "fetch it again");
    }
    if head.iter().all(|&byte| byte == 0) {
        return ErrorKind::damaged("it begins with only zeros, as an interrupted download does");
    }
    if let Some((what, advice)) = magic::find(&head).or_else(|| magic::end(source)) {
        return ErrorKind::not_weights(what, advice);
    }
    // A character may be cut in half at the end of the head.
    let text = match std::str::from_utf8(&head) {
        Ok(text) => Some(text),
        Err(error) if error.valid_up_to() + 4 > head.len() && head.len() as u64 == HEAD => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let is_text = |text: &&str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    match text.filter(is_text) {
        Some(text) => of_text(text),
        None => ErrorKind::not_weights(
            "a file of an unknown kind",
            "it is neither a PyTorch, TorchScript, torch.export nor safetensors file; save \
             model.state_dict() with torch.save or safetensors",
        ),
    }
}

fn of_text(text: &str) -> ErrorKind {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let lower = start.to_lowercase();
    if lower.starts_with("<!doctype html") || lower.contains("<html") || lower.contains("<head") {
        return ErrorKind::not_weights(
            "an HTML page",
            "the URL led to a web page, such as a login page or a file viewer; use the file's \
             download URL (on Hugging Face `resolve` instead of `blob`, on GitHub `raw`)",
        );
    }
    if lower.starts_with("<?xml") || lower.starts_with("<error") {
        return ErrorKind::not_weights(
            "an XML page, such as a server's error message",
            "open it to see what the server says, then use the file's download URL",
        );
    }
    if start.starts_with("{\"error\"") || start.starts_with("{\"message\"") {
        return ErrorKind::not_weights(
            "a server's error message in JSON",
            "open it to see what the server says, then use the file's download URL",
        );
    }
    if start.starts_with('{') || start.starts_with('[') {
        return ErrorKind::not_weights(
            "JSON text, such as a configuration",
            "give the weight file, which is often in the same folder",
        );
    }
    if start.starts_with("model_checkpoint_path:") {
        return ErrorKind::not_weights(
            "the `checkpoint` file of a TensorFlow checkpoint",
            "TensorFlow files are not supported; convert the weights to PyTorch or safetensors",
        );
    }
    let line: String = start
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(60)
        .collect();
    ErrorKind::not_weights(
        format!("plain text that begins with {:?}", one_line(&line)),
        "give the weight file",
    )
}

/// A zip archive without a directory at its end.
pub(crate) fn without_directory(source: &Source) -> ErrorKind {
    ErrorKind::cut_off(format!(
        "it begins like a zip archive but has no directory at its end, after {} bytes",
        source.len()
    ))
}

/// The error for a folder, which lists the files that may be weights.
pub(crate) fn folder(path: &Path) -> ErrorKind {
    let names = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .take(10_000);
    let names: Vec<_> = names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let has = |name: &str| names.iter().any(|other| other == name);
    if has("saved_model.pb") {
        return ErrorKind::not_weights(
            "a folder that holds a TensorFlow SavedModel",
            "TensorFlow files are not supported; convert the weights to PyTorch or safetensors",
        );
    }
    if has(".metadata") && names.iter().any(|name| name.ends_with(".distcp")) {
        return ErrorKind::not_weights(
            "a folder that holds a distributed PyTorch checkpoint",
            "convert it with torch.distributed.checkpoint.format_utils.dcp_to_torch_save",
        );
    }
    if has("data.pkl") {
        return ErrorKind::not_weights(
            "a folder that holds an unpacked PyTorch file",
            "give the zip archive that it was unpacked from",
        );
    }
    let is_weights = |name: &&String| ENDINGS.iter().any(|ending| name.ends_with(ending));
    let mut weights: Vec<_> = names.iter().filter(is_weights).collect();
    weights.sort();
    // The index represents its shards.
    if let Some(index) = weights
        .iter()
        .position(|name| name.ends_with(".index.json"))
    {
        weights.swap(0, index);
    }
    let advice = match weights.as_slice() {
        [] => "give the weight file; no file in the folder looks like one".to_owned(),
        [one] => format!("give the file in it: {one}"),
        many => {
            let some: Vec<_> = many.iter().take(3).map(|name| name.as_str()).collect();
            format!(
                "give one of the files in it: {}{}",
                some.join(", "),
                more(many.len(), 3)
            )
        }
    };
    ErrorKind::not_weights("a folder", advice)
}

fn more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        left => format!(" and {left} more"),
    }
}
