//! Lists, verifies and removes files in the hub's folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::{Hub, HubFile, is_hex};
use crate::fetch::checksum::Proof;
use crate::fetch::{Entry, State};
use crate::{Error, FileLock};

/// The greatest depth of folders.
const DEEPEST: usize = 8;
/// The extension of a partial file.
const INCOMPLETE: &str = "incomplete";

impl Hub {
    /// Files of model repositories in the folder, whichever program fetched them, by their
    /// [names](HubFile); partial files by the name of their repository.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, repo) in children(&self.folder) {
            let Some(model) = name.strip_prefix("models--").and_then(model) else {
                continue;
            };
            for (commit, snapshot) in children(&repo.join("snapshots")) {
                let Ok(model) = model.at(&commit) else {
                    continue;
                };
                files(&snapshot, "", DEEPEST, &mut |file, path| {
                    entries.extend(
                        model
                            .with_file(file)
                            .ok()
                            .and_then(|name| entry(name.to_string(), path, State::Shared)),
                    );
                });
            }
            for (_, path) in children(&repo.join("blobs")) {
                if path.extension().is_some_and(|it| it == INCOMPLETE) {
                    entries.extend(entry(model.to_string(), path, State::Partial));
                }
            }
        }
        entries
    }

    /// Reads the whole file and compares its hash with the name of its blob. A file that is not a link,
    /// or whose hub does not name blobs by content, stays [`State::Shared`].
    ///
    /// # Errors
    ///
    /// [`Error::Checksum`], [`Error::Read`].
    pub fn verify(&self, entry: &Entry) -> Result<State, Error> {
        let blob = fs::read_link(&entry.path).unwrap_or_default();
        let name = blob
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let proof = match name.len() {
            64 if is_hex(name, 64) => Proof::Sha256(name),
            40 if is_hex(name, 40) => Proof::Git(name),
            _ => return Ok(entry.state),
        };
        let read = |source| Error::Read {
            path: entry.path.clone(),
            source,
        };
        match proof.check(&entry.path).map_err(read)? {
            Ok(_) => Ok(State::Verified),
            Err(wrong) => Err(Error::Checksum {
                file: entry.path.display().to_string(),
                expected: wrong.expected,
                found: wrong.found,
                remedy: "it is damaged; run `burn-zoo cache clean 'hf:OWNER/REPO*'` to remove it",
            }),
        }
    }

    /// Removes a file of [`Hub::entries`], its blob unless another commit uses it, and folders that are
    /// empty afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] if the system refuses it, or another process is fetching the file.
    pub fn remove(&self, entry: &Entry) -> Result<(), Error> {
        let fail = |path: &Path, source| Error::Cache {
            path: path.to_owned(),
            source,
        };
        let name: HubFile = entry.name.parse()?;
        let folder = Folder::new(self, &name);
        if !entry.path.starts_with(folder.path()) {
            let other = io::Error::other("this file does not belong to that repository");
            return Err(fail(&entry.path, other));
        }
        let blob = match entry.state {
            State::Partial => Some(entry.path.clone()),
            _ => blob_of(&entry.path),
        };
        let etag = blob.as_ref().and_then(|blob| {
            let stem = match entry.state {
                // Python's partial files have a unique part in their names.
                State::Partial => Path::new(blob.file_stem()?).file_stem()?,
                _ => blob.file_name()?,
            };
            stem.to_str()
        });
        let _lock = match etag {
            None => None,
            Some(etag) => {
                let path = folder.lock(etag);
                fs::create_dir_all(folder.locks()).map_err(|error| fail(folder.locks(), error))?;
                let lock = FileLock::if_free(&path).map_err(|error| fail(&path, error))?;
                let busy = || io::Error::other("another process is fetching this file");
                Some(lock.ok_or_else(|| fail(&entry.path, busy()))?)
            }
        };
        fs::remove_file(&entry.path).map_err(|error| fail(&entry.path, error))?;
        if let Some(blob) = blob.filter(|_| entry.state != State::Partial)
            && !is_used(folder.path(), &blob)
        {
            gone(fs::remove_file(&blob)).map_err(|error| fail(&blob, error))?;
        }
        tidy(folder.path(), name.revision());
        Ok(())
    }
}

/// Parses `OWNER--REPO`. Skips old repositories without an owner.
fn model(name: &str) -> Option<HubFile> {
    let (owner, repo) = name.split_once("--")?;
    HubFile::new(owner, repo).ok()
}

fn entry(name: String, path: PathBuf, state: State) -> Option<Entry> {
    let bytes = fs::metadata(&path)
        .ok()
        .filter(fs::Metadata::is_file)?
        .len();
    Some(Entry {
        name,
        path,
        bytes,
        state,
    })
}

/// Names and paths in a folder, sorted.
fn children(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|it| Some((it.file_name().into_string().ok()?, it.path())));
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// Visits files with their paths below a snapshot, separated by `/`.
fn files(folder: &Path, above: &str, depth: usize, visit: &mut impl FnMut(&str, PathBuf)) {
    for (name, path) in children(folder) {
        let name = format!("{above}{name}");
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() && depth > 0 => {
                files(&path, &format!("{name}/"), depth - 1, visit);
            }
            Ok(meta) if !meta.is_dir() => visit(&name, path),
            _ => {}
        }
    }
}

/// The blob that a link points to, if it is in the repository.
fn blob_of(path: &Path) -> Option<PathBuf> {
    let link = fs::read_link(path).ok()?;
    let blobs = path.ancestors().find(|it| it.ends_with("snapshots"))?;
    Some(blobs.with_file_name("blobs").join(link.file_name()?))
}

fn is_used(repo: &Path, blob: &Path) -> bool {
    let mut used = false;
    for (_, snapshot) in children(&repo.join("snapshots")) {
        files(&snapshot, "", DEEPEST, &mut |_, path| {
            used |= blob_of(&path).is_some_and(|it| it == blob);
        });
    }
    used
}

/// Removes empty folders, and the refs to a commit that has no files left.
fn tidy(repo: &Path, commit: &str) {
    let snapshots = repo.join("snapshots");
    for (_, snapshot) in children(&snapshots) {
        remove_empty(&snapshot, DEEPEST);
    }
    let mut refs = Vec::new();
    files(&repo.join("refs"), "", DEEPEST, &mut |_, path| {
        refs.push(path)
    });
    if !snapshots.join(commit).exists() {
        let of_commit =
            |path: &PathBuf| fs::read_to_string(path).is_ok_and(|it| it.trim() == commit);
        for path in refs.into_iter().filter(of_commit) {
            let _ = fs::remove_file(path);
        }
    }
    let is_empty = |folder: PathBuf| children(&folder).is_empty();
    if is_empty(snapshots) && is_empty(repo.join("blobs")) {
        // Only records of missing files and empty folders are left.
        let _ = fs::remove_dir_all(repo.join(".no_exist"));
        remove_empty(repo, DEEPEST);
    }
}

fn remove_empty(folder: &Path, depth: usize) {
    for (_, path) in children(folder) {
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir());
        if is_folder && depth > 0 {
            remove_empty(&path, depth - 1);
        }
    }
    // This fails if the folder is not empty.
    let _ = fs::remove_dir(folder);
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
