//! Published files: fetched once, verified, kept in a [`Cache`].
//!
//! A file grows as `FILE.part` in the cache and is renamed when its checksum (or its length, where none
//! is known) is right, so that whatever ends a download, under its own name there is never anything but
//! a whole file, and the next try goes on where this one stopped.
//!
//! Hugging Face files are in the folder that its own programs use ([`Hub`]).

mod address;
mod cache;
mod checksum;
mod download;
mod env;
mod http;
mod hub;
mod lock;
mod part;
mod token;

use std::path::PathBuf;
use std::time::Duration;

pub use address::of_file;
pub use cache::{Cache, Entry, State};
pub use hub::{Hub, HubFile, Links};
pub use token::Token;

use crate::Error;
use crate::weights::{Licence, WeightsMeta};
use download::Job;
use lock::Lock;
use part::Part;
use token::Secret;

/// Fetches files into a cache.
#[derive(Clone, Debug)]
pub struct Fetcher {
    /// Where files are kept.
    pub cache: Cache,
    /// Hugging Face, and the folder of its files.
    pub hub: Hub,
    /// Replaces scheme and host of every URL, except those of a hub that the user set.
    pub mirror: Option<String>,
    /// Whether anything may be fetched at all.
    pub network: Network,
    /// Sent only to the hub.
    pub token: Option<Token>,
    /// Whether weights for non-commercial use only may be fetched.
    pub terms: Terms,
    /// How long and how often is tried.
    pub patience: Patience,
}

/// Whether anything may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It may.
    Online,
    /// Only what is in the cache can be had.
    Offline,
}

/// Which licences are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Those that are [free](Licence::is_free).
    FreeOnly,
    /// Any.
    Accepted,
}

/// How long and how often is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection to stand, encryption included.
    pub connect: Duration,
    /// For the next byte to come.
    pub read: Duration,
    /// Tries of one address that brought (almost) nothing, before the next address.
    pub attempts: u32,
    /// Before the second try; doubled before each further one.
    pub delay: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            read: Duration::from_secs(30),
            attempts: 5,
            delay: Duration::from_millis(500),
        }
    }
}

/// What is to be fetched. [`WeightsMeta`] says it for weights of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Remote<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// Where it is published; each is tried in turn.
    pub urls: &'a [&'a str],
    /// File name in the cache.
    pub file: &'a str,
    /// sha256, or as many of its first hexadecimal digits as are published.
    pub sha256: Option<&'a str>,
    /// Terms to accept, where they are known.
    pub licence: Option<Licence>,
}

impl<'a> From<&'a WeightsMeta> for Remote<'a> {
    fn from(meta: &'a WeightsMeta) -> Self {
        Self {
            name: meta.name,
            urls: meta.urls,
            file: meta.file,
            sha256: meta.sha256,
            licence: Some(meta.licence),
        }
    }
}

/// A file at hand, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its checksum, 64 hexadecimal digits.
    pub sha256: String,
}

/// What a download does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// Another process fetches the same file; this one waits for it.
    Waiting,
    /// So much of the file is at hand.
    Received {
        /// Bytes, those of an earlier try included.
        bytes: u64,
        /// Size of the file, where the server says it.
        total: Option<u64>,
    },
    /// The connection failed and is tried again.
    Retrying {
        /// What happened.
        reason: String,
        /// When.
        after: Duration,
    },
    /// The hub did not answer whether it has a newer version, so the cached file is used.
    Unchecked {
        /// What happened.
        reason: String,
    },
}

impl Fetcher {
    /// Fetches into `cache` from the published URLs. The hub's files use the hub's layout there.
    pub fn new(cache: Cache) -> Self {
        Self {
            hub: Hub::new(cache.folder()),
            cache,
            mirror: None,
            network: Network::Online,
            token: None,
            terms: Terms::FreeOnly,
            patience: Patience::default(),
        }
    }

