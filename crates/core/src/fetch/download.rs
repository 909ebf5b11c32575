//! From an address into the cache.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::thread::sleep;
use std::time::Duration;

use ureq::Agent;

use super::http::{self, Answer, Failure, Wanted};
use super::lock::Lock;
use super::part::Part;
use super::{Fetched, Fetcher, Progress, Remote, checksum};
use crate::Error;

/// A try that brings this much starts the count of tries anew.
const WORTH: u64 = 1 << 20;
/// Longest wait between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Fetches the file from the first address that has it.
pub(super) fn run(
    fetcher: &Fetcher,
    remote: &Remote<'_>,
    _lock: &Lock,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, Error> {
    let mut download = Download {
        fetcher,
        remote,
        part: Part::of(&fetcher.cache, remote.file),
        agent: http::agent(&fetcher.patience),
        progress,
    };
    let (mut reasons, mut wrong) = (Vec::new(), None);
    for url in remote.urls {
        let url = fetcher.address(url);
        match download.from(&url) {
            Ok(fetched) => return Ok(fetched),
            Err(Stop::Here(reason)) => reasons.push(format!("{url}: {reason}")),
            Err(Stop::All(error @ Error::Checksum { .. })) => wrong = Some(error),
            Err(Stop::All(error)) => return Err(error),
        }
    }
    Err(wrong.unwrap_or_else(|| Error::Download {
        name: remote.name.to_owned(),
        reason: reasons.join("; "),
        path: fetcher.cache.path(remote.file),
    }))
}

struct Download<'a> {
    fetcher: &'a Fetcher,
    remote: &'a Remote<'a>,
    part: Part,
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
        let patience = self.fetcher.patience;
        let mut old = self.part.len() > 0;
        let (mut tries, mut furthest) = (0, self.part.len());
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
            tries = if self.part.len() >= furthest + WORTH {
                1
            } else {
                tries + 1
            };
            furthest = furthest.max(self.part.len());
            if tries >= patience.attempts {
                return Err(Stop::Here(format!("{reason} ({tries} tries)")));
            }
            let doubled = 2_u32.saturating_pow(tries - 1);
            let delay = patience.delay.saturating_mul(doubled);
            let after = wait.unwrap_or_default().max(delay.min(LONGEST_DELAY));
            (self.progress)(Progress::Retrying { reason, after });
            sleep(after);
        }
    }

    /// One request; the part grows by what comes.
    fn attempt(&mut self, url: &str) -> Result<(), Cut> {
        let wanted = self.wanted(url)?;
        let token = self.fetcher.token.as_ref().filter(|_| http::is_hub(url));
        let (mut file, mut bytes, total, body) = match http::get(&self.agent, url, token, &wanted)?
        {
            Answer::Whole(_, None, _) | Answer::Rest(_, None, _)
                if self.remote.sha256.is_none() =>
            {
                return Err(Failure::Refused(
                    "it does not say how long the file is, and no checksum is known".into(),
                )
                .into());
            }
            Answer::Whole(origin, total, body) => (self.part.begin(&origin)?, 0, total, body),
            Answer::Rest(from, total, body) if from == wanted.from && from > 0 => {
                (self.part.append()?, from, total, body)
            }
            Answer::Nothing(total) if total == Some(wanted.from) => return Ok(()),
            Answer::Rest(..) | Answer::Nothing(_) => {
                self.part.discard()?;
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
            self.write(&mut file, &buffer[..read])?;
            bytes += read as u64;
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
            .map_err(|source| self.part.fail(source))
    }

    /// From which byte on to ask. What is here is gone on with if the server can tell whether it
    /// still has the same file, or if the checksum will.
    fn wanted(&self, url: &str) -> Result<Wanted, Error> {
        let from = self.part.len();
        let same = self.part.origin().filter(|origin| origin.url == url);
        match same.and_then(|origin| origin.validator) {
            _ if from == 0 => Ok(Wanted::default()),
            Some(validator) => Ok(Wanted {
                from,
                of: Some(validator),
            }),
            None if self.remote.sha256.is_some() => Ok(Wanted { from, of: None }),
            None => {
                self.part.discard()?;
                Ok(Wanted::default())
            }
        }
    }

    /// The whole part under its own name, or the error that it is a wrong file; then it is gone.
    fn finish(&self, url: &str) -> Result<Result<Fetched, Error>, Error> {
        let part = self.part.path();
        let fail = |source| self.part.fail(source);
        // The bytes are on the disk before the name says so.
        let file = File::options().write(true).open(part).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let (bytes, sha256) = checksum::of(part).map_err(fail)?;
        if !checksum::fits(&sha256, self.remote.sha256) {
            self.part.discard()?;
            return Ok(Err(Error::Checksum {
                file: url.to_owned(),
                expected: self.remote.sha256.unwrap_or_default().to_owned(),
                found: sha256,
                remedy: "nothing of it was kept; try again, or another mirror (BURN_ZOO_MIRROR)",
            }));
        }
        let path = self.fetcher.cache.path(self.remote.file);
        self.part.finish(&path)?;
        self.fetcher.cache.mark(self.remote.file, &sha256);
        Ok(Ok(Fetched {
            path,
            bytes,
            sha256,
        }))
    }
}
