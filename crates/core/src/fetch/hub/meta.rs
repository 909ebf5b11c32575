//! The hub's metadata of a file, requested before the file.

use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::Body;
use ureq::http::{Response, header};

use super::{HubFile, folder};
use crate::fetch::http::{self, Failure, Method};
use crate::fetch::token::Secret;

/// The longest list of files, in bytes.
const LONGEST_LIST: u64 = 16 << 20;
/// Most file names in the error for a missing file.
const MOST_NAMED: usize = 8;

/// The hub's metadata of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    /// The current commit of the revision.
    pub(super) commit: String,
    /// The name of the blob: its sha256 or its git hash.
    pub(super) etag: String,
    /// Its length.
    pub(super) size: Option<u64>,
}

/// Why the hub returned no metadata.
#[derive(Debug)]
pub(super) enum NoMeta {
    /// The commit has no such file.
    NoFile(Option<String>),
    /// The hub refuses; a cached file can still be used.
    Closed(String),
    /// The repository or revision does not exist.
    Refused(String),
    /// A retry may help, after the delay that the hub asks for.
    Broken(String, Option<Duration>),
}

/// A hub, and how to send it requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client<'a> {
    pub(super) agent: &'a Agent,
    pub(super) endpoint: &'a str,
    pub(super) secret: Option<Secret<'a>>,
}

impl Client<'_> {
    /// Asks for a file of a revision.
    pub(super) fn meta(&self, name: &HubFile, file: &str) -> Result<Meta, NoMeta> {
        let url = name.url(self.endpoint, file);
        let response = http::send(self.agent, Method::Head, &url, self.secret, &[]);
        let response = response.map_err(|failure| match failure {
            Failure::Refused(reason) => NoMeta::Closed(format!("{url}: {reason}")),
            Failure::Broken(reason, wait) => NoMeta::Broken(format!("{url}: {reason}"), wait),
        })?;
        match response.status().as_u16() {
            200..=399 => read(&response).ok_or_else(|| {
                NoMeta::Closed(format!(
                    "{url} does not answer like a hub (no X-Repo-Commit or ETag); check HF_ENDPOINT and the \
                     proxy"
                ))
            }),
            status => Err(self.refusal(status, &response, &url, name)),
        }
    }

    fn refusal(&self, status: u16, response: &Response<Body>, url: &str, name: &HubFile) -> NoMeta {
        let text = |key: &str| response.headers().get(key)?.to_str().ok();
        let page = name.page(self.endpoint);
        let message = text("x-error-message").unwrap_or_default();
        let invalid = message.contains("Invalid credentials") || message.contains("expired");
        match (text("x-error-code"), status) {
            (Some("EntryNotFound"), _) => {
                NoMeta::NoFile(commit(response).filter(|it| folder::is_name(it)))
            }
            (Some("RevisionNotFound"), _) => {
                let revision = name.revision();
                NoMeta::Refused(format!("{page} has no branch, tag or commit {revision}"))
            }
            (Some("GatedRepo"), _) => NoMeta::Closed(match self.token(url) {
                Seen::Yes => format!(
                    "it is gated, and your token's account does not have access; accept its terms at \
                     {page} with that account"
                ),
                unseen => format!("it is gated; accept its terms at {page}, then {}", unseen.advice()),
            }),
            (_, 401) if invalid => NoMeta::Closed(
                "your token is not valid or has expired; log in again (`hf auth login`), or fix or unset \
                 HF_TOKEN"
                    .into(),
            ),
            _ if message.contains("resource is disabled") => {
                NoMeta::Closed(format!("{page} is disabled by the hub"))
            }
            (Some("RepoNotFound"), _) | (_, 401) => NoMeta::Closed(match self.token(url) {
                Seen::Yes => format!(
                    "{page} does not exist, or it is private and your token has no access to it"
                ),
                unseen => format!("{page} does not exist, or it is private: if so, {}", unseen.advice()),
            }),
            (_, 408 | 429 | 500..=599) => NoMeta::Broken(
                format!("{url}: it answered {}", response.status()),
                http::retry_after(response.headers()),
            ),
            (_, 403) if !message.is_empty() => {
                NoMeta::Closed(format!("{url}: {message} (403 Forbidden)"))
            }
            _ => NoMeta::Closed(format!("{url}: it answered {}", response.status())),
        }
    }

    /// Whether the hub received a token.
    fn token(&self, url: &str) -> Seen {
        match self.secret {
            None => Seen::None,
            Some(secret) if secret.for_url(url).is_none() => Seen::Withheld,
            Some(_) => Seen::Yes,
        }
    }

    /// Names of the weight files of a revision, if the hub lists them.
    pub(super) fn weight_files(&self, name: &HubFile) -> Vec<String> {
        #[derive(Deserialize)]
        struct Listing {
            siblings: Vec<Sibling>,
        }
        #[derive(Deserialize)]
        struct Sibling {
            rfilename: String,
        }
        let url = name.listing(self.endpoint);
        let Ok(response) = http::send(self.agent, Method::Get, &url, self.secret, &[]) else {
            return Vec::new();
        };
        let reader = response.into_body().into_with_config();
        let listing = reader.limit(LONGEST_LIST).read_to_string();
        let listing: Option<Listing> = listing
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        let files = listing.map_or(Vec::new(), |listing| listing.siblings);
        let endings = [
            ".safetensors",
            ".bin",
            ".pth",
            ".pt",
            ".ckpt",
            ".tar",
            ".mpk",
            ".pt2",
        ];
        files
            .into_iter()
            .map(|file| file.rfilename)
            .filter(|file| endings.iter().any(|ending| file.ends_with(ending)))
            .take(MOST_NAMED)
            .collect()
    }
}

