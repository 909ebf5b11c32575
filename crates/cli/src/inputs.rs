//! The images that a command is given: files, folders or standard input.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use burn::tensor::{Device, Tensor};
use burn_zoo_core::{IMAGE_ENDINGS, Preprocess, is_hidden, is_image};

/// One image, or why there is none.
#[derive(Debug)]
pub(crate) struct Input {
    /// The path as given, or `-`.
    pub(crate) name: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Stdin,
    Missing(anyhow::Error),
}

impl Input {
    /// The preprocessed image, `[1, channels, height, width]`.
    pub(crate) fn read(
        self,
        preprocess: &Preprocess,
        device: &Device,
    ) -> anyhow::Result<Tensor<4>> {
        match self.source {
            Source::File(path) => Ok(preprocess.open(path, device)?),
            Source::Stdin => {
                let mut bytes = Vec::new();
                std::io::stdin()
                    .lock()
                    .read_to_end(&mut bytes)
                    .context("cannot read standard input")?;
                if bytes.is_empty() {
                    bail!("standard input is empty; pipe an image into it");
                }
                Ok(preprocess.decode("standard input", &bytes, device)?)
            }
            Source::Missing(error) => Err(error),
        }
    }
}

/// Every image of the arguments. A folder gives its images sorted by name, without hidden files and subfolders. A file
/// that the user names is tried whatever its extension.
pub(crate) fn expand(arguments: &[PathBuf]) -> Vec<Input> {
    let mut inputs = Vec::new();
    for path in arguments {
        let name = path.display().to_string();
        if name == "-" {
            inputs.push(Input {
                name,
                source: Source::Stdin,
            });
        } else if path.is_dir() {
            match folder(path) {
                Ok(files) => inputs.extend(files.into_iter().map(|path| Input {
                    name: path.display().to_string(),
                    source: Source::File(path),
                })),
                Err(error) => inputs.push(Input {
                    name,
                    source: Source::Missing(error),
                }),
            }
        } else {
            inputs.push(Input {
                name,
                source: Source::File(path.clone()),
            });
        }
    }
    inputs
}

fn folder(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("cannot read folder {}", path.display());
    let (mut files, mut folders) = (Vec::new(), 0);
    for entry in std::fs::read_dir(path).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let file = entry.path();
        if is_hidden(&entry.file_name()) {
            continue;
        }
        if file.is_dir() {
            folders += 1;
        } else if file.is_file() && is_image(&file) {
            files.push(file);
        }
    }
    if files.is_empty() {
        let below = match folders {
            0 => String::new(),
            count => format!("; it has {count} folders, give them instead"),
        };
        bail!(
            "folder {} has no images ({}){below}",
            path.display(),
            IMAGE_ENDINGS.join(", ")
        );
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_images_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.PNG",
            "a.jpg",
            "notes.txt",
            "._a.jpg",
            ".DS_Store",
            "c.ppm",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("d.png")).unwrap();
        let names: Vec<_> = expand(&[folder.path().to_owned()])
            .into_iter()
            .map(|input| input.name.rsplit('/').next().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.jpg", "b.PNG", "c.ppm"]);
    }

    #[test]
    fn a_folder_of_folders_says_so() {
        let outer = tempfile::tempdir().unwrap();
        std::fs::create_dir(outer.path().join("cats")).unwrap();
        std::fs::write(outer.path().join("cats/1.png"), "").unwrap();
        let message = folder(outer.path()).unwrap_err().to_string();
        assert!(message.contains("give them instead"), "{message}");
    }
}
