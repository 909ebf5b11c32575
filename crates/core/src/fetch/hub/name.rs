//! Names of files on Hugging Face.

use std::fmt;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::parse::split_revision;
use crate::Error;
use crate::fetch::address::{encoded, encoded_path};

/// The default revision.
pub(super) const MAIN: &str = "main";
/// The syntax of a name.
pub(super) const SYNTAX: &str =
    "expected hf:owner/repo[@revision][/file], such as hf:timm/resnet18.a1_in1k";

/// A file of a model repository on Hugging Face, or the repository's weights if it names no file.
///
/// Parsed from `hf:owner/repo[@revision][/file]` (or with Python's `hf://` or timm's `hf-hub:`), and from
/// the URL of the repository, of the file or of the page that shows it. A revision is a branch, a tag or
/// a commit, in full or abbreviated; it ends at the next `/`, except for `refs/pr/N` and
/// `refs/convert/NAME`. Write any other `/` in it as `%2F`, as in `huggingface_hub`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HubFile {
    owner: String,
    repo: String,
    revision: String,
    file: Option<String>,
}

impl HubFile {
    /// The weights of a repository's branch `main`.
    ///
    /// # Errors
    ///
    /// [`Error::HubName`] if the name is invalid.
    pub fn new(owner: &str, repo: &str) -> Result<Self, Error> {
        let text = format!("{owner}/{repo}");
        checked(&text, owner, repo, MAIN, None)
    }

    /// The same at another branch, tag or commit.
    ///
    /// # Errors
    ///
    /// [`Error::HubName`] if the revision is invalid.
    pub fn at(&self, revision: &str) -> Result<Self, Error> {
        let file = self.file.as_deref();
        checked(revision, &self.owner, &self.repo, revision, file)
    }

    /// Another file of the same revision; folders are separated by `/`.
    ///
    /// # Errors
    ///
    /// [`Error::HubName`] if the path leaves the repository.
    pub fn with_file(&self, file: &str) -> Result<Self, Error> {
        checked(file, &self.owner, &self.repo, &self.revision, Some(file))
    }

    /// A user or an organization.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The repository's name, without its owner.
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// A branch, a tag or a commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The file's path in the repository.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The repository's page on a hub.
    pub(super) fn page(&self, endpoint: &str) -> String {
        format!("{endpoint}/{}/{}", self.owner, self.repo)
    }

    /// The URL of one of its files on a hub.
    pub(in crate::fetch) fn url(&self, endpoint: &str, file: &str) -> String {
        let revision = encoded(&self.revision);
        let file = encoded_path(file);
        format!("{}/resolve/{revision}/{file}", self.page(endpoint))
    }

    /// The URL of the list of the repository's files.
    pub(super) fn listing(&self, endpoint: &str) -> String {
        let Self { owner, repo, .. } = self;
        let revision = encoded(&self.revision);
        format!("{endpoint}/api/models/{owner}/{repo}/revision/{revision}")
    }
}

impl fmt::Display for HubFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hf:{}/{}", self.owner, self.repo)?;
        if self.revision != MAIN {
            let special = split_revision(&self.revision).0 == self.revision;
            match special {
                true => write!(f, "@{}", self.revision.replace('%', "%25"))?,
                false => write!(f, "@{}", encoded(&self.revision))?,
            }
        }
        match &self.file {
            Some(file) => write!(f, "/{file}"),
            None => Ok(()),
        }
    }
}

impl From<HubFile> for String {
    fn from(file: HubFile) -> Self {
        file.to_string()
    }
}

impl TryFrom<String> for HubFile {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// A name, if it is valid.
pub(super) fn checked(
    text: &str,
    owner: &str,
    repo: &str,
    revision: &str,
    file: Option<&str>,
) -> Result<HubFile, Error> {
    let wrong = |reason: &str| {
        Err(Error::HubName {
            text: text.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if [owner, repo].contains(&"") {
        return wrong(SYNTAX);
    }
    if ![owner, repo].into_iter().all(is_repo_name) {
        return wrong(
            "owner and repository consist of letters, digits, `.`, `_` and single `-`, and neither begins or ends \
             with `.` or `-`",
        );
    }
    let odd = |letter: char| letter.is_control() || " \\:*?[~^".contains(letter);
    if !is_relative(revision) || revision.contains(odd) {
        return wrong("a revision is a branch, a tag, a commit or refs/pr/N");
    }
    if !file.is_none_or(is_relative) {
        return wrong("the file is not a path inside the repository");
    }
    Ok(HubFile {
        owner: owner.to_owned(),
        repo: repo.to_owned(),
        revision: revision.to_owned(),
        file: file.map(str::to_owned),
    })
}

/// The check of `huggingface_hub`: two hyphens separate owner and repository in the cache.
fn is_repo_name(name: &str) -> bool {
    let known = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let edge = |letter: char| ".-".contains(letter);
    name.len() <= 96
        && name.chars().all(known)
        && !(name.starts_with(edge) || name.ends_with(edge))
        && !(name.contains("--") || name.contains("..") || name.ends_with(".git"))
}

/// Whether a path stays inside its base folder on this system.
pub(super) fn is_relative(path: &str) -> bool {
    let plain = |part: &str| {
        let mut components = Path::new(part).components();
        matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none()
    };
    path.len() <= 1024
        && !path.contains(|letter: char| letter == '\\' || letter.is_control())
        && path.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_of_a_revision_are_encoded_in_addresses() {
        let hub: HubFile = "hf:o/r@refs/pr/1".parse().unwrap();
        // As `hf_hub_url("o/r", "a b/c.bin", revision="refs/pr/1")` of huggingface_hub.
        assert_eq!(
            hub.url("https://huggingface.co", "a b/c.bin"),
            "https://huggingface.co/o/r/resolve/refs%2Fpr%2F1/a%20b/c.bin"
        );
    }
}
