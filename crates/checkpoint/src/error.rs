//! Errors.

use std::{fmt, io};

/// Why a file could not be read. Its message is one line that names the file and says what to do.
#[derive(Debug)]
pub struct Error {
    name: String,
    kind: ErrorKind,
}

/// The kind of problem.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system cannot read it.
    Io(io::Error),
    /// It is not a weight file.
    NotWeights {
        /// The usual name of its format: `a Git LFS pointer`, `an HTML page`, `a gzip file`, …
        what: String,
        /// What to do next.
        advice: String,
    },
    /// It is cut off or corrupt: how, and what to do.
    Damaged(String),
    /// It is intact, but not supported: what it has, and what to do.
    Unsupported(String),
}

impl Error {
    pub(crate) fn new(name: &str, kind: ErrorKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
        }
    }

    /// Path of the file, or what it was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of problem.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The message without the file's name.
    pub fn reason(&self) -> String {
        self.kind.to_string()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", one_line(&self.name), self.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Io(source) => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Io(source) => format!("cannot be read: {source}"),
            Self::NotWeights { what, advice } => format!("{what}, not weights; {advice}"),
            Self::Damaged(text) | Self::Unsupported(text) => text.clone(),
        };
        f.write_str(&one_line(&text))
    }
}

impl ErrorKind {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(format!("damaged: {}; fetch it again", reason.into()))
    }

    pub(crate) fn cut_off(reason: impl Into<String>) -> Self {
        Self::Damaged(format!("cut off: {}; fetch it again", reason.into()))
    }

    pub(crate) fn not_weights(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::NotWeights {
            what: what.into(),
            advice: advice.into(),
        }
    }
}

impl From<io::Error> for ErrorKind {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The longest text from a file that a message quotes, in characters.
const LONGEST: usize = 400;

/// Removes line breaks and other control characters, and shortens the text.
pub(crate) fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = plain.take(LONGEST + 1).collect();
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    line
}
