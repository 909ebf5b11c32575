//! The folder of fetched files.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::address::URL_PREFIX;
use super::lock::Lock;
use super::{Fetched, Remote, checksum};
use crate::Error;

/// Endings of what lies beside a file.
const MARK: &str = ".sha256";
const PART: &str = ".part";
const ORIGIN: &str = ".part.origin";

/// A folder of fetched files.
///
/// Beside `FILE` may be `FILE.sha256`, which remembers that it was verified; `FILE.part` and
/// `FILE.part.origin`, a download that has not ended; and `.FILE.lock`. Other files are never touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
}

/// A file in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it was asked for by.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How much is known of it.
    pub state: State,
}

/// How much is known of a file in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has the published checksum, or, where none is published, it is what was fetched.
    Verified,
    /// It was put here by hand or changed, and not used since.
    Unverified,
    /// A download of it has not ended.
    Partial,
    /// It is in the hub's folder, which Python programs share.
    Shared,
}

impl Cache {
    /// This folder; it is created when the first file is fetched.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of this name is or will be.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Names of the files that were fetched by URL, complete or not.
    pub fn by_address(&self) -> BTreeSet<String> {
        let files = self.files().into_iter();
        files.filter(|name| name.starts_with(URL_PREFIX)).collect()
    }

    /// Names of the files that are here, whole or not.
    pub fn files(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let beside = |name: &str| {
            name.starts_with('.') || [MARK, ORIGIN].iter().any(|it| name.ends_with(it))
        };
        let files = names.filter(|name| !beside(name));
        files
            .map(|name| name.strip_suffix(PART).unwrap_or(&name).to_owned())
            .collect()
    }

