//! One process fetches a file, the others wait.

use std::io;
use std::path::Path;

use super::{Cache, Progress};
use crate::{Error, FileLock};

/// The right to write a file of the cache and what belongs to it.
#[derive(Debug)]
pub(super) struct Lock {
    _lock: FileLock,
}

impl Lock {
    /// Creates the cache if need be and waits for the lock.
    pub(super) fn acquire(
        cache: &Cache,
        file: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Error> {
        let waiting = || progress(Progress::Waiting);
        let lock = in_cache(cache, file, |path| FileLock::wait(path, waiting))?;
        Ok(Self { _lock: lock })
    }

    /// The lock if nobody has it.
    pub(super) fn if_free(cache: &Cache, file: &str) -> Result<Option<Self>, Error> {
        let lock = in_cache(cache, file, FileLock::if_free)?;
        Ok(lock.map(|lock| Self { _lock: lock }))
    }
}

/// Waits for a lock of the hub's cache, which Python programs use too.
pub(super) fn of_hub(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<FileLock, Error> {
    let fail = |source| Error::Cache {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    let lock = FileLock::wait(path, || progress(Progress::Waiting)).map_err(fail)?;
    // The same permissions as in Python, so that other users of the cache can wait for the lock. If another
    // user created the file, we cannot change them.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o664));
    }
    Ok(lock)
}

/// Takes a file's lock in a cache that is there.
fn in_cache<T>(
    cache: &Cache,
    file: &str,
    take: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<T, Error> {
    let fail = |path: &Path, source| Error::Cache {
        path: path.to_owned(),
        source,
    };
    let (folder, path) = (cache.folder(), cache.lock_path(file));
    std::fs::create_dir_all(folder).map_err(|source| fail(folder, source))?;
    take(&path).map_err(|source| fail(&path, source))
}
