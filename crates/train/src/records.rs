//! Raw images at known places of files, read one at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use burn_zoo_core::{Error, Pixels};
use flate2::read::MultiGzDecoder;

/// A file that several parts of a data set may lie in.
pub(crate) type Shared = Arc<Mutex<File>>;

/// How the values of an image follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One value a pixel.
    Grey,
    /// All of red, of green, of blue.
    Planes,
}

/// Images of one size, one after another.
#[derive(Debug)]
pub(crate) struct Records {
    /// `[height, width]`.
    pub(crate) size: [usize; 2],
    pub(crate) layout: Layout,
    /// Bytes before the pixels of each image.
    pub(crate) head: usize,
    pub(crate) parts: Vec<Part>,
}

/// Some of the images in one file.
#[derive(Debug)]
pub(crate) struct Part {
    /// What messages call the file.
    pub(crate) path: PathBuf,
    pub(crate) file: Shared,
    /// Where the first image begins.
    pub(crate) start: u64,
    /// Number of images.
    pub(crate) count: usize,
}

impl Records {
    /// Number of bytes from one image to the next.
    pub(crate) fn stride(&self) -> usize {
        let [height, width] = self.size;
        let channels = match self.layout {
            Layout::Grey => 1,
            Layout::Planes => 3,
        };
        self.head + channels * height * width
    }

    /// One image.
    pub(crate) fn read(&self, index: usize) -> Result<Pixels, Error> {
        let mut rest = index;
        let part = self
            .parts
            .iter()
            .find(|part| {
                let inside = rest < part.count;
                if !inside {
                    rest -= part.count;
                }
                inside
            })
            .expect("an index is below the number of images");
        let place = part.start + (rest * self.stride() + self.head) as u64;
        let mut values = vec![0; self.stride() - self.head];
        let mut read = |file: &mut File| {
            file.seek(SeekFrom::Start(place))?;
            file.read_exact(&mut values)
        };
        // A position is set before each read: whoever panicked has left nothing behind.
        let mut file = part.file.lock().unwrap_or_else(PoisonError::into_inner);
        read(&mut file).map_err(|error| Error::Dataset {
            path: part.path.clone(),
            reason: format!("image {rest} cannot be read: {error}"),
        })?;
        drop(file);
        let [height, width] = self.size;
        Ok(match self.layout {
            Layout::Grey => Pixels::new(height, width, 1, values),
            Layout::Planes => {
                let plane = height * width;
                let pixels = (0..plane).flat_map(|at| [0, 1, 2].map(|colour| colour * plane + at));
                let values = pixels.map(|at| values[at]).collect();
                Pixels::new(height, width, 3, values)
            }
        })
    }
}

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// Whether a file begins as gzip files do.
pub(crate) fn is_gzip(path: &Path) -> Result<bool, Error> {
    let mut magic = Vec::new();
    let read = open(path)?.take(2).read_to_end(&mut magic);
    read.map_err(|source| Error::Read {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(magic == [0x1f, 0x8b])
}

/// A file without a name that is gone with its last handle.
pub(crate) fn unnamed() -> Result<File, Error> {
    tempfile::tempfile().map_err(unwritten)
}

/// The error of writing to such a file.
pub(crate) fn unwritten(source: std::io::Error) -> Error {
    Error::Write {
        path: std::env::temp_dir(),
        source,
    }
}

/// A file as it is, or what a compressed one holds, unpacked where it takes no memory; and how
/// long that is.
pub(crate) fn plain(path: &Path) -> Result<(File, u64), Error> {
    let failed = |error: std::io::Error| Error::Dataset {
        path: path.to_path_buf(),
        reason: format!("the gzip stream is broken: {error}"),
    };
    let mut file = open(path)?;
    let mut length = file.metadata().map_err(failed)?.len();
    if is_gzip(path)? {
        let mut unpacked = unnamed()?;
        let mut decoder = MultiGzDecoder::new(std::io::BufReader::new(file));
        length = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = decoder.read(&mut buffer).map_err(failed)?;
            if count == 0 {
                break;
            }
            unpacked.write_all(&buffer[..count]).map_err(unwritten)?;
            length += count as u64;
        }
        unpacked.rewind().map_err(unwritten)?;
        file = unpacked;
    }
    Ok((file, length))
}
