//! From an address into the cache.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use ureq::Agent;

use super::checksum::Proof;
use super::http::{self, Answer, Failure, Wanted};
use super::part::Part;
use super::token::Secret;
use super::{Fetched, Patience, Progress};
use crate::Error;

/// A try that brings this much starts the count of tries anew.
const WORTH: u64 = 1 << 20;
/// Longest wait between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// A download and its destination. The caller holds the file's lock.
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// The name in messages.
    pub(super) name: &'a str,
    /// The partial file.
    pub(super) part: Part,
    /// The path of the complete file.
    pub(super) target: PathBuf,
    /// Evidence that the file is complete.
    pub(super) proof: Proof<'a>,
    /// Its length, if known before the download.
    pub(super) size: Option<u64>,
    /// The token, for URLs that may receive it.
    pub(super) secret: Option<Secret<'a>>,
    pub(super) patience: Patience,
}

/// The delay after this many tries; at least as long as the server asks for.
pub(super) fn delay(patience: &Patience, tries: u32, wait: Option<Duration>) -> Duration {
    let doubled = 2_u32.saturating_pow(tries - 1);
    let delay = patience.delay.saturating_mul(doubled);
    wait.unwrap_or_default().max(delay.min(LONGEST_DELAY))
}

/// Fetches the file from the first address that has it.
pub(super) fn run(
    job: &Job<'_>,
    urls: &[String],
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, Error> {
    let mut download = Download {
        job,
        agent: http::agent(&job.patience),
        progress,
    };
    let (mut reasons, mut wrong) = (Vec::new(), None);
    for url in urls {
        match download.from(url) {
            Ok(fetched) => return Ok(fetched),
            Err(Stop::Here(reason)) => reasons.push(format!("{url}: {reason}")),
            Err(Stop::All(error @ Error::Checksum { .. })) => wrong = Some(error),
            Err(Stop::All(error)) => return Err(error),
        }
    }
    Err(wrong.unwrap_or_else(|| job.error(reasons.join("; "))))
}

impl Job<'_> {
    fn error(&self, reason: String) -> Error {
        Error::Download {
            name: self.name.to_owned(),
            reason,
            path: self.target.clone(),
        }
    }
}

struct Download<'a> {
    job: &'a Job<'a>,
    agent: Agent,
    progress: &'a mut dyn FnMut(Progress),
}

/// Why there is no file from an address.
enum Stop {
    /// This address does not have it, another one may.
    Here(String),
    /// No other will do better, or it is a wrong file.
    All(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::All(error)
    }
}

/// Why a try ended early.
enum Cut {
    Failure(Failure),
    Local(Error),
}

impl From<Failure> for Cut {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Error> for Cut {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

impl Download<'_> {
    fn from(&mut self, url: &str) -> Result<Fetched, Stop> {
        let patience = self.job.patience;
        let mut old = self.job.part.len() > 0;
        let (mut tries, mut furthest) = (0, self.job.part.len());
        loop {
            let (reason, wait) = match self.attempt(url) {
                Ok(()) => match self.finish(url)? {
                    Ok(fetched) => return Ok(fetched),
                    // The beginning, from an earlier run, may be to blame: once more from there.
                    Err(_) if old => {
                        old = false;
                        continue;
                    }
                    Err(wrong) => return Err(wrong.into()),
                },
                Err(Cut::Local(error)) => return Err(error.into()),
                Err(Cut::Failure(Failure::Refused(reason))) => return Err(Stop::Here(reason)),
                Err(Cut::Failure(Failure::Broken(reason, wait))) => (reason, wait),
            };
            tries = if self.job.part.len() >= furthest + WORTH {
                1
            } else {
                tries + 1
            };
            furthest = furthest.max(self.job.part.len());
            if tries >= patience.attempts {
                return Err(Stop::Here(format!("{reason} ({tries} tries)")));
            }
            let after = delay(&patience, tries, wait);
            (self.progress)(Progress::Retrying { reason, after });
            sleep(after);
        }
    }

