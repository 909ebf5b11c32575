//! Resolves a name on the hub to a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use ureq::Agent;

use super::folder::{Blob, Folder};
use super::meta::{Client, Meta, NoMeta};
use super::{HubFile, is_hex, shards};
use crate::Error;
use crate::fetch::checksum::Proof;
use crate::fetch::download::{self, Job};
use crate::fetch::part::Part;
use crate::fetch::{Fetcher, Patience, Progress, Remote, address, http, lock};

/// The files that hold a repository's weights by Hugging Face's convention, the best first.
pub(super) const WEIGHTS: [&str; 3] = [
    "model.safetensors",
    "pytorch_model.bin",
    "model.safetensors.index.json",
];
/// The index of sharded pickles, which are not supported.
const UNREAD: &str = "pytorch_model.bin.index.json";

/// Time limit of the request for a newer version, as in `huggingface_hub`.
const QUICK: Duration = Duration::from_secs(10);
/// Advice if the hub does not answer.
pub(super) const AGAIN: &str = "; try again, or download the file by hand and give its path";

/// The file, from the hub's folder or the network.
pub(in crate::fetch) fn get(
    fetcher: &Fetcher,
    name: &HubFile,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, Error> {
    if fetcher.hub_is_mirrored() {
        return from_mirror(fetcher, name, progress);
    }
    let mut visit = Visit {
        fetcher,
        asked: name,
        name: name.clone(),
        folder: Folder::new(&fetcher.hub, name),
        agent: http::agent(&fetcher.patience),
        progress,
    };
    let Here { file, path, .. } = visit.weights()?;
    for shard in shards::of(&file, &path)? {
        if visit.file(&shard, None)?.is_none() {
            return Err(visit.fail(format!(
                "{file} lists {shard}, which the repository does not have"
            )));
        }
    }
    Ok(path)
}

struct Visit<'a> {
    fetcher: &'a Fetcher,
    asked: &'a HubFile,
    /// The same at its commit, once that is known.
    name: HubFile,
    folder: Folder,
    agent: Agent,
    progress: &'a mut dyn FnMut(Progress),
}

/// A file in the folder.
#[derive(Clone, Debug)]
struct Here {
    /// Its path in the repository.
    file: String,
    path: PathBuf,
    commit: String,
}

