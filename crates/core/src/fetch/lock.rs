//! One process fetches a file, the others wait.

use std::fs::{File, TryLockError};

use super::{Cache, Progress};
use crate::Error;

/// The right to write a file of the cache and what belongs to it.
///
/// The system lets go of a lock when its process ends, however it ends. The empty lock file stays:
/// whoever removed it could hand the lock to two processes at once, one holding the removed file
/// and one a new one.
#[derive(Debug)]
pub(super) struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// Creates the cache if need be and waits for the lock.
    pub(super) fn acquire(
        cache: &Cache,
        file: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Error> {
        let lock = open(cache, file)?;
        let result = match lock.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                progress(Progress::Waiting);
                lock.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
        };
        // A file system without locks is no reason to have no weights.
        Ok(Self {
            _file: result.ok().map(|()| lock),
        })
    }

    /// The lock if nobody has it.
    pub(super) fn if_free(cache: &Cache, file: &str) -> Result<Option<Self>, Error> {
        let lock = open(cache, file)?;
        Ok(match lock.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            Ok(()) | Err(TryLockError::Error(_)) => Some(Self { _file: Some(lock) }),
        })
    }
}

fn open(cache: &Cache, file: &str) -> Result<File, Error> {
    std::fs::create_dir_all(cache.folder()).map_err(|source| Error::Cache {
        path: cache.folder().to_owned(),
        source,
    })?;
    let path = cache.lock_path(file);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    options
        .open(&path)
        .map_err(|source| Error::Cache { path, source })
}
