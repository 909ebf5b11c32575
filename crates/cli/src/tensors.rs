//! A safetensors file of computed values, one tensor per image.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use burn::tensor::TensorData;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::NamedTempFile;

/// Values under the name of their image.
#[derive(Debug)]
pub(crate) struct Named {
    /// The image as it was given.
    pub(crate) name: String,
    /// Without the batch.
    pub(crate) shape: Vec<usize>,
    /// In row-major order.
    pub(crate) values: Vec<f32>,
}

impl Named {
    /// Takes the values off a tensor of one image.
    pub(crate) fn new(name: String, shape: Vec<usize>, data: TensorData) -> Result<Self> {
        let values: Vec<f32> = data.iter::<f32>().collect();
        let expected: usize = shape.iter().product();
        if values.len() == expected {
            return Ok(Self {
                name,
                shape,
                values,
            });
        }
        Err(anyhow!(
            "{name}: {} values where {expected} were expected",
            values.len()
        ))
    }
}

/// A file that is yet to be written, so that a bad path fails before the work and not after.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl Target {
    /// Takes the place of the file.
    ///
    /// Fails if there is one already or its folder cannot be written to.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if path.exists() {
            bail!(
                "{} exists already; remove it or choose another --out",
                path.display()
            );
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let temporary = temporary(folder.unwrap_or(Path::new(".")))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
        })
    }

    /// Writes every tensor, then puts the whole file in its place at once.
    pub(crate) fn write(mut self, tensors: &[Named]) -> Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        let bytes: BTreeMap<&str, (&Named, Vec<u8>)> = tensors
            .iter()
            .map(|named| {
                let bytes = named
                    .values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                (named.name.as_str(), (named, bytes))
            })
            .collect();
        let mut views = Vec::new();
        for (name, (named, bytes)) in &bytes {
            let view = TensorView::new(Dtype::F32, named.shape.clone(), bytes);
            views.push((*name, view.with_context(failed)?));
        }
        let file = safetensors::serialize(views, None).with_context(failed)?;
        self.temporary
            .write_all(&file)
            .and_then(|()| self.temporary.as_file().sync_all())
            .with_context(failed)?;
        self.temporary
            .persist_noclobber(&self.path)
            .map_err(|error| anyhow!("cannot write {}: {}", self.path.display(), error.error))?;
        Ok(())
    }
}

/// A temporary file that others may read, as any file: by itself it would be the user's alone.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.safetensors");
        std::fs::write(&path, "mine").unwrap();
        let message = Target::create(&path).unwrap_err().to_string();
        assert!(message.contains("remove it"), "{message}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn tensors_come_back_under_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.safetensors");
        let named = Named {
            name: "a.png".into(),
            shape: vec![2],
            values: vec![1.0, -2.0],
        };
        Target::create(&path).unwrap().write(&[named]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let view = file.tensor("a.png").unwrap();
        assert_eq!(view.shape(), [2]);
        assert_eq!(view.data(), [0, 0, 128, 63, 0, 0, 0, 192]);
    }
}
