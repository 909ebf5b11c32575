//! Files that a command was asked to write.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::NamedTempFile;

/// A file that is yet to be written, so that a bad path fails before the work and not after.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl Target {
    /// As [`Target::create`], where the option was given.
    pub(crate) fn of_option(path: Option<&Path>, option: &str) -> Result<Option<Self>> {
        path.map(|path| Self::create(path, option)).transpose()
    }

    /// Takes the place of the file that `option` names.
    ///
    /// Fails if there is one already or its folder cannot be written to.
    pub(crate) fn create(path: &Path, option: &str) -> Result<Self> {
        if path.exists() {
            bail!(
                "{} exists already; remove it or choose another {option}",
                path.display()
            );
        }
        let folder = folder(path);
        if !folder.is_dir() {
            bail!("cannot write {}: its folder does not exist", path.display());
        }
        let temporary =
            temporary(folder).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
        })
    }

    /// Puts the whole file in its place at once.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<()> {
        self.temporary
            .write_all(bytes)
            .and_then(|()| self.temporary.as_file().sync_all())
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        self.temporary
            .persist_noclobber(&self.path)
            .map_err(|error| anyhow!("cannot write {}: {}", self.path.display(), error.error))?;
        Ok(())
    }
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
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
        let path = folder.path().join("out.csv");
        std::fs::write(&path, "mine").unwrap();
        let message = Target::create(&path, "--csv").unwrap_err().to_string();
        assert!(
            message.contains("remove it or choose another --csv"),
            "{message}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let lost = folder.path().join("no/a.svg");
        let message = Target::create(&lost, "--svg").unwrap_err().to_string();
        assert!(message.contains("its folder does not exist"), "{message}");
    }
}
