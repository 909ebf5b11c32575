//! Published files: fetched once, verified, kept in a [`Cache`].
//!
//! A file grows as `FILE.part` in the cache and is renamed when its checksum (or its length, where none
//! is known) is right, so that whatever ends a download, under its own name there is never anything but
//! a whole file, and the next try goes on where this one stopped.

mod cache;
mod checksum;
mod download;
mod http;
mod lock;
mod part;

use std::path::PathBuf;
use std::time::Duration;

pub use cache::{Cache, Entry, State};
pub use http::Token;

use crate::Error;
use crate::weights::{Licence, WeightsMeta};
use lock::Lock;

/// Fetches files into a cache.
#[derive(Clone, Debug)]
pub struct Fetcher {
    /// Where files are kept.
    pub cache: Cache,
    /// Replaces scheme and host of every address.
    pub mirror: Option<String>,
    /// Whether anything may be fetched at all.
    pub network: Network,
    /// Sent to Hugging Face, and to nobody else.
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
}

impl Fetcher {
    /// Fetches into `cache` from the published addresses.
    pub fn new(cache: Cache) -> Self {
        Self {
            cache,
            mirror: None,
            network: Network::Online,
            token: None,
            terms: Terms::FreeOnly,
            patience: Patience::default(),
        }
    }

    /// As the environment says: `BURN_ZOO_CACHE`, `BURN_ZOO_MIRROR`, `BURN_ZOO_OFFLINE`,
    /// `HF_TOKEN`. Proxies (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`) are heeded by
    /// every fetcher.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] where a variable has no usable value.
    pub fn from_env() -> Result<Self, Error> {
        let mirror = setting("BURN_ZOO_MIRROR")?;
        if let Some(base) = &mirror
            && !(base.starts_with("https://") || base.starts_with("http://"))
        {
            return Err(Error::Setting {
                variable: "BURN_ZOO_MIRROR",
                value: base.clone(),
                allowed: "an address such as https://mirror.example.org/models",
            });
        }
        let offline = setting("BURN_ZOO_OFFLINE")?.map(|value| value.to_lowercase());
        let network = match offline.as_deref() {
            None | Some("0" | "false" | "no" | "off") => Network::Online,
            Some(_) => Network::Offline,
        };
        Ok(Self {
            mirror,
            network,
            token: setting("HF_TOKEN")?.map(|token| Token::new(&token)),
            ..Self::new(Cache::from_env()?)
        })
    }

    /// The file, from the cache or else from the network.
    ///
    /// A file in the cache is verified by its checksum before its first use; a wrong one is
    /// replaced. `progress` hears of what takes time.
    ///
    /// # Errors
    ///
    /// [`Error::Download`] if no address has it, [`Error::Checksum`] if what they have is not the
    /// published file (nothing of it is kept), [`Error::Cache`] if the cache cannot be written,
    /// [`Error::Offline`], [`Error::Licence`], and [`Error::NoWeights`] if it has no address.
    pub fn fetch<'a>(
        &self,
        remote: impl Into<Remote<'a>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fetched, Error> {
        let remote = remote.into();
        let offline = self.network == Network::Offline;
        match self.cache.verified(remote.file, remote.sha256) {
            Ok(Some(fetched)) => return Ok(fetched),
            Err(error @ Error::Checksum { .. }) if offline || remote.urls.is_empty() => {
                return Err(error);
            }
            Ok(None) | Err(Error::Checksum { .. }) => {}
            Err(error) => return Err(error),
        }
        self.allowed(&remote)?;
        let lock = Lock::acquire(&self.cache, remote.file, progress)?;
        // While this process waited, another may have fetched it.
        match self.cache.verified(remote.file, remote.sha256) {
            Ok(Some(fetched)) => return Ok(fetched),
            Ok(None) | Err(Error::Checksum { .. }) => {}
            Err(error) => return Err(error),
        }
        download::run(self, &remote, &lock, progress)
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
        match self.network {
            Network::Online => Ok(()),
            Network::Offline => Err(Error::Offline {
                name,
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

/// The text of an environment variable, if it has one.
fn setting(variable: &'static str) -> Result<Option<String>, Error> {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        None => Ok(None),
        // The value is not shown: it may be a token.
        Some(value) => value.into_string().map(Some).map_err(|_| Error::Setting {
            variable,
            value: "bytes that are no text".into(),
            allowed: "text in UTF-8",
        }),
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
