//! Files on Hugging Face, in the folder that its own programs use.
//!
//! Uses `ureq` instead of the crate `hf-hub`: with `rustls-tls` and `blocking`, its 1.0 adds 161 crates
//! (tokio, reqwest, xet), where all of fetching needs 23, and over two minutes of CPU time to compile
//! them. It would also be a second HTTP client, with other rules for timeouts, resumed downloads and
//! proxies.

mod folder;
mod get;
mod listing;
mod meta;
mod name;
mod parse;
mod shards;

use std::path::{Path, PathBuf};

pub use name::HubFile;

use super::{Fetched, Fetcher, Network, Progress, Remote};
use crate::Error;
use folder::Folder;
pub(super) use get::get;

/// The default hub.
pub(super) const ENDPOINT: &str = "https://huggingface.co";

/// A hub, and the folder of its files.
///
/// The folder has the layout of `huggingface_hub`, so that neither program fetches a file that the other
/// has already fetched: `models--OWNER--REPO` with `blobs/ETAG`,
/// `refs/REVISION` (a commit), `snapshots/COMMIT/FILE` (a link to its blob), `.no_exist/COMMIT/FILE`, and
/// `blobs/ETAG.incomplete` during the download; also `.locks/models--OWNER--REPO/ETAG.lock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// Its URL; only this URL may receive the token.
    pub endpoint: String,
    /// The folder; it is created when the first file is fetched.
    pub folder: PathBuf,
    /// Whether requests to it are allowed.
    pub network: Network,
    /// Whether the folder may contain symbolic links.
    pub links: Links,
}

/// Whether a folder may contain symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// If the file system supports them; all revisions share one copy of a file.
    WherePossible,
    /// Each revision has its own copy of a file.
    Never,
}

impl Hub {
    /// huggingface.co, with this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            endpoint: ENDPOINT.to_owned(),
            folder: folder.into(),
            network: Network::Online,
            links: Links::WherePossible,
        }
    }

    /// The path of a file, if it is in the folder; sends no request. A name without a file refers to the
    /// repository's weights.
    pub fn find(&self, file: &HubFile) -> Option<PathBuf> {
        let folder = Folder::new(self, file);
        let commit = folder.commit(file.revision())?;
        let names = match file.file() {
            Some(name) => std::slice::from_ref(&name).to_vec(),
            None => get::WEIGHTS.to_vec(),
        };
        names
            .into_iter()
            .find_map(|name| folder.found(&commit, name))
    }

    /// The file of a registered row's weights on this hub, if there is one.
    pub fn published(&self, remote: &Remote<'_>) -> Option<HubFile> {
        let mut files = remote.urls.iter();
        let file = files.find_map(|url| HubFile::of_url(url, &self.endpoint))?;
        file.file().is_some().then_some(file)
    }
}

/// A published file from the hub's folder or the network. `None` if the hub does not have it,
/// or it is not in the folder and may not be fetched.
pub(super) fn published(
    fetcher: &Fetcher,
    remote: &Remote<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<Fetched>, Error> {
    let Some(file) = fetcher.hub.published(remote) else {
        return Ok(None);
    };
    let path = match fetcher.hub.find(&file) {
        Some(path) => path,
        None if fetcher.hub_is_mirrored() || fetcher.hub_is_forbidden().is_some() => {
            return Ok(None);
        }
        None => {
            fetcher.allowed(remote)?;
            match get(fetcher, &file, progress) {
                Ok(path) => path,
                Err(Error::Hub { .. } | Error::Download { .. }) if remote.urls.len() > 1 => {
                    return Ok(None);
                }
                // The user can put it into the cache by hand.
                Err(Error::Hub { reason, .. } | Error::Download { reason, .. }) => {
                    return Err(Error::Download {
                        name: remote.name.to_owned(),
                        reason: reason.replace(get::AGAIN, ""),
                        path: fetcher.cache.path(remote.file),
                    });
                }
                Err(error) => return Err(error),
            }
        }
    };
    let named = sha256_of(&path);
    let expected = remote.sha256.or(named.as_deref());
    let fetched = fetcher.cache.verified_at(path, remote.file, expected)?;
    Ok(Some(fetched))
}

impl Fetcher {
    /// A mirror replaces only the default hub, not one that the user set.
    fn hub_is_mirrored(&self) -> bool {
        self.mirror.is_some() && self.hub.endpoint == ENDPOINT
    }

    /// The variable that forbids requests to the hub.
    pub(super) fn hub_is_forbidden(&self) -> Option<&'static str> {
        match (self.network, self.hub.network) {
            (Network::Offline, _) => Some("BURN_ZOO_OFFLINE"),
            (_, Network::Offline) => Some("HF_HUB_OFFLINE"),
            _ => None,
        }
    }
}

/// The sha256 in the name of a file's blob. Blobs of small files have a git hash instead.
fn sha256_of(path: &Path) -> Option<String> {
    let blob = std::fs::read_link(path).ok()?;
    let name = blob.file_name()?.to_str()?;
    is_hex(name, 64).then(|| name.to_owned())
}

/// Whether a text is a hash of this length, in lower case.
fn is_hex(text: &str, digits: usize) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == digits && text.bytes().all(digit)
}
