//! Errors.

use std::fmt;

/// Why a file cannot be decoded. Each error displays as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The first bytes are not those of a JPEG.
    NotJpeg,
    /// The file ends before the image does.
    CutOff,
    /// A valid file in an unsupported format, which the text names.
    Unsupported(String),
    /// The file violates the format, as the text describes.
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
    /// The machine does not have enough memory for the image.
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

/// Shorthand for a file that violates the format.
pub(crate) fn invalid<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Invalid(what.into()))
}