impl Visit<'_> {
    /// Fetches the requested file, or the first of the conventional files that the repository has.
    fn weights(&mut self) -> Result<Here, Error> {
        let named = self.name.file().map(str::to_owned);
        let wanted: Vec<String> = match &named {
            Some(file) => vec![file.clone()],
            None => WEIGHTS
                .into_iter()
                .chain([UNREAD])
                .map(str::to_owned)
                .collect(),
        };
        // Offline, any of them that is in the folder will do.
        let commit = self.folder.commit(self.name.revision());
        let here = commit.and_then(|commit| {
            let mut files = wanted.iter();
            files.find_map(|file| self.here(file, &commit))
        });
        for file in &wanted {
            if let Some(found) = self.file(file, here.as_ref())? {
                return Ok(found);
            }
        }
        let others = match self.fetcher.hub_is_forbidden() {
            None => self.client().weight_files(&self.name),
            Some(_) => Vec::new(),
        };
        let mut reason = match named {
            Some(file) => format!("the repository has no {file}"),
            None => format!("the repository has none of {}", WEIGHTS.join(", ")),
        };
        if !others.is_empty() {
            let others = others.join(", ");
            reason = format!("{reason}; it has {others}: give one as hf:OWNER/REPO/FILE");
        }
        Err(self.fail(reason))
    }

    /// Fetches one file, if the repository has it. Uses `here` if the hub does not answer.
    fn file(&mut self, file: &str, here: Option<&Here>) -> Result<Option<Here>, Error> {
        if file.ends_with(".bin.index.json") {
            return self.unread(file).map_or(Ok(None), Err);
        }
        let revision = self.name.revision().to_owned();
        if is_commit(&revision) {
            if let Some(found) = self.here(file, &revision) {
                return Ok(Some(found));
            }
            if self.folder.is_absent(&revision, file) {
                return Ok(None);
            }
        }
        if let Some(variable) = self.fetcher.hub_is_forbidden() {
            return match here {
                Some(here) => Ok(Some(self.kept(here))),
                None => Err(self.offline(file, variable)),
            };
        }
        match self.ask(file, here.is_some()) {
            Ok(meta) => {
                self.learn(&meta.commit);
                let path = self.obtain(file, &meta)?;
                Ok(Some(Here {
                    file: file.to_owned(),
                    path,
                    commit: meta.commit,
                }))
            }
            Err(NoMeta::NoFile(commit)) => {
                if let Some(commit) = commit {
                    self.learn(&commit);
                    self.folder.set_absent(&commit, file);
                }
                Ok(None)
            }
            Err(NoMeta::Closed(reason) | NoMeta::Broken(reason, _)) => match here {
                Some(here) => {
                    (self.progress)(Progress::Unchecked { reason });
                    Ok(Some(self.kept(here)))
                }
                None => Err(self.fail(reason)),
            },
            Err(NoMeta::Refused(reason)) => Err(self.fail(reason)),
        }
    }

    fn here(&self, file: &str, commit: &str) -> Option<Here> {
        Some(Here {
            file: file.to_owned(),
            path: self.folder.found(commit, file)?,
            commit: commit.to_owned(),
        })
    }

    /// Uses the cached commit, and no file of another one.
    fn kept(&mut self, here: &Here) -> Here {
        self.learn(&here.commit);
        here.clone()
    }

    /// Pins the commit, so that all files of a model match.
    fn learn(&mut self, commit: &str) {
        self.folder.set_commit(self.name.revision(), commit);
        if let Ok(name) = self.name.at(commit) {
            self.name = name;
        }
    }

    /// The error for sharded pickles, if the user named the index or the repository has it.
    fn unread(&mut self, file: &str) -> Option<Error> {
        let is_named = self.asked.file().is_some();
        let is_forbidden = self.fetcher.hub_is_forbidden().is_some();
        if !is_named && (is_forbidden || self.ask(file, true).is_err()) {
            return None;
        }
        Some(self.fail(format!(
            "its weights are sharded pickles ({file}), which are not supported; save them as \
             safetensors, or as a single file"
        )))
    }

    /// Asks for a file. Retries if that may help and the folder has no copy.
    fn ask(&mut self, file: &str, is_here: bool) -> Result<Meta, NoMeta> {
        let patience = self.fetcher.patience;
        // Do not wait long to learn that there is no newer version.
        let quick = Patience {
            connect: patience.connect.min(QUICK),
            read: patience.read.min(QUICK),
            ..patience
        };
        let quick = is_here.then(|| http::agent(&quick));
        let mut tries = 0;
        loop {
            let mut client = self.client();
            client.agent = quick.as_ref().unwrap_or(client.agent);
            let (reason, wait) = match client.meta(&self.name, file) {
                Err(NoMeta::Broken(reason, wait)) => (reason, wait),
                answer => return answer,
            };
            tries += 1;
            if is_here {
                return Err(NoMeta::Broken(reason, None));
            }
            if tries >= patience.attempts {
                let reason = format!("{reason} ({tries} tries){AGAIN}");
                return Err(NoMeta::Broken(reason, None));
            }
            let after = download::delay(&patience, tries, wait);
            (self.progress)(Progress::Retrying { reason, after });
            sleep(after);
        }
    }

    /// The file with this content, fetched if it is missing.
    fn obtain(&mut self, file: &str, meta: &Meta) -> Result<PathBuf, Error> {
        let Meta { commit, etag, size } = meta;
        let is_whole = |path: &Path| {
            let known = fs::metadata(path).ok().filter(fs::Metadata::is_file);
            known.is_some_and(|it| size.is_none_or(|size| it.len() == size))
        };
        if let Some(path) = self.folder.found(commit, file).filter(|it| is_whole(it)) {
            return Ok(path);
        }
        let _lock = lock::of_hub(&self.folder.lock(etag), self.progress)?;
        // Another process may have fetched it in the meantime.
        if let Some(path) = self.folder.found(commit, file).filter(|it| is_whole(it)) {
            return Ok(path);
        }
        let blob = self.folder.blob(etag);
        if is_whole(&blob) {
            return self.folder.link(etag, commit, file, Blob::Known);
        }
        let part = self.folder.part(etag);
        if let Some(blobs) = blob.parent() {
            fs::create_dir_all(blobs).map_err(|source| Error::Cache {
                path: blobs.to_owned(),
                source,
            })?;
        }
        let name = self.asked.with_file(file);
        let name = name.map_or_else(|_| file.to_owned(), |name| name.to_string());
        let job = Job {
            name: &name,
            part: Part::named(part),
            target: blob,
            proof: match () {
                () if is_hex(etag, 64) => Proof::Sha256(etag),
                () if is_hex(etag, 40) => Proof::Git(etag),
                () => Proof::None,
            },
            size: *size,
            secret: self.fetcher.secret(),
            patience: self.fetcher.patience,
        };
        let url = self.name.url(&self.fetcher.hub.endpoint, file);
        download::run(&job, &[url], self.progress)?;
        self.folder.link(etag, commit, file, Blob::New)
    }

    fn client(&self) -> Client<'_> {
        Client {
            agent: &self.agent,
            endpoint: &self.fetcher.hub.endpoint,
            secret: self.fetcher.secret(),
        }
    }

    fn offline(&self, file: &str, variable: &str) -> Error {
        let url = self.asked.url(&self.fetcher.hub.endpoint, file);
        let folder = self.folder.path().display();
        self.fail(format!(
            "it is not in {folder} and {variable} is set; unset it, or download {url} elsewhere and give \
             the file's path"
        ))
    }

    fn fail(&self, reason: String) -> Error {
        Error::Hub {
            file: self.asked.to_string(),
            reason,
        }
    }
}

/// Whether a revision is a full commit hash, which never changes.
fn is_commit(revision: &str) -> bool {
    is_hex(revision, 40)
}

/// Fetches from a mirror. It is a plain file server without commits, so each file goes by its URL.
fn from_mirror(
    fetcher: &Fetcher,
    name: &HubFile,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, Error> {
    if let Some(path) = fetcher.hub.find(name) {
        return Ok(path);
    }
    let files = match name.file() {
        Some(file) => vec![file],
        None => WEIGHTS[..2].to_vec(),
    };
    let mut last = None;
    for file in files {
        if file.ends_with(".index.json") {
            return Err(Error::Hub {
                file: name.to_string(),
                reason: "BURN_ZOO_MIRROR serves single files; for sharded weights set HF_ENDPOINT instead"
                    .into(),
            });
        }
        let url = name.url(&fetcher.hub.endpoint, file);
        let remote = Remote {
            name: &url,
            urls: &[&url],
            file: &address::file_name(&url),
            sha256: None,
            licence: None,
        };
        match fetcher.fetch(remote, progress) {
            Ok(fetched) => return Ok(fetched.path),
            Err(error @ Error::Download { .. }) => last = last.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Hub {
        file: name.to_string(),
        reason: "it has no files".into(),
    }))
}