/// Whether a hub received the user's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Yes,
    None,
    Withheld,
}

impl Seen {
    fn advice(self) -> &'static str {
        match self {
            Self::Withheld => {
                "use https:// in HF_ENDPOINT, because a token is never sent unencrypted"
            }
            _ => "log in (`hf auth login`) or set HF_TOKEN",
        }
    }
}

fn read(response: &Response<Body>) -> Option<Meta> {
    let headers = response.headers();
    let text = |key: &str| headers.get(key)?.to_str().ok();
    let etag = text("x-linked-etag").or_else(|| http::text(headers, header::ETAG))?;
    let etag = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
    let size = |key: &str| text(key)?.parse().ok();
    let moved = response.status().is_redirection();
    // Some servers report a length of 0 for a HEAD request.
    let length = || size("content-length").filter(|size| *size > 0 && !moved);
    let commit = commit(response)?;
    let usable = folder::is_name(etag) && folder::is_name(&commit);
    usable.then(|| Meta {
        commit,
        etag: etag.to_owned(),
        size: size("x-linked-size").or_else(length),
    })
}

fn commit(response: &Response<Body>) -> Option<String> {
    let commit = response.headers().get("x-repo-commit")?;
    Some(commit.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::{Patience, Token};

    #[test]
    fn who_has_a_token_is_told_why_the_hub_did_not_see_it() {
        let (token, endpoint) = (Token::new("hf_secret"), "http://hub.example.org");
        let agent = http::agent(&Patience::default());
        let client = Client {
            agent: &agent,
            endpoint,
            secret: Some(Secret::new(&token, endpoint)),
        };
        let name: HubFile = "hf:me/gated/x.bin".parse().unwrap();
        let url = name.url(endpoint, "x.bin");
        for (code, part) in [
            ("GatedRepo", "it is gated"),
            ("RepoNotFound", "does not exist"),
        ] {
            let response = Response::builder().status(401).header("x-error-code", code);
            let response = response.body(Body::builder().data("")).unwrap();
            let NoMeta::Closed(reason) = client.refusal(401, &response, &url, &name) else {
                panic!("{code}");
            };
            assert!(reason.contains(part), "{reason}");
            assert!(reason.contains("https:// in HF_ENDPOINT"), "{reason}");
        }
    }
}