    /// The file, from the cache or else from the network.
    ///
    /// A file in the cache is verified by its checksum before its first use; a wrong one is
    /// replaced. A file that the hub publishes is also searched for in the hub's folder, and fetched into it.
    /// `progress` receives the steps that take time.
    ///
    /// # Errors
    ///
    /// [`Error::Download`] if no address has it, [`Error::Checksum`] if what they have is not the
    /// published file (nothing of it is kept), [`Error::Cache`] if the cache cannot be written,
    /// [`Error::Offline`], [`Error::Licence`], [`Error::Hub`], and [`Error::NoWeights`] if it has no
    /// address.
    pub fn fetch<'a>(
        &self,
        remote: impl Into<Remote<'a>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fetched, Error> {
        let remote = remote.into();
        match self.cache.verified(remote.file, remote.sha256) {
            Ok(Some(fetched)) => return Ok(fetched),
            Err(error @ Error::Checksum { .. })
                if self.network == Network::Offline || remote.urls.is_empty() =>
            {
                return Err(error);
            }
            Ok(None) | Err(Error::Checksum { .. }) => {}
            Err(error) => return Err(error),
        }
        if let Some(fetched) = hub::published(self, &remote, progress)? {
            return Ok(fetched);
        }
        self.allowed(&remote)?;
        let _lock = Lock::acquire(&self.cache, remote.file, progress)?;
        // While this process waited, another may have fetched it.
        match self.cache.verified(remote.file, remote.sha256) {
            Ok(Some(fetched)) => return Ok(fetched),
            Ok(None) | Err(Error::Checksum { .. }) => {}
            Err(error) => return Err(error),
        }
        let job = Job {
            name: remote.name,
            part: Part::of(&self.cache, remote.file),
            target: self.cache.path(remote.file),
            proof: checksum::Proof::of(remote.sha256),
            size: None,
            secret: self.secret(),
            patience: self.patience,
        };
        let urls: Vec<_> = remote.urls.iter().map(|url| self.address(url)).collect();
        let fetched = download::run(&job, &urls, progress)?;
        self.cache.mark(remote.file, &fetched.sha256);
        Ok(fetched)
    }

    /// The file of a URL, from the cache or else from the network. Its name in the cache ends like the
    /// URL. The URL of a page of GitHub or Hugging Face that shows a file refers to that file.
    ///
    /// # Errors
    ///
    /// Those of [`Fetcher::fetch`].
    pub fn url(&self, url: &str, progress: &mut dyn FnMut(Progress)) -> Result<Fetched, Error> {
        let url = of_file(url);
        let remote = Remote {
            name: &url,
            urls: &[&url],
            file: &address::file_name(&url),
            sha256: None,
            licence: None,
        };
        self.fetch(remote, progress)
    }

    /// The path of a hub file in the hub's folder, fetched from the network if it is missing. For sharded
    /// weights it is the path of the index, with the shards in the same folder.
    ///
    /// Each call asks for the newest commit of a branch. If the hub does not answer, the cached commit is
    /// used and `progress` receives a note. Through a [mirror](Fetcher::mirror), the file is fetched by
    /// its URL like any other.
    ///
    /// # Errors
    ///
    /// [`Error::Hub`] if it cannot be fetched, with what to do; [`Error::Download`], [`Error::Checksum`],
    /// [`Error::Cache`].
    pub fn hub(
        &self,
        file: &HubFile,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf, Error> {
        hub::get(self, file, progress)
    }

    fn secret(&self) -> Option<Secret<'_>> {
        let token = self.token.as_ref()?;
        Some(Secret::new(token, &self.hub.endpoint))
    }

    fn allowed(&self, remote: &Remote<'_>) -> Result<(), Error> {
        let (name, path) = (remote.name.to_owned(), self.cache.path(remote.file));
        let Some(url) = remote.urls.first() else {
            let reason = format!(
                "it is published nowhere; put the file at {}, or load it from where it is",
                path.display()
            );
            return Err(Error::NoWeights { name, reason });
        };
        match remote.licence {
            Some(licence) if !licence.is_free() && self.terms == Terms::FreeOnly => {
                return Err(Error::Licence { name, licence });
            }
            _ => {}
        }
        let forbidden = match (self.hub.published(remote), self.network) {
            (Some(_), _) => self.hub_is_forbidden(),
            (None, Network::Offline) => Some("BURN_ZOO_OFFLINE"),
            (None, Network::Online) => None,
        };
        match forbidden {
            None => Ok(()),
            Some(variable) => Err(Error::Offline {
                name,
                variable,
                url: (*url).to_owned(),
                path,
            }),
        }
    }

    /// Where a published address is asked for.
    fn address(&self, url: &str) -> String {
        let Some(mirror) = &self.mirror else {
            return url.to_owned();
        };
        let path = url
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or("", |(_, path)| path);
        format!("{}/{path}", mirror.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_replaces_scheme_and_host_and_keeps_the_path() {
        let mut fetcher = Fetcher::new(Cache::new("unused"));
        let url = "https://download.pytorch.org/models/resnet18-f37072fd.pth";
        assert_eq!(fetcher.address(url), url);
        for mirror in ["http://10.0.0.1:8080/zoo", "http://10.0.0.1:8080/zoo/"] {
            fetcher.mirror = Some(mirror.into());
            assert_eq!(
                fetcher.address(url),
                "http://10.0.0.1:8080/zoo/models/resnet18-f37072fd.pth"
            );
        }
    }
}
