//! One process at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// The right to do what a lock file stands for.
///
/// The system lets go of it when its process ends, however it ends. The empty lock file stays: whoever
/// removed it could hand the right to two processes at once, one holding the removed file and one a new
/// one. On a file system without locks everybody has it.
#[derive(Debug)]
pub struct FileLock {
    _file: Option<File>,
}

impl FileLock {
    /// The right, if nobody has it; the lock file is made if need be.
    ///
    /// # Errors
    ///
    /// If the lock file cannot be opened.
    pub fn if_free(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        Ok(match file.try_lock() {
            Ok(()) => Some(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(_)) => Some(Self { _file: None }),
        })
    }

    /// As [`FileLock::if_free`], but waits for whoever has it; `waiting` hears of that.
    ///
    /// # Errors
    ///
    /// If the lock file cannot be opened.
    pub fn wait(path: &Path, waiting: impl FnOnce()) -> io::Result<Self> {
        if let Some(lock) = Self::if_free(path)? {
            return Ok(lock);
        }
        waiting();
        let file = open(path)?;
        let locked = file.lock().is_ok();
        Ok(Self {
            _file: locked.then_some(file),
        })
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_one_holders_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let first = FileLock::if_free(&path).unwrap().unwrap();
        assert!(FileLock::if_free(&path).unwrap().is_none());
        drop(first);
        FileLock::wait(&path, || panic!("nobody has it")).unwrap();
    }
}
