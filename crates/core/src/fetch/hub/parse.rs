//! Parses names on the hub, in their own syntax and from URLs.

use std::str::FromStr;

use super::HubFile;
use super::name::{MAIN, SYNTAX, checked};
use crate::Error;
use crate::fetch::address::decoded;

/// Hosts of the hub's pages and files.
const HOSTS: [&str; 2] = ["huggingface.co", "hf.co"];
impl FromStr for HubFile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::HubName {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        if let Some(path) = hub_path(text) {
            return of_path(text, path)?
                .ok_or_else(|| wrong("this URL is not a model repository's weights"));
        }
        let name = ["hf://", "hf:", "hf-hub:", "hf_hub:"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .ok_or_else(|| wrong(SYNTAX))?;
        let name = name.strip_prefix("models/").unwrap_or(name);
        let mut parts = name.splitn(2, '/');
        let (owner, rest) = (parts.next().unwrap_or(""), parts.next());
        let Some(rest) = rest else {
            return Err(wrong(&format!(
                "the owner is missing; {SYNTAX} (the page of an old repository without an owner shows it)"
            )));
        };
        if ["datasets", "spaces", "buckets", "kernels"].contains(&owner) {
            return Err(wrong(
                "only model repositories have such names; give the file's URL, https://huggingface.co/...",
            ));
        }
        // A later `@` is a part of the file's name.
        let end = rest.find(['@', '/']).unwrap_or(rest.len());
        let (repo, rest) = rest.split_at(end);
        let (revision, rest) = match rest.strip_prefix('@') {
            Some(rest) => split_revision(rest),
            None => (MAIN, rest),
        };
        let file = rest.strip_prefix('/');
        let revision = decoded(revision).ok_or_else(|| wrong("its revision is not UTF-8"))?;
        checked(text, owner, repo, &revision, file)
    }
}

impl HubFile {
    /// The name for a URL on this hub. `None` if the URL is not that of a model repository's file.
    pub(in crate::fetch) fn of_url(url: &str, endpoint: &str) -> Option<Self> {
        let path = match url.strip_prefix(endpoint) {
            Some(path) if path.starts_with('/') => path,
            _ => hub_path(url)?,
        };
        of_path(url, path).ok().flatten()
    }
}

/// The path of a URL on the hub, without query and fragment.
fn hub_path(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.strip_prefix("www.").unwrap_or(host);
    HOSTS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(host))
        .then_some(path)
}

/// Parses `/owner/repo[/{blob,resolve,raw,tree}/revision[/file]]`. `None` for any other path.
fn of_path(text: &str, path: &str) -> Result<Option<HubFile>, Error> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_matches('/');
    let path = path.strip_prefix("models/").unwrap_or(path);
    let mut parts = path.splitn(4, '/');
    let mut next = || parts.next().unwrap_or("");
    let (owner, repo, kind, rest) = (next(), next(), next(), next());
    let elsewhere = ["datasets", "spaces", "buckets", "kernels", "api", "docs"];
    if repo.is_empty() || elsewhere.contains(&owner) || is_kind(repo) {
        return Ok(None);
    }
    if kind.is_empty() {
        return checked(text, owner, repo, MAIN, None).map(Some);
    }
    let (revision, file) = split_revision(rest);
    let file = file.trim_matches('/');
    let (Some(revision), Some(file)) = (decoded(revision), decoded(file)) else {
        return Ok(None);
    };
    let file = Some(file.as_str()).filter(|file| !file.is_empty());
    match (kind, file) {
        ("tree", None) | ("blob" | "resolve" | "raw" | "blame", Some(_)) => {
            checked(text, owner, repo, &revision, file).map(Some)
        }
        _ => Ok(None),
    }
}

fn is_kind(part: &str) -> bool {
    ["blob", "resolve", "raw", "blame", "tree"].contains(&part)
}

