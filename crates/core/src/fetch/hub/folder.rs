//! A repository in the hub's folder, with the layout of `huggingface_hub`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Hub, HubFile, Links, is_hex, name};
use crate::Error;

/// A repository's files.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    locks: PathBuf,
    links: Links,
}

/// Whether a blob is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blob {
    /// New: no snapshot refers to it.
    New,
    /// Existing: other snapshots may refer to it.
    Known,
}

impl Folder {
    pub(super) fn new(hub: &Hub, file: &HubFile) -> Self {
        let name = format!("models--{}--{}", file.owner(), file.repo());
        Self {
            locks: hub.folder.join(".locks").join(&name),
            root: hub.folder.join(name),
            links: hub.links,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    /// The commit of a revision, as of the last request.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_hex(revision, 40) {
            return Some(revision.to_owned());
        }
        let text = fs::read_to_string(below(self.root.join("refs"), revision)).ok()?;
        let commit = text.trim();
        is_name(commit).then(|| commit.to_owned())
    }

    /// Records the commit of a revision. A read-only folder still works for reading.
    pub(super) fn set_commit(&self, revision: &str, commit: &str) {
        if revision == commit || self.commit(revision).as_deref() == Some(commit) {
            return;
        }
        let path = below(self.root.join("refs"), revision);
        let temporary = beside(&path);
        let write = || {
            create_parent(&path)?;
            fs::write(&temporary, commit)?;
            fs::rename(&temporary, &path)
        };
        if write().is_err() {
            let _ = fs::remove_file(&temporary);
        }
    }

    /// The path of a file, if it is in the folder.
    pub(super) fn found(&self, commit: &str, file: &str) -> Option<PathBuf> {
        Some(self.snapshot(commit, file)).filter(|path| path.is_file())
    }

    /// Whether a commit is known not to have a file.
    pub(super) fn is_absent(&self, commit: &str, file: &str) -> bool {
        self.absence(commit, file).is_file()
    }

    /// Records that a commit does not have a file.
    pub(super) fn set_absent(&self, commit: &str, file: &str) {
        let path = self.absence(commit, file);
        // If that fails, the next call asks the hub again.
        let _ = create_parent(&path).and_then(|()| {
            let mut options = fs::File::options();
            options.create(true).append(true).open(&path)
        });
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    /// The partial file of a blob. Some Python versions resume a file with this name; others use a unique name.
    pub(super) fn part(&self, etag: &str) -> PathBuf {
        self.blob(&format!("{etag}.incomplete"))
    }

    pub(super) fn lock(&self, etag: &str) -> PathBuf {
        self.locks.join(format!("{etag}.lock"))
    }

    pub(super) fn locks(&self) -> &Path {
        &self.locks
    }

    pub(super) fn snapshot(&self, commit: &str, file: &str) -> PathBuf {
        below(self.root.join("snapshots").join(commit), file)
    }

    fn absence(&self, commit: &str, file: &str) -> PathBuf {
        below(self.root.join(".no_exist").join(commit), file)
    }

    /// Adds a blob to a snapshot: as a link, or, as in Python, by moving a new blob or copying an
    /// existing one.
    pub(super) fn link(
        &self,
        etag: &str,
        commit: &str,
        file: &str,
        blob: Blob,
    ) -> Result<PathBuf, Error> {
        let path = self.snapshot(commit, file);
        let fail = |source| Error::Cache {
            path: path.clone(),
            source,
        };
        create_parent(&path).map_err(fail)?;
        let temporary = beside(&path);
        let _ = fs::remove_file(&temporary);
        let up = (0..=file.matches('/').count() + 1).map(|_| "..");
        let target: PathBuf = up.chain(["blobs", etag]).collect();
        let linked = self.links == Links::WherePossible && symlink(&target, &temporary).is_ok();
        let placed = match (linked, blob) {
            (true, _) => fs::rename(&temporary, &path),
            (false, Blob::New) => fs::rename(self.blob(etag), &path),
            (false, Blob::Known) => {
                fs::copy(self.blob(etag), &temporary).and_then(|_| fs::rename(&temporary, &path))
            }
        };
        if let Err(source) = placed {
            let _ = fs::remove_file(&temporary);
            return Err(fail(source));
        }
        Ok(path)
    }
}

/// Whether a value from the hub is safe as a file name.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 128 && !text.contains('/') && name::is_relative(text)
}

/// Joins a path that uses `/` on every system.
fn below(folder: PathBuf, path: &str) -> PathBuf {
    path.split('/')
        .fold(folder, |folder, part| folder.join(part))
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{}.tmp", std::process::id()))
}

fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
