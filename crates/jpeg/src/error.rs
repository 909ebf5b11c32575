//! Why a file is not decoded.

use std::fmt;

/// Why a file is not decoded. Each displays as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The first bytes are not those of a JPEG.
    NotJpeg,
    /// The file ends before its picture does.
    CutOff,
    /// A valid file of a kind that is not decoded: its name.
    Unsupported(String),
    /// The file breaks the format: how.
    Invalid(String),
    /// The pixels take more bytes than the limit allows.
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The machine has too little memory for the picture.
    OutOfMemory,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJpeg => f.write_str("it is not a JPEG"),
            Self::CutOff => f.write_str("the file is cut off"),
            Self::Unsupported(what) => write!(f, "{what} is not supported"),
            Self::Invalid(what) => write!(f, "the JPEG is damaged: {what}"),
            Self::TooLarge {
                width,
                height,
                limit,
            } => write!(
                f,
                "{width}x{height} pixels are too many; shrink it to less than {} MiB of pixels",
                limit >> 20
            ),
            Self::OutOfMemory => f.write_str("there is not enough memory for its pixels"),
        }
    }
}

impl std::error::Error for Error {}

/// Shorthand for a file that breaks the format.
pub(crate) fn invalid<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Invalid(what.into()))
}