/// Splits a revision from the rest, which begins with `/`.
pub(super) fn split_revision(text: &str) -> (&str, &str) {
    let special = ["refs/pr/", "refs/convert/"];
    let begin = special.iter().find(|start| text.starts_with(*start));
    let begin = begin.map_or(0, |start| start.len());
    let end = text[begin..]
        .find('/')
        .map_or(text.len(), |end| begin + end);
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_parts(text: &str, repo: &str, revision: &str, file: Option<&str>) {
        let hub: HubFile = text.parse().unwrap();
        let found = format!("{}/{}", hub.owner(), hub.repo());
        assert_eq!(
            (&*found, hub.revision(), hub.file()),
            (repo, revision, file),
            "{text}"
        );
        // The printed name parses to the same name.
        assert_eq!(hub.to_string().parse::<HubFile>().unwrap(), hub, "{hub}");
    }

    #[test]
    fn a_name_has_owner_repository_revision_and_file_as_huggingface_hub_parses_it() {
        // `parse_hf_uri` of huggingface_hub 2.4.0 gives the same.
        assert_parts(
            "hf:timm/resnet18.a1_in1k",
            "timm/resnet18.a1_in1k",
            "main",
            None,
        );
        assert_parts("hf://o/r@v1.0/a/b.pth", "o/r", "v1.0", Some("a/b.pth"));
        assert_parts(
            "hf://models/o/r@refs/pr/3/m.bin",
            "o/r",
            "refs/pr/3",
            Some("m.bin"),
        );
        assert_parts(
            "hf-hub:o/r@refs/convert/x.y",
            "o/r",
            "refs/convert/x.y",
            None,
        );
        assert_parts(
            "hf:o/r@feature%2Ffoo/m.bin",
            "o/r",
            "feature/foo",
            Some("m.bin"),
        );
        assert_parts("hf:o/r/file@1.txt", "o/r", "main", Some("file@1.txt"));
        assert_parts("hf:o/r/a b%20c.pth", "o/r", "main", Some("a b%20c.pth"));
    }

    #[test]
    fn pages_and_files_of_the_hub_are_its_names() {
        let host = "https://huggingface.co";
        for (path, revision, file) in [
            ("/o/r", "main", None),
            ("/o/r/tree/v2/", "v2", None),
            ("/o/r/blob/main/a/b.pth", "main", Some("a/b.pth")),
            (
                "/o/r/resolve/main/b.pth?download=true#x",
                "main",
                Some("b.pth"),
            ),
            ("/o/r/blob/refs%2Fpr%2F1/b.pth", "refs/pr/1", Some("b.pth")),
            (
                "/o/r/blob/refs/pr/1/b%20c.pth",
                "refs/pr/1",
                Some("b c.pth"),
            ),
        ] {
            assert_parts(&format!("{host}{path}"), "o/r", revision, file);
        }
        assert_parts("https://hf.co/o/r/blob/x/b.pth", "o/r", "x", Some("b.pth"));
        for other in [
            "https://huggingface.co.example.org/o/r/blob/main/x",
            "https://huggingface.co/datasets/o/r/resolve/main/x.pth",
            "https://huggingface.co/gpt2/resolve/main/x.bin",
            "https://huggingface.co/o/r/discussions/1",
            "https://huggingface.co/o/r/tree/main/folder",
            "https://huggingface.co/o",
        ] {
            assert_eq!(HubFile::of_url(other, host), None, "{other}");
            assert!(other.parse::<HubFile>().is_err(), "{other}");
        }
        let own = HubFile::of_url(
            "http://localhost:1/hub/o/r/blob/v/x.pt",
            "http://localhost:1/hub",
        );
        assert_eq!(own.unwrap().to_string(), "hf:o/r@v/x.pt");
    }

    #[test]
    fn names_that_the_hub_does_not_have_are_refused_with_the_reason() {
        for (text, reason) in [
            ("hf:gpt2", "the owner is missing"),
            ("hf:", "the owner is missing"),
            ("hf:/x", "expected hf:owner/repo"),
            ("hf:o/", "expected hf:owner/repo"),
            ("hf:o/r/", "not a path inside"),
            ("hf:o/r/../../x", "not a path inside"),
            ("hf:o/r/a\\b", "not a path inside"),
            ("hf:o/r//etc/passwd", "not a path inside"),
            ("hf:../r", "letters, digits"),
            ("hf:o/a--b", "letters, digits"),
            ("hf:o/r@", "a revision is"),
            ("hf:o/r@..%2F..%2Fx/y", "a revision is"),
            ("hf:datasets/o/r/x", "only model repositories"),
        ] {
            let message = text.parse::<HubFile>().unwrap_err().to_string();
            assert!(message.contains(reason), "{text}: {message}");
        }
        assert!(HubFile::new("o", "r").unwrap().with_file("/x").is_err());
        assert!(HubFile::new("o", "r").unwrap().at("a/../b").is_err());
    }
}