    /// One request; the part grows by what comes.
    fn attempt(&mut self, url: &str) -> Result<(), Cut> {
        let wanted = self.wanted(url)?;
        let answer = http::get(&self.agent, url, self.job.secret, &wanted)?;
        let (mut file, mut bytes, total, body) = match answer {
            Answer::Whole(_, None, _) | Answer::Rest(_, None, _)
                if self.job.proof == Proof::None =>
            {
                return Err(Failure::Refused(
                    "it does not say how long the file is, and no checksum is known".into(),
                )
                .into());
            }
            Answer::Whole(origin, total, body) => (self.job.part.begin(&origin)?, 0, total, body),
            Answer::Rest(from, total, body) if from == wanted.from && from > 0 => {
                (self.job.part.append()?, from, total, body)
            }
            Answer::Nothing(total) if total == Some(wanted.from) => return Ok(()),
            Answer::Rest(..) | Answer::Nothing(_) => {
                self.job.part.discard()?;
                let reason = "it has another file than the part that is here";
                return Err(Failure::Broken(reason.into(), None).into());
            }
        };
        let mut body = body.into_reader();
        let mut buffer = vec![0; 1 << 16];
        (self.progress)(Progress::Received { bytes, total });
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => return Err(http::failure(&error.into()).into()),
            };
            bytes += read as u64;
            if let Some(size) = self.job.size.filter(|size| bytes > *size) {
                self.job.part.discard()?;
                let reason = format!("it sent more than the {size} bytes that it announced");
                return Err(Failure::Refused(reason).into());
            }
            self.write(&mut file, &buffer[..read])?;
            (self.progress)(Progress::Received { bytes, total });
        }
        match total {
            Some(total) if bytes != total => {
                let reason = format!("the connection was cut after {bytes} of {total} bytes");
                Err(Failure::Broken(reason, None).into())
            }
            _ => Ok(()),
        }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), Error> {
        file.write_all(bytes)
            .map_err(|source| self.job.part.fail(source))
    }

    /// From which byte on to ask. What is here is gone on with if the server can tell whether it
    /// still has the same file, or if the checksum will.
    fn wanted(&self, url: &str) -> Result<Wanted, Error> {
        let from = self.job.part.len();
        let same = self.job.part.origin().filter(|origin| origin.url == url);
        match same.and_then(|origin| origin.validator) {
            _ if from == 0 => Ok(Wanted::default()),
            Some(validator) => Ok(Wanted {
                from,
                of: Some(validator),
            }),
            None if self.job.proof != Proof::None => Ok(Wanted { from, of: None }),
            None => {
                self.job.part.discard()?;
                Ok(Wanted::default())
            }
        }
    }

    /// The whole part under its own name, or the error that it is a wrong file; then it is gone.
    fn finish(&self, url: &str) -> Result<Result<Fetched, Error>, Error> {
        let part = self.job.part.path();
        let fail = |source| self.job.part.fail(source);
        // The bytes are on the disk before the name says so.
        let file = File::options().write(true).open(part).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let found = self.job.proof.check(part).map_err(fail)?;
        let (bytes, sha256) = match found {
            Ok(found) => found,
            Err(wrong) => {
                self.job.part.discard()?;
                if matches!(self.job.proof, Proof::Git(_)) {
                    let reason = "the content does not match its ETag; nothing was kept";
                    return Ok(Err(self.job.error(format!("{url}: {reason}"))));
                }
                return Ok(Err(Error::Checksum {
                    file: url.to_owned(),
                    expected: wrong.expected,
                    found: wrong.found,
                    remedy: "nothing was kept; try again, or use another mirror (BURN_ZOO_MIRROR)",
                }));
            }
        };
        let path = self.job.target.clone();
        self.job.part.finish(&path)?;
        Ok(Ok(Fetched {
            path,
            bytes,
            sha256,
        }))
    }
}
