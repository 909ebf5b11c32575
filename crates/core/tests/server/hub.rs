//! A hub that answers like huggingface.co, and the server of large files that it redirects to.

#![allow(dead_code, reason = "no test crate uses all of it")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::server::{Reply, Seen, Server};

/// The token that gives access to `me/gated` and `me/private`.
pub(crate) const TOKEN: &str = "hf_good";
/// The initial commit of `main`.
pub(crate) const COMMIT: &str = "1111111111111111111111111111111111111111";

/// A hub on two local ports.
pub(crate) struct Hub {
    pub(crate) server: Server,
    /// The server of large files.
    pub(crate) cdn: Server,
    pub(crate) state: Arc<Mutex<State>>,
}

/// The hub's content, which tests change.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Commits of branches and tags.
    pub(crate) revisions: BTreeMap<String, String>,
    /// Files by repository and path, the same in all commits.
    pub(crate) files: BTreeMap<(String, String), Vec<u8>>,
    /// Renamed repositories.
    pub(crate) renamed: BTreeMap<String, String>,
    /// Answers to the next requests.
    pub(crate) troubles: Vec<Reply>,
    /// The content of large files as sent.
    pub(crate) spoilt: Option<Vec<u8>>,
    /// The content of small files as sent.
    pub(crate) spoilt_small: Option<Vec<u8>>,
    /// Responses for large files end after this many bytes.
    pub(crate) cuts: Vec<usize>,
}

impl Hub {
    pub(crate) fn of(files: &[(&str, &str, &[u8])]) -> Self {
        let mut state = State::default();
        state.revisions.insert("main".into(), COMMIT.into());
        for (repo, file, bytes) in files {
            state
                .files
                .insert(((*repo).into(), (*file).into()), bytes.to_vec());
        }
        let state = Arc::new(Mutex::new(state));
        let large = state.clone();
        let cdn = Server::start(move |request, _| {
            let mut state = large.lock().unwrap();
            let wanted = request.path[1..].split('?').next().unwrap();
            let mut files = state.files.values();
            let Some(bytes) = files.find(|bytes| sha256(bytes) == wanted).cloned() else {
                return Reply::status("403 Forbidden");
            };
            let bytes = state.spoilt.clone().unwrap_or(bytes);
            let reply = Reply::file(&bytes, "cdn", request);
            match state.cuts.pop() {
                Some(end) => reply.cut_after(end),
                None => reply,
            }
        });
        let (shared, base) = (state.clone(), cdn.base.clone());
        let server = Server::start(move |request, _| {
            let mut state = shared.lock().unwrap();
            match state.troubles.pop() {
                Some(trouble) => trouble,
                None => answer(&state, &base, request),
            }
        });
        Self { server, cdn, state }
    }

    /// Methods and paths of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        let seen = self.server.seen().into_iter();
        seen.map(|seen| format!("{} {}", seen.method, seen.path))
            .collect()
    }
}

fn answer(state: &State, cdn: &str, request: &Seen) -> Reply {
    let refused = |status, code: &str| Reply::status(status).with(format!("X-Error-Code: {code}"));
    let parts: Vec<_> = request.path.splitn(6, '/').collect();
    let token = request.header("authorization");
    let (repo, revision, file) = match parts[..] {
        ["", "api", "models", owner, repo, rest] => {
            let revision = rest.strip_prefix("revision/").unwrap();
            (format!("{owner}/{repo}"), revision, None)
        }
        ["", owner, repo, "resolve", revision, file] => {
            (format!("{owner}/{repo}"), revision, Some(file))
        }
        _ => return Reply::status("404 Not Found"),
    };
    if let Some(name) = state.renamed.get(&repo) {
        return Reply::redirect(&request.path.replace(&repo, name));
    }
    let is_open = token == Some(&format!("Bearer {TOKEN}"));
    if token.is_some() && !is_open {
        return Reply::status("401 Unauthorized")
            .with("X-Error-Message: Invalid credentials in Authorization header".into());
    }
    match repo.as_str() {
        "me/gated" if !is_open => return refused("401 Unauthorized", "GatedRepo"),
        "me/private" if !is_open => return refused("401 Unauthorized", "RepoNotFound"),
        _ => {}
    }
    let mut files = state.files.iter().filter(|((known, _), _)| *known == repo);
    let Some(_) = files.clone().next() else {
        return refused("404 Not Found", "RepoNotFound");
    };
    let revision = revision.replace("%2F", "/");
    let named = state.revisions.get(&revision);
    let is_known = state.revisions.values().any(|known| *known == revision);
    let Some(commit) = named.cloned().or(is_known.then_some(revision)) else {
        return refused("404 Not Found", "RevisionNotFound");
    };
    let commit = format!("X-Repo-Commit: {commit}");
    let Some(file) = file else {
        let names = files.map(|((_, file), _)| format!(r#"{{"rfilename":"{file}"}}"#));
        let text = names.collect::<Vec<_>>().join(",");
        return Reply::file(
            format!(r#"{{"siblings":[{text}]}}"#).as_bytes(),
            "x",
            request,
        );
    };
    let Some((_, bytes)) = files.find(|((_, known), _)| known == file) else {
        return refused("404 Not Found", "EntryNotFound").with(commit);
    };
    if file.ends_with(".json") {
        let sent = state.spoilt_small.as_ref().unwrap_or(bytes);
        let reply = Reply::file(sent, &git_blob(bytes), request).with(commit);
        return match request.method == "HEAD" {
            true => reply.without_body(),
            false => reply,
        };
    }
    let etag = sha256(bytes);
    Reply::redirect(&format!("{cdn}/{etag}?Signature=a/b~c&Expires=1"))
        .with(commit)
        .with(format!("X-Linked-Etag: \"{etag}\""))
        .with(format!("X-Linked-Size: {}", bytes.len()))
        .with("ETag: W/\"of the redirect\"".into())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The git blob hash of a file.
pub(crate) fn git_blob(bytes: &[u8]) -> String {
    let head = format!("blob {}\0", bytes.len());
    hex(&Sha1::new()
        .chain_update(head)
        .chain_update(bytes)
        .finalize())
}

fn hex(digits: &[u8]) -> String {
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}