    /// What is here of a file: itself, a download of it that has not ended, both, or nothing.
    pub fn entries<'a>(&self, remote: impl Into<Remote<'a>>) -> Vec<Entry> {
        let remote = remote.into();
        let whole = self.path(remote.file);
        let known = |meta: &Metadata| {
            let mark = self.mark_of(remote.file, meta);
            match mark.is_some_and(|found| checksum::fits(&found, remote.sha256)) {
                true => State::Verified,
                false => State::Unverified,
            }
        };
        let entry = |path: PathBuf, state: &dyn Fn(&Metadata) -> State| {
            let meta = fs::metadata(&path).ok().filter(Metadata::is_file)?;
            Some(Entry {
                name: remote.name.to_owned(),
                bytes: meta.len(),
                state: state(&meta),
                path,
            })
        };
        let part = entry(self.part_path(remote.file), &|_| State::Partial);
        entry(whole, &known).into_iter().chain(part).collect()
    }

    /// Reads a file from end to end and compares its checksum with the published one, or
    /// with that of what was fetched. `None` if it is not here.
    ///
    /// # Errors
    ///
    /// [`Error::Checksum`], [`Error::Read`].
    pub fn verify<'a>(&self, remote: impl Into<Remote<'a>>) -> Result<Option<Fetched>, Error> {
        let remote = remote.into();
        self.check(remote.file, remote.sha256)
    }

    /// Removes a file, finished or not, and what belongs to it.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] if that is not allowed, or another process is fetching the file.
    pub fn remove<'a>(&self, remote: impl Into<Remote<'a>>) -> Result<(), Error> {
        let file = remote.into().file;
        let fail = |path: &Path, source| Error::Cache {
            path: path.to_owned(),
            source,
        };
        let Some(_lock) = Lock::if_free(self, file)? else {
            let busy = io::Error::other("another process is fetching this file");
            return Err(fail(&self.path(file), busy));
        };
        for path in [
            self.path(file),
            self.mark_path(file),
            self.part_path(file),
            self.origin_path(file),
        ] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(fail(&path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The file if it is here, verified now or since its last change.
    pub(super) fn verified(
        &self,
        file: &str,
        published: Option<&str>,
    ) -> Result<Option<Fetched>, Error> {
        let path = self.path(file);
        if let Some(fetched) = self.remembered(&path, file, published) {
            return Ok(Some(fetched));
        }
        self.check(file, published)
    }

    /// The same for a file elsewhere; this cache only records that it was verified.
    pub(super) fn verified_at(
        &self,
        path: PathBuf,
        file: &str,
        published: Option<&str>,
    ) -> Result<Fetched, Error> {
        if let Some(fetched) = self.remembered(&path, file, published) {
            return Ok(fetched);
        }
        let read = |source| Error::Read {
            path: path.clone(),
            source,
        };
        let (bytes, sha256) = checksum::of(&path).map_err(read)?;
        if !checksum::fits(&sha256, published) {
            return Err(Error::Checksum {
                file: path.display().to_string(),
                expected: published.unwrap_or_default().to_owned(),
                found: sha256,
                remedy: "it is damaged or a different file; run `burn-zoo cache clean 'hf:OWNER/REPO*'` to remove it",
            });
        }
        // The marker may be the first file of this cache.
        let _ = fs::create_dir_all(&self.folder);
        self.mark_as(&path, file, &sha256);
        Ok(Fetched {
            path,
            bytes,
            sha256,
        })
    }

    fn remembered(&self, path: &Path, file: &str, published: Option<&str>) -> Option<Fetched> {
        let meta = fs::metadata(path).ok()?;
        let sha256 = self.mark_of(file, &meta)?;
        checksum::fits(&sha256, published).then(|| Fetched {
            path: path.to_owned(),
            bytes: meta.len(),
            sha256,
        })
    }

    /// Compares the checksum with the published one, or with that of what was fetched.
    fn check(&self, file: &str, published: Option<&str>) -> Result<Option<Fetched>, Error> {
        let remembered = self.read_mark(file).map(|mark| mark.sha256);
        let expected = published.or(remembered.as_deref());
        let path = self.path(file);
        let (bytes, sha256) = match checksum::of(&path) {
            Ok(found) => found,
            Err(error)
                if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory]
                    .contains(&error.kind()) =>
            {
                return Ok(None);
            }
            Err(source) => return Err(Error::Read { path, source }),
        };
        if !checksum::fits(&sha256, expected) {
            return Err(Error::Checksum {
                file: path.display().to_string(),
                expected: expected.unwrap_or_default().to_owned(),
                found: sha256,
                remedy: "it is broken or another file; `burn-zoo cache clean` removes it",
            });
        }
        self.mark(file, &sha256);
        Ok(Some(Fetched {
            path,
            bytes,
            sha256,
        }))
    }

    /// Remembers that a file was verified. A cache that cannot be written is verified each time.
    pub(super) fn mark(&self, file: &str, sha256: &str) {
        self.mark_as(&self.path(file), file, sha256);
    }

    fn mark_as(&self, path: &Path, file: &str, sha256: &str) {
        if let Ok(meta) = fs::metadata(path) {
            let text = format!("{sha256} {}\n", stamp(&meta));
            let _ = fs::write(self.mark_path(file), text);
        }
    }

    /// The checksum of a file that has not changed since it was verified.
    fn mark_of(&self, file: &str, meta: &Metadata) -> Option<String> {
        let mark = self.read_mark(file)?;
        Some(mark.sha256).filter(|_| mark.stamp == stamp(meta))
    }

    fn read_mark(&self, file: &str) -> Option<Mark> {
        let text = fs::read_to_string(self.mark_path(file)).ok()?;
        let (sha256, stamp) = text.trim_end().split_once(' ')?;
        Some(Mark {
            sha256: Some(sha256).filter(|digits| digits.len() == 64)?.to_owned(),
            stamp: stamp.to_owned(),
        })
    }

    fn mark_path(&self, file: &str) -> PathBuf {
        self.folder.join(format!("{file}{MARK}"))
    }

    pub(super) fn part_path(&self, file: &str) -> PathBuf {
        self.folder.join(format!("{file}{PART}"))
    }

    pub(super) fn origin_path(&self, file: &str) -> PathBuf {
        self.folder.join(format!("{file}{ORIGIN}"))
    }

    pub(super) fn lock_path(&self, file: &str) -> PathBuf {
        self.folder.join(format!(".{file}.lock"))
    }
}

/// What `FILE.sha256` says.
struct Mark {
    sha256: String,
    stamp: String,
}

/// Size and time of the last change, in nanoseconds.
fn stamp(meta: &Metadata) -> String {
    let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let since = changed.duration_since(SystemTime::UNIX_EPOCH);
    format!("{} {}", meta.len(), since.unwrap_or_default().as_nanos())
}
