//! What can be wrong with a file.

use std::{fmt, io};

/// Why a file was not read. Its message is one line that names the file and says what to do.
#[derive(Debug)]
pub struct Error {
    name: String,
    kind: ErrorKind,
}

/// What kind of problem a file has.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system cannot read it.
    Io(io::Error),
    /// It is something else than weights: the usual name of what it is, and what to do.
    NotWeights {
        /// Usual name: `Git LFS pointer`, `HTML page`, `gzip`, …
        what: String,
        /// What to do next.
        advice: String,
    },
    /// It is cut off or changed: how, and what to do.
    Damaged(String),
    /// It is whole, but nothing that this crate reads: what it has, and what to do.
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

    /// What kind of problem it is.
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

/// Characters of a message, a part of which comes from the file.
const LONGEST: usize = 400;

/// Without line breaks and other control characters, and not too long.
pub(crate) fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = plain.take(LONGEST + 1).collect();
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    line
}
